"""Locking and pulling of the contracts of a project, and checks of its own texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contract_registry_client.lockfile import (
    Locked,
    LockError,
    Manifest,
    check_complete,
    digest_of,
    read_lock,
    sha256,
    write_lock,
    write_whole,
)
from contract_registry_client.registry import JSON, RegistryClient, RegistryError

CONTRACT, SCHEMA, WIT = "contract.json", "schema.json", "contract.wit"
SIGNATURES = "signatures.json"
"""Not locked: signatures may be added, and each is verified by itself."""
_STATES = ("lifecycle", "labels", "signatures", "signedBy")
"""Members of a version that may change after it was published."""


def lock(manifest: Manifest, registry: RegistryClient) -> list[Locked]:
    """Resolve the ranges of contracts.toml and what those versions depend on, and write contracts.lock.

    Raises LockError, RegistryError, RegistryUnreachable.
    """
    found: dict[tuple[str, str], Locked] = {}
    waiting = [(name, range_, range_, "") for name, range_ in manifest.contracts.items()]
    while waiting:
        name, version, range_, digest = waiting.pop()
        fetched = registry.get(name, version)
        _check_digest(fetched, digest or str(fetched.get("digest")))
        _check_signed(manifest, fetched, fetched.get("signatures", []))
        place = (fetched["name"], fetched["version"])
        if place in found and not range_:
            continue
        files = {file: sha256(data) for file, data in _files(fetched, registry)}
        found[place] = Locked(*place, fetched["digest"], range_, files)
        waiting += [(each["name"], each["version"], "", each["digest"]) for each in fetched.get("dependencies", ())]
    locked = list(found.values())
    write_lock(manifest.root, locked)
    return locked


def pull(manifest: Manifest, registry: RegistryClient, *, frozen: bool) -> list[Locked]:
    """Write the files of the locked contracts, and verify each against contracts.lock before anything is written.

    Without `frozen`, a missing or outdated lock is made first. Raises LockError, RegistryError, RegistryUnreachable.
    """
    try:
        locked = read_lock(manifest.root)
        check_complete(manifest, locked)
    except LockError:
        if frozen:
            raise
        locked = lock(manifest, registry)
    fetched: list[tuple[Path, bytes]] = []
    for each in locked:
        version = registry.get(each.name, each.version)
        _check_digest(version, each.digest)
        signatures = version.get("signatures", [])
        _check_signed(manifest, version, signatures)
        if signatures:
            data = (json.dumps(signatures, ensure_ascii=False, indent=2) + "\n").encode()
            fetched.append((folder_of(manifest, each) / SIGNATURES, data))
        for name, data in _files(version, registry):
            _check_file(each, name, data, "the registry")
            fetched.append((folder_of(manifest, each) / name, data))
    for path, data in fetched:
        write_whole(path, data)
    return locked


def verify(manifest: Manifest) -> list[Locked]:
    """Return what is locked, if all files are what was locked. Needs no registry. Raises LockError."""
    locked = read_lock(manifest.root)
    check_complete(manifest, locked)
    for each in locked:
        for name in each.files:
            path = folder_of(manifest, each) / name
            try:
                data = path.read_bytes()
            except OSError:
                raise LockError(f"{path} is missing; run `contract-registry pull --frozen`") from None
            _check_file(each, name, data, str(path))
        if manifest.signers:
            folder = folder_of(manifest, each)
            try:
                signatures = json.loads((folder / SIGNATURES).read_bytes())
            except FileNotFoundError:
                signatures = []
            except (OSError, ValueError) as error:
                raise LockError(f"{folder / SIGNATURES} cannot be read: {error}") from None
            _check_signed(manifest, json.loads((folder / CONTRACT).read_bytes()), signatures)
    return locked


def folder_of(manifest: Manifest, locked: Locked) -> Path:
    """Return the folder of a contract; a version that only another contract needs has one of its own."""
    name = locked.name if locked.range else f"{locked.name}@{locked.version}"
    return manifest.root / manifest.folder / name


def _files(version: JSON, registry: RegistryClient) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a version."""
    kept = {name: member for name, member in version.items() if name not in _STATES}
    yield CONTRACT, (json.dumps(kept, ensure_ascii=False, indent=2) + "\n").encode()
    if version.get("jsonSchema") is not None:
        yield SCHEMA, registry.schema(version["name"], version["version"]).text.encode()
    if version.get("wit") is not None:
        yield WIT, version["wit"].encode()


def _check_digest(version: JSON, wanted: str) -> None:
    found = digest_of(version)
    if found != wanted:
        raise LockError(
            f"{version.get('name')} {version.get('version')} has the digest {found}, not {wanted}: it is another "
            "content. Find out why before you lock it anew"
        )


def _check_signed(manifest: Manifest, version: JSON, signatures: Any) -> None:
    """Raise LockError unless one of the signers of contracts.toml, if it names any, has signed a version."""
    if not manifest.signers:
        return
    from contract_registry_client.signing import signers_of

    keys = {name: manifest.root / path for name, path in manifest.signers.items()}
    given = signatures if isinstance(signatures, list) else []
    if not signers_of(version, given, keys):
        raise LockError(
            f"{version['name']} {version['version']} is not signed by {' or '.join(keys)}: it has "
            f"{len(given) or 'no'} signatures, and none over this content holds for a key under [signers]"
        )


def _check_file(locked: Locked, name: str, data: bytes, source: str) -> None:
    if sha256(data) != locked.files.get(name):
        raise LockError(
            f"{name} of {locked.name} {locked.version} from {source} is not what contracts.lock has. If that is right, "
            "run `contract-registry lock`, and look at the difference"
        )


def check_local(manifest: Manifest, registry: RegistryClient) -> Iterator[tuple[str, JSON | None]]:
    """Yield each contract of `[local]` with the verdict on the step from its latest version, None for a new one.

    Raises LockError, RegistryError, RegistryUnreachable.
    """
    for name, path in manifest.local.items():
        try:
            text = (manifest.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LockError(f"{path} of {name} cannot be read: {error}") from None
        part = "wit" if path.endswith(".wit") else "jsonSchema"
        new: dict[str, Any] = {part: text}
        try:
            yield name, registry.check({"name": name, "version": "latest"}, {"name": name, **new})
        except RegistryError as error:
            if error.status != 404:
                raise
            registry.publish({"name": name, "version": "0.0.0", **new}, dry_run=True)
            yield name, None
