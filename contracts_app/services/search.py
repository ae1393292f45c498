"""The version that a name with a version, a range or `latest` means."""

from __future__ import annotations

from typing import Any

from contracts_app.bundles import ContractBundle, check_name, key_of
from contracts_app.exceptions import ContractError, ContractGone, ContractNotFound, MalformedContract
from contracts_app.lifecycle import ACTIVE, DEPRECATED, DRAFT, REMOVED, SUNSET, WITHDRAWN
from contracts_app.storage import ContractIndex, ContractStore, Entry
from linter_app.semver import InvalidVersion, Version, release_of
from linter_app.version_ranges import InvalidRange, VersionRange

LATEST = "latest"
MAX_LISTED = 5
"""Versions that an error names."""
_CURRENT = (ACTIVE, DEPRECATED)
_GONE = (SUNSET, WITHDRAWN)


def latest(entries: tuple[Entry, ...], admitted: VersionRange | None = None) -> Entry | None:
    """Return the greatest active or deprecated version: a release if there is one, otherwise a prerelease.

    With a range, its greatest version; prereleases only if the range names one.
    """
    found = [entry for entry in entries if entry.state in _CURRENT]
    if admitted is not None:
        found = [entry for entry in found if admitted.admits(Version.parse(entry.version))]
    releases = [entry for entry in found if not Version.parse(entry.version).prerelease]
    best = found if admitted is not None else releases or found
    return best[-1] if best else None


def resolve(index: ContractIndex, name: str, version: str) -> Entry:
    """Return the entry of an exact version, of `latest`, or the greatest of a range.

    Raises ContractNotFound, MalformedContract.
    """
    entries = index.versions(name)
    try:
        Version.parse(version)
    except InvalidVersion as error:
        if version == LATEST:
            found = latest(entries)
        else:
            try:
                found = latest(entries, VersionRange.parse(version))
            except InvalidRange:
                raise MalformedContract(f"Invalid version: {error}", field="version") from None
    else:
        found = index.get(key_of(name, version))
    if found is None:
        raise _not_found(entries, name, version)
    return found


def _not_found(entries: tuple[Entry, ...], name: str, version: str) -> ContractError:
    """Return the error for a version, `latest` or a range that no current version is."""
    if version == LATEST and any(entry.state in _GONE for entry in entries):
        newest = [entry for entry in entries if entry.state in _GONE][-1]
        life = newest.lifecycle
        reason = f": {life.reason}" if life is not None and life.reason else ""
        return ContractGone(
            f"Every version of {name} was withdrawn or has reached its sunset; the last was {newest.version}{reason}",
            name=name,
            version=newest.version,
        )
    hint = ""
    if not is_exact(version) and version != LATEST:
        admitted = VersionRange.parse(version)
        near = [
            entry
            for entry in entries
            if (entry.state == DRAFT or Version.parse(entry.version).prerelease)
            and admitted.admits(release_of(Version.parse(entry.version)))
        ]
        if near:
            kind = "draft" if near[-1].state == DRAFT else "prerelease"
            hint = f"; {near[-1].version} is a {kind}, which a range does not select: name it"
        if entries:
            current = [entry.version for entry in entries if entry.state in _CURRENT]
            has = f"it has {_listed(current)}" if current else "it has no active or deprecated version"
            return ContractNotFound(f"No version of {name} matches {version}; {has}{hint}", name=name, version=version)
    return ContractNotFound(f"Contract {name}/{version} not found{hint}", name=name, version=version)


def _listed(versions: list[str]) -> str:
    """Return the greatest versions of a list in ascending order, as text."""
    shown = versions[-MAX_LISTED:]
    before = f"{len(versions) - len(shown)} older ones, " if len(shown) < len(versions) else ""
    return before + ", ".join(shown)


def find_version(store: ContractStore, name: str, version: str, *, include_withdrawn: bool = False) -> ContractBundle:
    """Return a version by its exact text, `latest` or a range.

    Raises MalformedContract, ContractNotFound, and ContractGone for a removed, withdrawn or sunset version.
    """
    check_name(name)
    if is_exact(version):
        bundle = store.get(name, version)
    else:
        found = resolve(store.index(name), name, version)
        bundle = store.get(found.name, found.version)
    life = bundle.lifecycle
    if life is not None and bundle.state == REMOVED:
        raise ContractGone(
            f"Contract {name}/{bundle.version} was removed on {life.changed_at} ({life.reason})",
            name=name,
            version=bundle.version,
            lifecycle=life.to_json(),
        )
    if life is not None and bundle.state in (SUNSET, WITHDRAWN) and not include_withdrawn:
        successor = f"; its successor is {life.successor}" if life.successor else ""
        reason = f" ({life.reason})" if life.reason else ""
        gone = "was withdrawn" if bundle.state == WITHDRAWN else f"reached its sunset on {life.sunset_at}"
        raise ContractGone(
            f"Contract {name}/{bundle.version} {gone}{reason}{successor}; ?includeWithdrawn=true reads it anyway",
            name=name,
            version=bundle.version,
            lifecycle=life.to_json(),
        )
    return bundle


def is_exact(version: str) -> bool:
    try:
        Version.parse(version)
    except InvalidVersion:
        return False
    return True


def describe(entry: Entry) -> dict[str, Any]:
    """Return an entry as an item of its contract's versions."""
    described = {
        "version": entry.version,
        "state": entry.state,
        "description": entry.description,
        "createdAt": entry.created_at,
        "digest": entry.digest,
    }
    return described | entry.extras()


def describe_contract(entries: list[Entry], newest: Entry | None) -> dict[str, Any]:
    """Return a contract with its versions."""
    shown = newest or entries[-1]
    return {
        "name": shown.name,
        "description": shown.description,
        "latest": newest.version if newest else None,
        "versions": [describe(entry) for entry in entries],
    }
