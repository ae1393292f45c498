"""`contract-registry`: the contracts of a project, locked, pulled, checked and turned into code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from contract_registry_client.generation import LANGUAGES, generate
from contract_registry_client.lockfile import (
    MANIFEST,
    TEMPLATE,
    LockError,
    Manifest,
    digest_of,
    read_lock,
    read_manifest,
)
from contract_registry_client.projects import check_local, lock, pull, verify
from contract_registry_client.registry import JSON, RegistryClient, RegistryError, RegistryUnreachable

PASSWORD = "SIGNING_KEY_PASSWORD"
FAULTY, UNUSABLE, UNREACHABLE = 1, 2, 3
_EPILOG = "Exit codes: 0 done, 1 refused (a break, tampering, drift), 2 the input is unusable, 3 no registry answers."


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LockError as error:
        print(error, file=sys.stderr)
        return FAULTY
    except RegistryUnreachable as error:
        print(error, file=sys.stderr)
        return UNREACHABLE
    except RegistryError as error:
        print(f"The registry refused ({error.status}): {error}", file=sys.stderr)
        return UNUSABLE if error.status in (400, 401, 403) else FAULTY
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  the reader has what it wanted
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("contract-registry", description=__doc__, epilog=_EPILOG)
    parser.add_argument("--folder", type=Path, default=Path(), help=f"the folder of {MANIFEST} (default: this one)")
    parser.add_argument("--registry", help="URL (default: REGISTRY_ENDPOINT, or that of contracts.toml)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=text, description=text, epilog=_EPILOG)
        found.set_defaults(run=run)
        return found

    command("init", _init, f"write a {MANIFEST} to begin with")
    command("lock", _lock, "resolve the ranges of contracts.toml, and write contracts.lock")
    pulled = command("pull", _pull, "write the files of the locked contracts, and verify them")
    pulled.add_argument(
        "--frozen", action="store_true", help="fail if contracts.lock is missing or not that of contracts.toml"
    )
    command("verify", _verify, "verify the files against contracts.lock, without a registry")
    outdated = command("diff", _diff, "show what changes from the locked version of a contract to another one")
    outdated.add_argument("contract")
    outdated.add_argument("to", nargs="?", default="latest", help="a version or a range (default: latest)")
    checked = command("check", _check, "compare the texts under [local] with the registry; 1 if one breaks, for CI")
    checked.add_argument("--json", action="store_true", help="write the verdicts as JSON")
    signed = command("sign", _sign, "sign a version with a private key, and send the signature to the registry")
    signed.add_argument("contract")
    signed.add_argument("version")
    signed.add_argument(
        "--key", type=Path, required=True, help=f"in PEM form; {PASSWORD} has its password, if it has one"
    )
    generated = command("generate", _generate, "write code from the pulled files, without a registry")
    generated.add_argument("--lang", required=True, choices=sorted(LANGUAGES))
    generated.add_argument("--output", type=Path, help="folder (default: generated/LANG)")
    return parser


def _client(options: argparse.Namespace, manifest: Manifest) -> RegistryClient:
    endpoint = options.registry or os.environ.get("REGISTRY_ENDPOINT") or manifest.registry
    token = os.environ.get("JWT_TOKEN", "").strip()
    if not token:
        raise LockError("No token: set JWT_TOKEN")
    try:
        return RegistryClient(endpoint, token, timeout=30)
    except (httpx.InvalidURL, ValueError) as error:
        raise LockError(f"{endpoint!r} is not the URL of a registry: {error}") from None


def _init(options: argparse.Namespace) -> int:
    path = options.folder / MANIFEST
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise LockError(f"{path} exists already") from None
    print(f"Wrote {path}")
    return 0


def _lock(options: argparse.Namespace) -> int:
    manifest = read_manifest(options.folder)
    try:
        before = {each.name: each.version for each in read_lock(options.folder) if each.range}
    except LockError:
        before = {}
    with _client(options, manifest) as registry:
        locked = lock(manifest, registry)
    for each in sorted(locked, key=lambda each: each.name):
        if each.range and before.get(each.name) != each.version:
            print(f"{each.name} {before.get(each.name, '-')} -> {each.version}")
    print(f"Locked {len(locked)} versions")
    return 0


def _pull(options: argparse.Namespace) -> int:
    manifest = read_manifest(options.folder)
    with _client(options, manifest) as registry:
        locked = pull(manifest, registry, frozen=options.frozen)
    print(f"Pulled {len(locked)} versions into {options.folder / manifest.folder}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    print(f"Verified {len(verify(read_manifest(options.folder)))} versions")
    return 0


def _diff(options: argparse.Namespace) -> int:
    manifest = read_manifest(options.folder)
    locked = next((each for each in read_lock(options.folder) if each.name == options.contract and each.range), None)
    if locked is None:
        raise LockError(f"{options.contract} is not in contracts.lock")
    with _client(options, manifest) as registry:
        report = registry.diff(options.contract, locked.version, options.to)
    print(f"{options.contract} {report['from']} -> {report['to']}: {report['verdict']}")
    _show_changes(report)
    return 0


def _check(options: argparse.Namespace) -> int:
    manifest = read_manifest(options.folder)
    if not manifest.local:
        raise LockError(f"{MANIFEST} names no texts under [local]")
    with _client(options, manifest) as registry:
        verdicts = list(check_local(manifest, registry))
    broken = [name for name, report in verdicts if report is not None and not report["acceptable"]]
    if options.json:
        print(json.dumps(dict(verdicts), indent=2))
        return FAULTY if broken else 0
    for name, report in verdicts:
        if report is None:
            print(f"{name}: new")
            continue
        bump = report["requiredBump"] or "no"
        print(f"{name}: {report['verdict']}, {bump} bump")
        _show_changes(report)
    return FAULTY if broken else 0


def _show_changes(report: JSON) -> None:
    for change in report["changes"]:
        mark = "!" if change.get("breaking") else " "
        place = change.get("newPointer") or change.get("oldPointer") or "/"
        print(f"  {mark} {change['rule']} at {place}: {change['message']}")


def _sign(options: argparse.Namespace) -> int:
    from contract_registry_client.signing import sign

    try:
        manifest = read_manifest(options.folder)
    except LockError:
        manifest = Manifest(options.folder)  # signing needs none
    try:
        key = options.key.read_bytes()
    except OSError as error:
        raise LockError(f"{options.key} cannot be read: {error}") from None
    password = os.environ.get(PASSWORD)
    with _client(options, manifest) as registry:
        version = registry.get(options.contract, options.version)
        if digest_of(version) != version["digest"]:
            raise LockError(f"{options.contract} {options.version} is not what its digest says; nothing was signed")
        exact = version["version"]
        oci = registry.manifest_digest(version["name"], exact)
        envelope = sign(version, key, password.encode() if password else None, manifest=oci)
        added = registry.sign(version["name"], exact, envelope)
    print(f"Signed {added['name']} {added['version']} as {added['signer']} (digest {added['digest']})")
    return 0


def _generate(options: argparse.Namespace) -> int:
    manifest = read_manifest(options.folder)
    output = options.output or options.folder / "generated" / options.lang
    results = generate(manifest, options.lang, output)
    for name, error in results:
        if error:
            print(f"{name}: {error}", file=sys.stderr)
    failed = sum(bool(error) for _, error in results)
    print(f"Generated code for {len(results) - failed} of {len(results)} contracts in {output}")
    return FAULTY if failed else 0


if __name__ == "__main__":
    sys.exit(main())
