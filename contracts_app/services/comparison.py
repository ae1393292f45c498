"""Comparison of two versions, registered or given as texts, and the effect of a change on dependents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from contracts_app import metrics
from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractRefused, ServerBusy, TooExpensive
from contracts_app.lifecycle import COMPARABLE
from contracts_app.policies import Policy, policy_of
from contracts_app.request_context import RequestWork, current_work
from contracts_app.services.compound_schemas import compound_schema, dialect_difference
from contracts_app.services.content_checks import ContractTexts, characters_of, check_content, compare_texts
from contracts_app.services.dependencies import check_dependencies
from contracts_app.services.references import dialect_of
from contracts_app.services.wit_packages import is_package, packages_of
from contracts_app.services.work import linter
from contracts_app.storage import ContractStore
from contracts_app.tracing import span
from linter_app import Report
from linter_app.report.changelog import change_to_json
from linter_app.report.verdict import report_of
from linter_app.schema.json_text import loads
from linter_app.wit import with_version
from linter_app.work_pool import WorkAborted

MAX_DEPENDENTS_SECONDS = 5
"""Seconds that checking the dependents of a change may take; the rest is counted as `unchecked`."""
MAX_HISTORY_VERSIONS = 500
MAX_CHANGELOG_CHARACTERS = 20_000_000
"""Characters of all changes of a contract's changelog."""


@dataclass(frozen=True)
class ComparedVersion:
    """One side of a comparison: its texts, and the registered version they come from, if any."""

    texts: ContractTexts
    bundle: ContractBundle | None = None


def compared_version(bundle: ContractBundle, store: ContractStore) -> ComparedVersion:
    return ComparedVersion(texts_of(bundle, store), bundle)


def texts_of(bundle: ContractBundle, store: ContractStore) -> ContractTexts:
    return ContractTexts(compound_schema(bundle, store), bundle.wit, packages_of(bundle, store))


def proposed_version(name: str, schema: str | None, wit: str | None, store: ContractStore) -> ComparedVersion:
    """Return texts that are not registered, checked like those of a new version; the name may be empty.

    Raises ContractRefused.
    """
    bundle = check_dependencies(ContractBundle(name=name, version="", json_schema=schema, wit=wit), store)
    texts = texts_of(bundle, store)
    check_content(bundle, texts.schema, texts.packages)
    return ComparedVersion(texts)


def compare(old: ComparedVersion, new: ComparedVersion, policy: Policy) -> Report:
    """Return the verdict on the step from one to the other. Raises ContractRefused."""
    with span("compare", mode=policy.config.mode) as current:
        changes = compare_texts(old.texts, new.texts, policy.config)
        current.set_attribute("registry.changes", len(changes))
    versions = [side.bundle.version if side.bundle else None for side in (old, new)]
    equal = old.texts == new.texts
    report = report_of(changes, policy.config, equal=equal, current_version=versions[0], proposed_version=versions[1])
    metrics.verdicts.labels(report.verdict).inc()
    for change in report.changes:
        metrics.findings.labels(change.rule, change.level).inc()
    return report


def report_to_json(report: Report, policy: Policy) -> dict[str, Any]:
    """Return a verdict as data."""
    return {
        "verdict": report.verdict,
        "acceptable": report.acceptable,
        "compatibility": policy.compatibility,
        "strictOpenObjects": policy.strict_open_objects,
        "readersIgnoreUnknown": policy.readers_ignore_unknown,
        "requiredBump": report.required_bump,
        "requiredVersion": report.required_version,
        "problems": list(report.problems),
        "warnings": list(report.warnings),
        "changes": changes_to_json(report),
    }


def changes_to_json(report: Report) -> list[dict[str, Any]]:
    """Return the changes as data, each with whether it breaks under the policy."""
    return [change_to_json(change) | {"breaking": change in report.breaking} for change in report.changes]


def broken_dependents(
    name: str, proposed: ContractTexts, store: ContractStore, readable: Callable[[str], bool]
) -> dict[str, Any]:
    """Return the dependents that would break their own users if they used these texts instead of their pin.

    Those whose name is not `readable` are left out.
    """
    work = current_work.get() or RequestWork()
    deadline = time.monotonic() + min(MAX_DEPENDENTS_SECONDS, work.seconds_left)
    broken: list[dict[str, Any]] = []
    unchecked = 0
    index = store.index()
    for entry in index.dependents(name):
        if entry.state not in COMPARABLE or not readable(entry.name):
            continue
        if time.monotonic() > deadline:
            unchecked += 1
            continue
        bundle = store.content(entry, index)
        policy = policy_of(index.documents, entry.name)
        dependent = {"name": entry.name, "version": entry.version}
        try:
            then = _replaced_texts(bundle, name, proposed, store)
            changes = compare_texts(texts_of(bundle, store), then, policy.config)
        except ServerBusy:
            unchecked += 1
            continue
        except ContractRefused as refused:
            broken.append(dependent | {"verdict": "undecided", "reason": refused.message, "changes": []})
            continue
        report = report_of(changes, policy.config, equal=False)
        if report.breaking or report.undecided:
            errors = [change for change in changes_to_json(report) if change["level"] == "error"]
            broken.append(dependent | {"verdict": report.verdict, "changes": errors})
    return {"broken": broken, "unchecked": unchecked}


def _replaced_texts(bundle: ContractBundle, name: str, proposed: ContractTexts, store: ContractStore) -> ContractTexts:
    """Return the texts of a version with the proposed texts instead of those of `name`. Raises ContractRefused."""
    pins = [each for each in bundle.dependencies if each.name == name]
    schema = proposed.schema or "true"
    if not all(is_package(each.reference) for each in pins):
        draft = dialect_of(loads(bundle.json_schema or "true"))
        reason = dialect_difference(ContractBundle(name=name, version="", json_schema=schema), store, draft)
        if reason is not None:
            raise ContractRefused(f"in another dialect: {reason}")
    # Under the version that is used: the proposed text may already declare its own.
    used = {
        f"{each.name}-{each.version}": with_version(proposed.wit or "", each.reference.partition("@")[2])
        for each in pins
        if is_package(each.reference)
    }
    packages = dict(packages_of(bundle, store)) | used | (dict(proposed.packages) if used else {})
    whole = compound_schema(bundle, store, lambda each: schema if each.name == name else None)
    return ContractTexts(whole, bundle.wit, tuple(packages.items()))


def version_history(name: str, store: ContractStore) -> list[tuple[ContractBundle, Report | None]]:
    """Yield every published version in ascending order, each with the verdict on the step to it."""
    index = store.index(name)
    policy = policy_of(index.documents, name)
    entries = [entry for entry in index.versions(name) if entry.state in COMPARABLE]
    if len(entries) > MAX_HISTORY_VERSIONS:
        raise ContractRefused(f"{name} has more than {MAX_HISTORY_VERSIONS} versions; ask for a diff of two of them")
    bundles = [store.content(entry, index) for entry in entries]
    steps: list[tuple[ContractBundle, Report | None]] = [(bundle, None) for bundle in bundles[:1]]
    characters = 0
    for bundle, (old, new) in zip(
        bundles[1:], pairwise(compared_version(each, store) for each in bundles), strict=True
    ):
        report = compare(old, new, policy)
        characters += characters_of(report.changes)
        if characters > MAX_CHANGELOG_CHARACTERS:
            raise ContractRefused(
                f"the changes of {name} are too many for one response; request a diff of two versions"
            )
        steps.append((bundle, report))
    return steps


def coherence_findings(schema: str, wit: str) -> list[dict[str, Any]]:
    """Return the differences between a schema and a WIT text of one bundle that describe the same data."""
    try:
        return [change_to_json(change) for change in linter().coherence(schema, wit)]
    except WorkAborted as aborted:
        raise TooExpensive(
            f"schema and WIT are too expensive to compare: {aborted.reason}", limit=aborted.limit
        ) from None
