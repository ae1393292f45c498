"""Compatibility: the verdicts of the registry's linter at the levels of the Confluent API.

Objects are read as they stand: a property that an open object did not name could have held anything, so naming it is a
break, and the witness shows a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_app.numbering import SubjectState, SubjectVersion, bundle_of, schema_of
from confluent_app.schemas import ConfluentSchema
from confluent_app.settings_records import LEVELS, is_transitive
from contracts_app.bundles import ContractBundle
from contracts_app.policies import Policy
from contracts_app.services.comparison import compare, compared_version
from contracts_app.services.dependencies import check_dependencies
from contracts_app.storage import ContractStore
from linter_app import Change
from linter_app.printable import printable
from linter_app.report.changelog import describe_witness


def incompatibilities(
    bundle: ContractBundle, versions: Iterable[SubjectVersion], level: str, state: SubjectState, store: ContractStore
) -> list[str]:
    """Return why a schema is not compatible with some versions of its subject, the newest first; empty if it is.

    Raises ContractRefused.
    """
    policy = Policy(compatibility=LEVELS[level], strict_open_objects=True)
    if policy.mode == "none":
        return []
    new = compared_version(check_dependencies(bundle, store), store)
    messages: list[str] = []
    for version in versions:
        old = compared_version(bundle_of(store, version, state.index), store)
        report = compare(old, new, policy)
        messages += [f"{_described(change)} (against version {version.number})" for change in report.breaking]
        messages += [f"{_described(change)} (against version {version.number})" for change in report.undecided]
    return messages


def compared_versions(
    schema: ConfluentSchema, state: SubjectState, config: dict[str, Any], store: ContractStore
) -> list[SubjectVersion]:
    """Return the versions that a new schema must be compatible with, the newest first.

    With a `compatibilityGroup`, those whose metadata has the same value of that property.
    """
    versions = list(reversed(state.active))
    if group := config.get("compatibilityGroup"):
        wanted = schema.properties.get(group)
        versions = [each for each in versions if schema_of(store, each, state.index).properties.get(group) == wanted]
    return versions if is_transitive(config["compatibility"]) else versions[:1]


def _described(change: Change) -> str:
    place = change.pointer or "the root"
    text = f"{change.rule} at {printable(place)}: {printable(change.message)}"
    return f"{text}; for example, {describe_witness(change)}" if change.witness else text
