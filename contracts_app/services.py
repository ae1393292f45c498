"""What the registry does, as verbs. API, console and commands decide here and nowhere else."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from contracts_app.bundles import ContractBundle, content_digest, utc_now
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractError,
    ContractRefused,
    StorageUnavailable,
    VersionSetChanged,
)
from contracts_app.storage import Actor, ContractIndex, ContractStorage, Entry, contract_storage
from linter_app import Change, Config, lint, lint_wit
from linter_app.changelog import fact, told
from linter_app.dialects import InvalidSchema, parse_schema
from linter_app.json_text import InvalidJSON, loads
from linter_app.semver import Version
from linter_app.verdict import report_of
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 60
"""How long one publish goes on reading and deciding anew while others publish the same name."""

REMEMBERED_CHARACTERS = 256 * 1024
"""The largest texts whose check is remembered."""

# Threads of one process take turns at a name, rather than race each other in vain. Other processes
# are not held by it: the compare-and-set of the storage alone keeps the set true.
_turns = [threading.Lock() for _ in range(256)]


@dataclass(frozen=True)
class Neighbours:
    """The versions that a new one stands between."""

    below: Entry | None
    above: Entry | None
    equal: Entry | None


def publish_contract(
    *, bundle: ContractBundle, actor: Actor, dry_run: bool = False, storage: ContractStorage | None = None
) -> ContractBundle:
    """Publish a new version, and return it with its date and digest.

    The content is checked, then compared with its neighbours among the versions that exist; the write
    succeeds only if no version was written meanwhile, else all is decided again. Raises ContractRefused,
    ContractAlreadyExists, ContractTooLarge, UnreadableRecord, StorageUnavailable.
    """
    storage = storage or contract_storage()
    bundle = replace(bundle, digest=content_digest(bundle), created_at=utc_now())
    check_content(bundle)
    deadline = time.monotonic() + PUBLISH_SECONDS
    fresh = False
    while True:
        with _turns[hash(bundle.name) % len(_turns)]:
            known = storage.index(bundle.name, fresh=fresh, newest=False)
            # The revision first: what is written while the versions are looked at makes the write fail.
            after, certain = known.revision(bundle.name), fresh or not storage.behind()
            try:
                check_against(bundle, known, storage)
                if dry_run and certain:
                    return bundle
                if not dry_run:
                    revision = storage.create(bundle, after=after, actor=actor)
                    break
            except ContractError:
                # Refused for what may not be so any more: only what is certain is told.
                if certain:
                    raise
            except VersionSetChanged:
                pass
        if fresh and time.monotonic() > deadline:
            raise StorageUnavailable(f"{bundle.name} is being published to by others without a pause; try again")
        if fresh:
            time.sleep(random.uniform(0, 0.02))
        fresh = True
    logger.info("published", extra={"contract": bundle.name, "version": bundle.version, "revision": revision})
    return bundle


def check_content(bundle: ContractBundle) -> None:
    """Check schema, WIT and descriptor on their own. Raises ContractRefused."""
    if bundle.json_schema is not None:
        try:
            remembered(_checked_schema, bundle.json_schema)
        except InvalidJSON as error:
            raise ContractRefused(f"jsonSchema is not JSON: {error}", field="jsonSchema") from None
        except InvalidSchema as error:
            raise ContractRefused(
                f"jsonSchema is not a valid JSON Schema: {error}",
                field="jsonSchema",
                pointer=error.pointer,
                reason=error.reason,
            ) from None
    if bundle.wit is not None:
        try:
            remembered(_checked_wit, bundle.wit)
        except InvalidWIT as error:
            raise ContractRefused(
                f"wit is not valid WIT: {error}", field="wit", line=error.line, column=error.column, reason=error.reason
            ) from None
        except WITToolFailed as error:
            raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
    if isinstance(bundle.descriptor, str):
        try:
            loads(bundle.descriptor)
        except InvalidJSON as error:
            raise ContractRefused(f"descriptor is not JSON: {error}", field="descriptor") from None


def check_against(bundle: ContractBundle, known: ContractIndex, storage: ContractStorage) -> None:
    """Check a version against those that exist. Raises ContractRefused, ContractAlreadyExists, UnreadableRecord."""
    if faults := known.faults_of(bundle.name):
        raise faults[0]
    neighbours = find_neighbours(bundle, known)
    equal = neighbours.equal
    if equal is not None and equal.digest == bundle.digest:
        raise _exists(bundle, _content(equal, known, storage))
    if neighbours.below is None and neighbours.above is not None and equal is None:
        raise ContractRefused(
            f"{bundle.version} is lower than every existing version of {bundle.name} "
            f"(the lowest is {neighbours.above.version}); publish a greater one",
            lowest=neighbours.above.version,
        )
    if neighbours.below is not None:
        below = _content(neighbours.below, known, storage)
        _check_step(below, bundle, bundle)
    if neighbours.above is not None:
        above = _content(neighbours.above, known, storage)
        _check_step(bundle, above, bundle)
    if equal is not None:
        raise _exists(bundle, _content(equal, known, storage))


def _content(entry: Entry, known: ContractIndex, storage: ContractStorage) -> ContractBundle:
    return known.bundle(entry) or storage.get(entry.name, entry.version)


def find_neighbours(bundle: ContractBundle, known: ContractIndex) -> Neighbours:
    """The greatest version below the bundle's, the least above it, and one of equal precedence."""
    precedence = Version.parse(bundle.version).precedence
    below = above = equal = None
    for other in known.versions(bundle.name):  # in ascending order
        if other.precedence < precedence:
            below = other
        elif other.precedence == precedence:
            equal = other
        else:
            above = other
            break
    return Neighbours(below, above, equal)


def _exists(bundle: ContractBundle, stored: ContractBundle) -> ContractAlreadyExists:
    same_text = stored.version == bundle.version
    reason = "" if same_text else f": {stored.version} has the same precedence"
    return ContractAlreadyExists(
        f"Contract {bundle.name}/{bundle.version} already exists{reason}",
        name=stored.name,
        version=stored.version,
        digest=stored.digest,
        createdAt=stored.created_at,
    )


def _check_step(older: ContractBundle, newer: ContractBundle, bundle: ContractBundle) -> None:
    changes = remembered(_schema_changes, older.json_schema, newer.json_schema)
    if older.wit or newer.wit:
        changes += remembered(_wit_changes, older.wit, newer.wit)
    report = report_of(changes, Config(), equal=False, current_version=older.version, proposed_version=newer.version)
    if report.acceptable:
        return
    lines: list[str] = []
    for change in report.breaking + report.undecided:
        lines.append(f"- {change.rule} at {change.new_pointer or change.old_pointer or '/'}: {change.message}")
        lines += [f"  for example, {told(change)}"] if change.witness else []
    step = f"{older.version} to {newer.version}"
    word = "breaking" if report.breaking else "undecided"
    raise ContractRefused(
        "\n".join([f"The step from {step} has {word} changes and {'; '.join(report.problems)}:", *lines]),
        comparedWith=older.version if newer is bundle else newer.version,
        verdict=report.verdict,
        requiredVersion=report.required_version,
        changes=[fact(change) | {"breaking": change in report.breaking} for change in report.changes],
    )


# What only depends on texts is decided once for them: a dry run and its publish, or a version and its successor,
# ask the same again.


def remembered(compute: Any, *texts: Any) -> Any:
    """The result of a cached function of texts, uncached where they are too large to keep."""
    large = sum(len(text) for text in texts if isinstance(text, str)) > REMEMBERED_CHARACTERS
    return (compute.__wrapped__ if large else compute)(*texts)


@lru_cache(256)
def _checked_schema(text: str) -> None:
    parse_schema(text)


@lru_cache(256)
def _checked_wit(text: str) -> None:
    check_wit(text)


@lru_cache(1024)
def _schema_changes(old: str | None, new: str | None) -> tuple[Change, ...]:
    try:
        # A bundle without a schema says nothing about instances, so it accepts all of them.
        parsed = [True if text is None else loads(text) for text in (old, new)]
    except InvalidJSON as error:
        # Written by a service that did not check: nothing can be compared with it.
        raise ContractRefused(f"a stored schema is not JSON, and nothing can be compared with it: {error}") from None
    return lint(*parsed).changes


@lru_cache(256)
def _wit_changes(old: str | None, new: str | None) -> tuple[Change, ...]:
    try:
        return lint_wit(old or "", new or "").changes
    except InvalidWIT as error:
        # What is published now was checked before; the stored one is of a service that did not.
        raise ContractRefused(
            f"a stored WIT is not valid, and nothing can be compared with it: {error}", field="wit"
        ) from None
    except WITToolFailed as error:
        raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
