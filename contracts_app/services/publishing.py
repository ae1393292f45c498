"""Publishing: decide on the existing versions, and write only if they are still the same."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from contracts_app import metrics
from contracts_app.bundles import ContractBundle, content_digest
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractError,
    ContractRefused,
    PreconditionFailed,
    StorageUnavailable,
    VersionSetChanged,
)
from contracts_app.lifecycle import ACTIVE, COMPARABLE, DRAFT, REMOVED, WITHDRAWN, Lifecycle
from contracts_app.policies import Policy, check_readable, check_writable, policy_of
from contracts_app.services.comparison import changes_to_json, compare, compared_version
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.content_checks import check_content
from contracts_app.services.dependencies import check_dependencies
from contracts_app.services.signature_checks import check_signed, verified_signatures
from contracts_app.services.wit_packages import packages_of
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry, contract_store
from contracts_app.timestamps import utc_now
from contracts_app.tracing import span
from linter_app import Report
from linter_app.printable import printable
from linter_app.report.changelog import describe_witness
from linter_app.schema.references import UNRESOLVED, SchemaWarning
from linter_app.semver import Version

logger = logging.getLogger(__name__)

MAX_PUBLISH_SECONDS = 60
"""Seconds that a write may be retried while others write the same name."""
PUBLISHED = "published"
"""Message of the log line."""

# Threads of one process take turns at a name instead of racing each other. Other processes are not affected: the
# compare-and-set of the store alone guarantees the result.
_turns = [threading.Lock() for _ in range(256)]


@dataclass(frozen=True)
class Neighbours:
    """The versions that a new version is compared with. Drafts and withdrawn versions do not count."""

    below: tuple[Entry, ...]
    """Return the versions to compare with, nearest first: one, or all with a transitive policy."""
    above: tuple[Entry, ...]
    equal: Entry | None


def publish_contract(
    *,
    bundle: ContractBundle,
    actor: Actor,
    draft: bool = False,
    override: str | None = None,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> ContractBundle:
    """Publish a new version as `publish` does, and return it with its date and digest."""
    return publish(bundle=bundle, actor=actor, draft=draft, override=override, dry_run=dry_run, store=store).bundle


@dataclass(frozen=True)
class Published:
    """A published version, and the warnings about its content."""

    bundle: ContractBundle
    warnings: tuple[SchemaWarning, ...]


def publish(
    *,
    bundle: ContractBundle,
    actor: Actor,
    draft: bool = False,
    override: str | None = None,
    replaces: str | None = None,
    expected_revision: int | None = None,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> Published:
    """Publish a new version, or replace a draft.

    The content is checked and compared with its neighbours among the existing versions. The write succeeds only if no
    version was written meanwhile; otherwise everything is decided again. `override` is the reason for publishing a
    breaking change, which the policy must allow. With `replaces`, a draft with this version is replaced only if that is
    its entity tag; the empty string means that there must be none. With `expected_revision`, nothing is written unless
    that is the `ContractIndex.revision` of the name. Raises ContractRefused, ContractAlreadyExists, ContractTooLarge,
    PreconditionFailed, UnreadableRecord, StorageUnavailable.
    """
    store = store or contract_store()
    try:
        with span("publish", contract=bundle.name, version=bundle.version, dry_run=dry_run):
            decide, warnings = _prepare(bundle, actor, draft, override, replaces, expected_revision, store)
            published = write_decision(bundle.name, store, decide, dry_run=dry_run)
    except ContractError as error:
        metrics.publishes.labels(error.code).inc()
        raise
    metrics.publishes.labels("valid" if dry_run else "published").inc()
    if not dry_run:
        logger.info(PUBLISHED, extra={"contract": published.name, "version": published.version})
    return Published(published, warnings)


def check_complete(bundle: ContractBundle, warnings: tuple[SchemaWarning, ...], policy: Policy) -> None:
    """Raise ContractRefused for a version without content, or with references that its policy does not allow."""
    if bundle.json_schema is None and bundle.wit is None and bundle.descriptor is None:
        raise ContractRefused(
            f"{bundle.name}/{bundle.version} has no jsonSchema, wit or descriptor; give one of them, or publish a draft"
        )
    unresolved = [warning for warning in warnings if warning.rule == UNRESOLVED]
    if unresolved and policy.refuse_unresolved_references:
        raise ContractRefused(
            f"jsonSchema refers to {unresolved[0].reference} at {unresolved[0].pointer}, which is not available to the "
            "registry, and the policy refuses that; publish it as a contract, or embed it",
            field="jsonSchema",
            pointer=unresolved[0].pointer,
            reference=unresolved[0].reference,
        )


Decide = Callable[[ContractIndex], tuple[ContractBundle, AuditEntry]]


def _prepare(
    bundle: ContractBundle,
    actor: Actor,
    draft: bool,
    override: str | None,
    replaces: str | None,
    expected_revision: int | None,
    store: ContractStore,
) -> tuple[Decide, tuple[SchemaWarning, ...]]:
    """Check the content; return the function that decides with the existing versions, and the warnings."""
    now = utc_now()
    first = Lifecycle(state=DRAFT, changed_at=now) if draft else None
    bundle = replace(bundle, digest=content_digest(bundle), created_at=now, lifecycle=first)
    bundle = check_dependencies(bundle, store)
    warnings = check_content(bundle, compound_schema(bundle, store), packages_of(bundle, store))

    def decide(known: ContractIndex) -> tuple[ContractBundle, AuditEntry]:
        wanted, before = replace(bundle, signatures=verified_signatures(bundle, known.documents, now)), ""
        if expected_revision not in (None, known.revision(bundle.name)):
            raise PreconditionFailed(f"{bundle.name} has other versions meanwhile; look at them again")
        if not draft:
            policy = policy_of(known.documents, bundle.name)
            check_complete(bundle, warnings, policy)
            check_signed(wanted, policy, known.documents)
        replaced = known.get(bundle.key)
        is_draft = replaced is not None and replaced.state == DRAFT
        if replaces is not None and replaces != (replaced.etag if replaced is not None and is_draft else ""):
            _check_replaced(bundle, replaced if is_draft else None)
        if replaced is not None and replaced.lifecycle is not None and is_draft:
            before = DRAFT
            wanted = replace(wanted, lifecycle=replaced.lifecycle.next(DRAFT if draft else ACTIVE, now))
        overridden = check_against(wanted, known, store, override=override)
        action = "publish-override" if overridden else "publish"
        return wanted, AuditEntry(actor, action, before=before, reason=(override or "") if overridden else "")

    return decide, warnings


def _check_replaced(bundle: ContractBundle, draft: Entry | None) -> None:
    """Raise PreconditionFailed for a draft that is not the one that a caller wants to replace."""
    if draft is None:
        return  # published or removed meanwhile: the other checks decide
    raise PreconditionFailed(
        f"{bundle.name}/{bundle.version} is a draft that was written at {draft.lifecycle.changed_at}, "  # type: ignore[union-attr]
        "and nothing was replaced; open that draft, or publish another version",
        etag=draft.etag,
        version=draft.version,
    )


def write_decision(name: str, store: ContractStore, decide: Decide, *, dry_run: bool = False) -> ContractBundle:
    """Decide on the versions of `name`, and write the result if they are still the same; otherwise decide again.

    Raises what `decide` raises, StorageUnavailable, ContractTooLarge.
    """
    deadline = time.monotonic() + MAX_PUBLISH_SECONDS
    fresh = False
    while True:
        with _turns[hash(name) % len(_turns)]:
            known = store.index(name, fresh=fresh)
            # Read the revision first: a write while the versions are read makes this write fail.
            after = known.revision(name)
            check_writable(known.documents, name)
            bundle, audit = decide(known)
            if dry_run:
                return bundle
            try:
                store.create(bundle, after=after, audit=audit)
                return bundle
            except VersionSetChanged:
                metrics.publish_conflicts.inc()
        if fresh:
            if time.monotonic() > deadline:
                raise StorageUnavailable(f"{name} is being written by others without a pause; try again")
            time.sleep(random.uniform(0, 0.02))
        fresh = True


def check_against(
    bundle: ContractBundle, known: ContractIndex, store: ContractStore, *, override: str | None = None
) -> bool:
    """Check a version against the existing ones; return whether it passes only by the override.

    Raises ContractRefused, ContractAlreadyExists, UnreadableRecord.
    """
    if faults := known.faults_of(bundle.name):
        raise faults[0]
    check_readable(known.documents, bundle.name)
    policy = policy_of(known.documents, bundle.name)
    neighbours = find_neighbours(bundle, known, policy)
    equal = neighbours.equal
    others = [entry for entry in known.versions(bundle.name) if entry.state != DRAFT]
    if equal is not None:
        raise _exists(bundle, equal)
    if others and Version.parse(bundle.version).precedence < others[0].precedence:
        raise ContractRefused(
            f"{bundle.version} is lower than every existing version of {bundle.name} "
            f"(the lowest is {others[0].version}); publish a greater one",
            lowest=others[0].version,
        )
    overridden = False
    for other, newer in [*((each, True) for each in neighbours.below), *((each, False) for each in neighbours.above)]:
        stored = store.content(other, known)
        older, later = (stored, bundle) if newer else (bundle, stored)
        report = compare(compared_version(older, store), compared_version(later, store), policy)
        if report.acceptable:
            continue
        if override is None or not policy.allow_override:
            raise _refused(report, older, later, stored, policy, override_given=override is not None)
        overridden = True
    return overridden


def find_neighbours(bundle: ContractBundle, known: ContractIndex, policy: Policy) -> Neighbours:
    """Return the versions to compare a version with, under a policy."""
    precedence = Version.parse(bundle.version).precedence
    below: list[Entry] = []
    above: list[Entry] = []
    equal = next((each for each in known.removed(bundle.name) if each.precedence == precedence), None)
    for other in known.versions(bundle.name):  # in ascending order
        if other.precedence == precedence:
            # A draft may be replaced by a version of the same text.
            equal = None if other.version == bundle.version and other.state == DRAFT else other
        elif other.state in COMPARABLE:
            (below if other.precedence < precedence else above).append(other)
    below.reverse()
    most = None if policy.transitive else 1
    return Neighbours(tuple(below[:most]), tuple(above[:most]), equal)


def _exists(bundle: ContractBundle, stored: Entry) -> ContractAlreadyExists:
    same_text = stored.version == bundle.version
    reason = "" if same_text else f": {stored.version} has the same precedence"
    if stored.state == WITHDRAWN:
        reason += ", and it is withdrawn, which cannot be undone; publish a greater version"
    if stored.state == REMOVED:
        reason += ", and was removed: its number stays spent; publish another one"
    return ContractAlreadyExists(
        f"Contract {bundle.name}/{bundle.version} already exists{reason}",
        name=stored.name,
        version=stored.version,
        digest=stored.digest,
        createdAt=stored.created_at,
    )


def _refused(
    report: Report,
    older: ContractBundle,
    later: ContractBundle,
    stored: ContractBundle,
    policy: Policy,
    *,
    override_given: bool,
) -> ContractRefused:
    lines: list[str] = []
    for change in report.breaking + report.undecided:
        lines.append(f"- {change.rule} at {printable(change.pointer)}: {printable(change.message)}")
        lines += [f"  for example, {describe_witness(change)}"] if change.witness else []
    if override_given:
        lines.append("An override was requested, but the policy of this contract does not allow it (allowOverride).")
    step = f"{older.version} to {later.version}"
    word = "breaking" if report.breaking else "undecided"
    return ContractRefused(
        "\n".join([f"The step from {step} has {word} changes and {'; '.join(report.problems)}:", *lines]),
        comparedWith=stored.version,
        compatibility=policy.compatibility,
        verdict=report.verdict,
        requiredVersion=report.required_version,
        changes=changes_to_json(report),
    )
