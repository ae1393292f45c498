"""What the alternatives, conditions and dependencies of a schema say of the properties of the same instance."""

from __future__ import annotations

from collections.abc import Set

from linter_app.normalize.normalized import Conjunction, NormalizedSchema, normalize
from linter_app.schema.documents import Subschema

MAX_LEVELS = 4
"""Levels of alternatives within alternatives that are looked at."""


def mentions(normalized: NormalizedSchema, name: str, levels: int = MAX_LEVELS) -> list[Conjunction]:
    """Return what each alternative, condition or dependency that describes a property says of it."""
    found: list[Conjunction] = []
    for branch in _alternatives_of(normalized) if levels else ():
        each = normalize((branch,))
        found += [each.property(name)] if name in each.properties else mentions(each, name, levels - 1)
    return found


def names_in_alternatives(normalized: NormalizedSchema, levels: int = MAX_LEVELS) -> set[str]:
    """Return the names of the properties that alternatives, conditions and dependencies describe."""
    found: set[str] = set()
    for branch in _alternatives_of(normalized) if levels else ():
        each = normalize((branch,))
        found |= each.properties.keys() | names_in_alternatives(each, levels - 1)
    return found


def undescribed_name(described: Set[str]) -> str:
    """Return a name that is not among these."""
    name = "\u2603"
    while name in described:
        name += "\u2603"
    return name


def _alternatives_of(normalized: NormalizedSchema) -> list[Subschema]:
    branches = [branch for group in normalized.groups for branch in group.branches]
    return branches + [
        node.at("dependentSchemas", trigger)
        for schemas, node in normalized.found("dependentSchemas")
        for trigger in schemas
    ]
