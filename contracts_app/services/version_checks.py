"""Whether a version may be among the existing ones: complete, a new number, and compatible with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractAlreadyExists, ContractRefused
from contracts_app.lifecycle import COMPARABLE, DRAFT, REMOVED, WITHDRAWN
from contracts_app.policies import BREAKING, NEW, OVERRIDE, Policy, check_readable, policy_of
from contracts_app.services.comparison import changes_to_json, compare, compared_version
from contracts_app.storage import ContractIndex, ContractStore, Entry
from linter_app import Report
from linter_app.printable import printable
from linter_app.report.changelog import describe_witness
from linter_app.schema.references import UNRESOLVED, SchemaWarning
from linter_app.semver import Version


@dataclass(frozen=True)
class Neighbours:
    """The versions that a new version is compared with. Drafts and withdrawn versions do not count."""

    below: tuple[Entry, ...]
    """Return the versions to compare with, nearest first: one, or all with a transitive policy."""
    above: tuple[Entry, ...]
    equal: Entry | None


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


@dataclass(frozen=True)
class Checked:
    """How a version passes the check against the existing ones."""

    overridden: bool
    """Whether it does only by the override."""
    reasons: tuple[str, ...]
    """What about it a policy can ask a review for: some of REVIEWS."""


def check_against(
    bundle: ContractBundle, known: ContractIndex, store: ContractStore, *, override: str | None = None
) -> Checked:
    """Check a version against the existing ones; return how it passes.

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
    overridden = breaking = False
    for other, newer in [*((each, True) for each in neighbours.below), *((each, False) for each in neighbours.above)]:
        stored = store.content(other, known)
        older, later = (stored, bundle) if newer else (bundle, stored)
        report = compare(compared_version(older, store), compared_version(later, store), policy)
        breaking = breaking or (newer and bool(report.breaking or report.undecided))
        if report.acceptable:
            continue
        if override is None or not policy.allow_override:
            raise _refused(report, older, later, stored, policy, override_given=override is not None)
        overridden = True
    found = {NEW: not others, BREAKING: breaking, OVERRIDE: overridden}
    return Checked(overridden, tuple(reason for reason, holds in found.items() if holds))


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
