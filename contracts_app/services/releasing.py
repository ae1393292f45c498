"""Releases: a set of versions as files that anyone can check, the same bytes for the same content.

`bundle.json` holds the records, `manifest.json` says which, and `bundle.sha256` their digests, in the form that
`sha256sum --check` reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts_app.bundles import ContractBundle, compact, key_of
from contracts_app.exceptions import ContractError, ContractNotFound, UnreadableRecord, VersionSetChanged
from contracts_app.policies import check_policy
from contracts_app.records import read_record
from contracts_app.services.bundling import self_contained
from contracts_app.services.checking import check_content
from contracts_app.services.wit_packages import packages_of
from contracts_app.storage import Actor, ContractIndex, ContractStorage, Deed
from linter_app.json_text import InvalidJSON, loads
from linter_app.semver import Version

BUNDLE, MANIFEST, DIGESTS = "bundle.json", "manifest.json", "bundle.sha256"
FORMAT = 1
Progress = Callable[[Iterable[Any]], Iterable[Any]]


class InvalidRelease(ValueError):
    """The files are not a release, or not the ones that were written."""


def export(
    storage: ContractStorage, chosen: Callable[[ContractBundle], bool], folder: Path, progress: Progress
) -> list[ContractBundle]:
    """Write a release of the chosen versions and all that they depend on. Raises UnreadableRecord, OSError."""
    listing = storage.list_all()
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
    records = b",\n".join(bundle.to_record() for bundle in progress(bundles))
    whole = b'{"contracts":[\n' + records + b"\n]}\n"
    manifest = {
        "format": FORMAT,
        "contracts": [
            {"name": bundle.name, "version": bundle.version, "state": _stored_state(bundle), "digest": bundle.digest}
            for bundle in bundles
        ],
    }
    told = compact(manifest).replace(b'{"name"', b'\n{"name"') + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLE).write_bytes(whole)
    (folder / MANIFEST).write_bytes(told)
    digests = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in _named(whole, told))
    (folder / DIGESTS).write_text(digests, encoding="utf-8")
    return bundles


def _named(bundle: bytes, manifest: bytes) -> tuple[tuple[str, bytes], ...]:
    return (BUNDLE, bundle), (MANIFEST, manifest)


def _stored_state(bundle: ContractBundle) -> str:
    return bundle.lifecycle.state if bundle.lifecycle else "active"


def read_release(folder: Path) -> list[ContractBundle]:
    """The versions of a release, every digest checked. Raises InvalidRelease, OSError."""
    files = {name: (folder / name).read_bytes() for name in (BUNDLE, MANIFEST)}
    lines = (folder / DIGESTS).read_text(encoding="utf-8").splitlines()
    given = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name, data in files.items():
        if given.get(name) != hashlib.sha256(data).hexdigest():
            raise InvalidRelease(f"{folder / name} is not the file that {DIGESTS} was written for")
    try:
        bundle, manifest = loads(files[BUNDLE]), loads(files[MANIFEST])
        if manifest["format"] != FORMAT:
            raise InvalidRelease(f"{folder / MANIFEST} is of format {manifest['format']!r:.20}; {FORMAT} is known")
        bundles = [_read(record) for record in bundle["contracts"]]
        listed = [(each["name"], each["version"], each["digest"]) for each in manifest["contracts"]]
    except InvalidJSON as error:
        raise InvalidRelease(f"{folder} holds a file that is not JSON: {error}") from None
    except (KeyError, TypeError) as error:
        raise InvalidRelease(f"{folder} is not a release: {error!r}") from None
    except UnreadableRecord as fault:
        raise InvalidRelease(f"{folder / BUNDLE}: {fault.message}") from None
    if listed != [(bundle.name, bundle.version, bundle.digest) for bundle in bundles]:
        raise InvalidRelease(f"{MANIFEST} does not list what {BUNDLE} holds")
    return bundles


def _read(record: Any) -> ContractBundle:
    return read_record(key_of(str(record["name"]), str(record["version"])), compact(record))


def import_one(storage: ContractStorage, bundle: ContractBundle, actor: Actor, *, dry_run: bool) -> str:
    """Bring one version in as it is, date and state included; what it became: `imported`, `updated`, `unchanged`,
    or `conflict`, where the registry has another content under its name and version, or a later state."""
    for attempt in range(20):
        index = storage.index(bundle.name, fresh=attempt > 0)
        after, entry = index.revision(bundle.name), index.get(bundle.key)
        wanted, before = bundle, ""
        if entry is not None:
            stored = storage.content(entry, index)
            if stored.digest != bundle.digest:
                return "conflict"
            if (stored.lifecycle, stored.labels) == (bundle.lifecycle, bundle.labels):
                return "unchanged"
            if _revision(stored) >= _revision(bundle):
                return "conflict"
            wanted, before = replace(stored, lifecycle=bundle.lifecycle), entry.state
        elif _has_equal(index, bundle):
            return "conflict"
        if not dry_run:
            try:
                storage.create(wanted, after=after, deed=Deed(actor, "import", before=before))
            except VersionSetChanged:
                continue
        return "imported" if entry is None else "updated"
    return "conflict"


def _revision(bundle: ContractBundle) -> int:
    return bundle.lifecycle.revision if bundle.lifecycle else 1


def _has_equal(index: ContractIndex, bundle: ContractBundle) -> bool:
    precedence = Version.parse(bundle.version).precedence
    return any(entry.precedence == precedence for entry in index.versions(bundle.name))


def verify(storage: ContractStorage, progress: Progress) -> Iterable[tuple[str, str]]:
    """Check every stored record anew: form, digest, content, order, dependencies, policies. Yields key and fault."""
    listing = storage.list_all()
    for fault in listing.faults:
        yield fault.extras["key"], fault.extras["reason"]
    by_key = {bundle.key: bundle for bundle in listing.bundles}
    seen: dict[tuple[str, Any], str] = {}
    for bundle in progress(listing.bundles):
        place = (bundle.name, Version.parse(bundle.version).precedence)
        if place in seen:
            yield bundle.key, f"it has the same precedence as {seen[place]}"
        seen[place] = bundle.version
        for each in bundle.dependencies:
            target = by_key.get(key_of(each.name, each.version))
            if target is None or target.digest != each.digest:
                found = "is missing" if target is None else "has another digest than the one that was pinned"
                yield bundle.key, f"its dependency {each.name}/{each.version} {found}"
        try:
            check_content(bundle, self_contained(bundle, storage), packages_of(bundle, storage))
        except (ContractNotFound, UnreadableRecord):
            pass  # of a dependency, and told above
        except ContractError as error:
            yield bundle.key, error.message
    for key, (_, value) in sorted(storage.index("policy").documents.items()):
        if key.startswith("policy.") and value is not None:
            try:
                check_policy(loads(value))
            except (InvalidJSON, ContractError) as error:
                yield key, str(error)
