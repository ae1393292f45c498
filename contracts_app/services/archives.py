"""Archives: a set of versions as files that can be verified; the same content gives the same bytes.

`contracts.json` holds the records, the policies that apply to them and the bindings of subjects to them,
`manifest.json` lists the versions, and `archive.sha256` has the digests of both in the format of `sha256sum --check`.
An archive is a release, not a backup: it has the present state, and neither the history nor who made it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts_app.bindings import PREFIX as BINDING_PREFIX
from contracts_app.bindings import Binding, bindings_of, check_binding
from contracts_app.bundles import ContractBundle, compact, key_of
from contracts_app.exceptions import (
    ContractError,
    ContractNotFound,
    MalformedContract,
    UnreadableRecord,
    VersionSetChanged,
)
from contracts_app.lifecycle import REMOVED
from contracts_app.policies import check_policy, check_readable, level_and_name, levels_for, levels_of, policy_key
from contracts_app.proposals import PREFIX as PROPOSAL_PREFIX
from contracts_app.proposals import read_proposal
from contracts_app.records import read_record
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.content_checks import check_content
from contracts_app.services.signature_checks import fault_of
from contracts_app.services.wit_packages import packages_of
from contracts_app.signatures import MAX_SIGNATURES, check_signer, signers_of
from contracts_app.signatures import PREFIX as SIGNER_PREFIX
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import Version

CONTRACTS, MANIFEST, DIGESTS = "contracts.json", "manifest.json", "archive.sha256"
FORMAT = 1
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Archive:
    bundles: list[ContractBundle]
    policies: dict[str, dict[str, Any]]
    """By the key under which they are stored."""
    bindings: list[Binding]


class InvalidArchive(ValueError):
    """The files are not an archive, or were changed."""


def export_archive(
    store: ContractStore, chosen: Callable[[ContractBundle], bool], folder: Path, progress: Progress
) -> Archive:
    """Write an archive of the chosen versions, all their dependencies, their policies and bindings.

    Raises UnreadableRecord, OSError.
    """
    listing = store.list_all()
    if listing.faults:
        raise listing.faults[0]
    by_key = {bundle.key: bundle for bundle in listing.bundles}
    wanted = {bundle.key for bundle in listing.bundles if chosen(bundle)}
    waiting = list(wanted)
    while waiting:
        for each in by_key[waiting.pop()].dependencies:
            key = key_of(each.name, each.version)
            if key in by_key and key not in wanted:
                wanted.add(key)
                waiting.append(key)
    bundles = [bundle for bundle in listing.bundles if bundle.key in wanted]
    names = {bundle.name for bundle in bundles}
    policies = _policies_of(store, names)
    bindings = [each for each in bindings_of(store.index("binding").documents) if each.contract in names]
    records = b",\n".join(bundle.to_record() for bundle in progress(bundles))
    extra = b',"policies":' + compact(policies) if policies else b""
    if bindings:
        extra += b',"bindings":' + compact({each.name: each.to_json() for each in bindings})
    whole = b'{"contracts":[\n' + records + b"\n]" + extra + b"}\n"
    manifest = {
        "format": FORMAT,
        "contracts": [
            {"name": bundle.name, "version": bundle.version, "state": _stored_state(bundle), "digest": bundle.digest}
            for bundle in bundles
        ],
    }
    listed_manifest = compact(manifest).replace(b'{"name"', b'\n{"name"') + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CONTRACTS, whole)
    _write(folder / MANIFEST, listed_manifest)
    digests = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in _named(whole, listed_manifest))
    _write(folder / DIGESTS, digests.encode())
    return Archive(bundles, policies, bindings)


def _policies_of(store: ContractStore, names: set[str]) -> dict[str, dict[str, Any]]:
    documents = store.index("policy").documents
    for name in names:
        check_readable(documents, name)
    levels = levels_of(documents)
    return dict(sorted(item for name in names for item in levels_for(levels, name)))


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole. A symbolic link is replaced itself, not what it leads to."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _named(bundle: bytes, manifest: bytes) -> tuple[tuple[str, bytes], ...]:
    return (CONTRACTS, bundle), (MANIFEST, manifest)


def _stored_state(bundle: ContractBundle) -> str:
    return bundle.lifecycle.state if bundle.lifecycle else "active"


def read_archive(folder: Path) -> Archive:
    """Return the content of an archive, every digest verified. Raises InvalidArchive, OSError."""
    files = {name: (folder / name).read_bytes() for name in (CONTRACTS, MANIFEST)}
    lines = (folder / DIGESTS).read_text(encoding="utf-8").splitlines()
    given = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name, data in files.items():
        if given.get(name) != hashlib.sha256(data).hexdigest():
            raise InvalidArchive(f"{folder / name} is not the file that {DIGESTS} was written for")
    try:
        bundle, manifest = loads(files[CONTRACTS]), loads(files[MANIFEST])
        if manifest["format"] != FORMAT:
            raise InvalidArchive(f"{folder / MANIFEST} is of format {manifest['format']!r:.20}; {FORMAT} is known")
        bundles = [_read(record) for record in bundle["contracts"]]
        policies = {key: _checked(key, value) for key, value in bundle.get("policies", {}).items()}
        bindings = [check_binding(name, value) for name, value in bundle.get("bindings", {}).items()]
        listed = [(each["name"], each["version"], each["digest"]) for each in manifest["contracts"]]
    except InvalidJSON as error:
        raise InvalidArchive(f"{folder} holds a file that is not JSON: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidArchive(f"{folder} is not an archive: {error!r}") from None
    except MalformedContract as error:
        raise InvalidArchive(f"{folder / CONTRACTS}: a policy or a binding: {error.message}") from None
    except UnreadableRecord as fault:
        raise InvalidArchive(f"{folder / CONTRACTS}: {fault.message}") from None
    if listed != [(bundle.name, bundle.version, bundle.digest) for bundle in bundles]:
        raise InvalidArchive(f"{MANIFEST} does not list what {CONTRACTS} holds")
    return Archive(bundles, policies, bindings)


def _checked(key: str, value: Any) -> dict[str, Any]:
    level, name = level_and_name(key) if key.count(".") else ("", "")
    if level not in ("default", "prefix", "contract") or policy_key(level, name) != key:
        raise MalformedContract(f"{key!r:.80} is not the key of a policy")
    return check_policy(value)


def _read(record: Any) -> ContractBundle:
    return read_record(key_of(str(record["name"]), str(record["version"])), compact(record))


def import_policy(store: ContractStore, key: str, policy: dict[str, Any], actor: Actor, *, dry_run: bool) -> str:
    """Import one policy. Returns `imported`, `unchanged`, or `conflict`: there is another one."""
    for attempt in range(20):
        after, value = store.index("policy", fresh=attempt > 0).documents.get(key, (0, None))
        if value is not None:
            try:
                return "unchanged" if loads(value) == policy else "conflict"
            except InvalidJSON:
                return "conflict"
        if not dry_run:
            try:
                store.put_document(key, compact(policy), after=after, audit=AuditEntry(actor, "import"))
            except VersionSetChanged:
                continue
        return "imported"
    return "conflict"


def import_binding(store: ContractStore, binding: Binding, actor: Actor, *, dry_run: bool) -> str:
    """Import one binding. Returns `imported`, `unchanged`, or `conflict`: another has its name or its subject."""
    for attempt in range(20):
        index = store.index("binding", fresh=attempt > 0)
        for present in bindings_of(index.documents):
            if present == binding:
                return "unchanged"
            if present.name == binding.name or present.subject == binding.subject:
                return "conflict"
        if not dry_run:
            key, after = BINDING_PREFIX + binding.name, index.last_of_family("binding")
            audit = AuditEntry(actor, "import")
            try:
                store.put_document(key, compact(binding.to_json()), after=after, audit=audit, family="binding")
            except VersionSetChanged:
                continue
        return "imported"
    return "conflict"


def import_version(store: ContractStore, bundle: ContractBundle, actor: Actor, *, dry_run: bool) -> str:
    """Import one version. Returns `imported`, `updated`, `unchanged`, or `conflict`: other content or a later state."""
    for attempt in range(20):
        index = store.index(bundle.name, fresh=attempt > 0)
        after, entry = index.revision(bundle.name), index.get(bundle.key)
        wanted, before = bundle, ""
        if entry is not None:
            stored = store.content(entry, index)
            if stored.digest != bundle.digest:
                return "conflict"
            more = tuple(each for each in bundle.signatures if each not in stored.signatures)
            same = (stored.lifecycle, stored.labels) == (bundle.lifecycle, bundle.labels)
            if same and not more:
                return "unchanged"
            if not same and _revision(stored) >= _revision(bundle):
                return "conflict"
            signatures = (*stored.signatures, *more)[:MAX_SIGNATURES]
            wanted, before = replace(stored, lifecycle=bundle.lifecycle, signatures=signatures), entry.state
        elif (equal := _equal(index, bundle)) is not None:
            both_removed = equal.key == bundle.key and bundle.state == equal.state == REMOVED
            return "unchanged" if both_removed else "conflict"
        if not dry_run:
            try:
                store.create(wanted, after=after, audit=AuditEntry(actor, "import", before=before))
            except VersionSetChanged:
                continue
        return "imported" if entry is None else "updated"
    return "conflict"


def _revision(bundle: ContractBundle) -> int:
    return bundle.lifecycle.revision if bundle.lifecycle else 1


def _equal(index: ContractIndex, bundle: ContractBundle) -> Entry | None:
    """Return the version of the same precedence, whether or not it was removed."""
    precedence = Version.parse(bundle.version).precedence
    known = (*index.versions(bundle.name), *index.removed(bundle.name))
    return next((entry for entry in known if entry.precedence == precedence), None)


def verify_records(store: ContractStore, progress: Progress) -> Iterable[tuple[str, str]]:
    """Verify every stored record: form, digest, content, order, dependencies, signatures, policies, bindings, signers.

    Yields key and error.
    """
    listing = store.list_all()
    for fault in listing.faults:
        yield fault.extras["key"], fault.extras["reason"]
    by_key = {bundle.key: bundle for bundle in listing.bundles}
    seen: dict[tuple[str, Any], str] = {}
    signers = signers_of(store.index("signer").documents)
    for bundle in progress(listing.bundles):
        for signature in bundle.signatures:
            if reason := fault_of(signature, bundle, signers):
                yield bundle.key, f"its signature by {signature.signer}: {reason}"
        precedence = (bundle.name, Version.parse(bundle.version).precedence)
        if precedence in seen:
            yield bundle.key, f"it has the same precedence as {seen[precedence]}"
        seen[precedence] = bundle.version
        for each in bundle.dependencies:
            target = by_key.get(key_of(each.name, each.version))
            if target is None or target.digest != each.digest:
                found = "is missing" if target is None else "has another digest than the one that was pinned"
                yield bundle.key, f"its dependency {each.name}/{each.version} {found}"
        try:
            check_content(bundle, compound_schema(bundle, store), packages_of(bundle, store))
        except (ContractNotFound, UnreadableRecord):
            pass  # of a dependency, reported above
        except ContractError as error:
            yield bundle.key, error.message
    checks: dict[str, Callable[[str, Any], object]] = {
        "policy.": lambda _, value: check_policy(value),
        BINDING_PREFIX: check_binding,
        SIGNER_PREFIX: check_signer,
        PROPOSAL_PREFIX: lambda name, value: read_proposal(PROPOSAL_PREFIX + name, compact(value)),
    }
    for prefix, check in checks.items():
        for key, (_, value) in sorted(store.index(prefix.rstrip(".")).documents.items()):
            if key.startswith(prefix) and value is not None:
                try:
                    check(key.removeprefix(prefix), loads(value))
                except (InvalidJSON, ContractError) as error:
                    yield key, str(error)
