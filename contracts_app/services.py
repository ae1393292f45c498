"""What the registry does, as verbs. API, console and commands decide here and nowhere else."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from contracts_app.bundles import ContractBundle, content_digest, utc_now
from contracts_app.exceptions import ContractAlreadyExists, ContractRefused, StorageUnavailable, VersionSetChanged
from contracts_app.storage import Actor, ContractStorage, VersionSet, contract_storage
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

# Threads of one process take turns at a name, rather than race each other in vain. Other processes
# are not held by it: the compare-and-set of the storage alone keeps the set true.
_turns = [threading.Lock() for _ in range(64)]


@dataclass(frozen=True)
class Neighbours:
    """The versions that a new one stands between."""

    below: ContractBundle | None
    above: ContractBundle | None
    equal: ContractBundle | None


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
    schema = check_content(bundle)
    deadline = time.monotonic() + PUBLISH_SECONDS
    while True:
        try:
            with _turns[hash(bundle.name) % len(_turns)]:
                known = storage.versions(bundle.name)
                check_against(bundle, schema, known)
                if dry_run:
                    return bundle
                revision = storage.create(bundle, after=known.revision, actor=actor)
        except VersionSetChanged:
            if time.monotonic() > deadline:
                raise StorageUnavailable(
                    f"{bundle.name} is being published to by others without a pause; try again"
                ) from None
            time.sleep(random.uniform(0, 0.02))
            continue
        logger.info("published", extra={"contract": bundle.name, "version": bundle.version, "revision": revision})
        return bundle


def check_content(bundle: ContractBundle) -> Any:
    """Check schema, WIT and descriptor on their own; return the parsed schema, or None. Raises ContractRefused."""
    schema = None
    if bundle.json_schema is not None:
        try:
            schema = parse_schema(bundle.json_schema)
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
            check_wit(bundle.wit)
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
    return schema


def check_against(bundle: ContractBundle, schema: Any, known: VersionSet) -> None:
    """Check a version against those that exist. Raises ContractRefused, ContractAlreadyExists, UnreadableRecord."""
    if known.faults:
        raise known.faults[0]
    neighbours = find_neighbours(bundle, known)
    equal = neighbours.equal
    if equal is not None and equal.digest == bundle.digest:
        raise _exists(bundle, equal)
    if neighbours.below is None and neighbours.above is not None and equal is None:
        raise ContractRefused(
            f"{bundle.version} is lower than every existing version of {bundle.name} "
            f"(the lowest is {neighbours.above.version}); publish a greater one",
            lowest=neighbours.above.version,
        )
    if neighbours.below is not None:
        _check_step(neighbours.below, bundle, _schema_of(neighbours.below), schema, bundle)
    if neighbours.above is not None:
        _check_step(bundle, neighbours.above, schema, _schema_of(neighbours.above), bundle)
    if equal is not None:
        raise _exists(bundle, equal)


def find_neighbours(bundle: ContractBundle, known: VersionSet) -> Neighbours:
    """The greatest version below the bundle's, the least above it, and one of equal precedence."""
    version = Version.parse(bundle.version)
    below = above = equal = None
    for other in known.bundles:  # in ascending order
        precedence = Version.parse(other.version)
        if precedence < version:
            below = other
        elif precedence == version:
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


def _schema_of(stored: ContractBundle) -> Any:
    try:
        return None if stored.json_schema is None else loads(stored.json_schema)
    except InvalidJSON as error:
        # Written by a service that did not check: nothing can be compared with it.
        raise ContractRefused(f"the stored schema of {stored.name}/{stored.version} is not JSON: {error}") from None


def _check_step(older: ContractBundle, newer: ContractBundle, old: Any, new: Any, bundle: ContractBundle) -> None:
    # A bundle without a schema says nothing about instances, so it accepts all of them.
    changes = lint(True if old is None else old, True if new is None else new).changes
    if older.wit or newer.wit:
        changes += _wit_changes(older, newer)
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


def _wit_changes(older: ContractBundle, newer: ContractBundle) -> tuple[Change, ...]:
    try:
        return lint_wit(older.wit or "", newer.wit or "").changes
    except InvalidWIT as error:
        # What is published now was checked before; the stored one is of a service that did not.
        raise ContractRefused(f"the stored WIT of {older.name} cannot be compared with: {error}", field="wit") from None
    except WITToolFailed as error:
        raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
