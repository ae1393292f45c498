"""Types and listed values: `type`, `enum`, `const` (JSON Schema Validation 6.1)."""

from __future__ import annotations

import json
from typing import Any

from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import DISJUNCTIVE, NormalizedSchema
from linter_app.rule_catalogue import mirrored, rule
from linter_app.schema.json_text import json_hashable
from linter_app.schema.json_types import ALL_TYPES, reduced

KEYWORDS = frozenset({"type", "enum", "const", "nullable", *DISJUNCTIVE})

TYPE_CHANGED = rule(
    "type-changed",
    "both",
    "Some types are no longer accepted, and others are accepted now.",
    {"type": "string"},
    {"type": "integer"},
)
TYPE_NARROWED, TYPE_WIDENED = mirrored(
    ("type-narrowed", "type-widened"),
    ("Fewer types are accepted.", "More types are accepted."),
    {"type": ["string", "null"]},
    {"type": "string"},
)
VALUES_CHANGED = rule(
    "enum-changed",
    "both",
    "Some values of an enum were removed and others added.",
    {"enum": ["a", "b"]},
    {"enum": ["a", "c"]},
)
VALUES_REMOVED, VALUES_ADDED = mirrored(
    ("enum-value-removed", "enum-value-added"),
    ("An enum no longer accepts a value.", "An enum accepts a new value."),
    {"enum": ["a", "b"]},
    {"enum": ["a"]},
)
ENUM_ADDED, ENUM_REMOVED = mirrored(
    ("enum-added", "enum-removed"),
    (
        "An enum was added: only listed values are accepted.",
        "An enum was removed: values are no longer limited to a list.",
    ),
    {"type": "string"},
    {"type": "string", "enum": ["a", "b"]},
)


def _shown(types: frozenset[str]) -> str:
    if types == ALL_TYPES:
        return "any type"
    return " or ".join(sorted(reduced(types))) or "no type"


def compare(pair: SchemaPair) -> None:
    """Report what changed in the types and values that a schema accepts."""
    old, new = pair.old.listed, pair.new.listed
    lost, gained = pair.old.types - pair.new.types, pair.new.types - pair.old.types
    if lost | gained == {"number"} and pair.old.is_whole and pair.new.is_whole:
        lost = gained = frozenset()
    if (lost or gained) and (old is None or new is None):
        which = TYPE_CHANGED if lost and gained else TYPE_NARROWED if lost else TYPE_WIDENED
        message = f"type changed from {_shown(pair.old.types)} to {_shown(pair.new.types)}"
        if lost | gained == {"null"}:
            message = "it is no longer nullable" if lost else "it became nullable"
        pair.report(which, message, "type", "type")
    if old is None and new is None:
        return
    # The few values of a type count as listed, where the other version lists its own.
    old, new = (
        listed if listed is not None else normalized.values for listed, normalized in ((old, pair.old), (new, pair.new))
    )
    keywords = _keyword(pair.old), _keyword(pair.new)
    if old is None:
        pair.report(ENUM_ADDED, f"only listed values are accepted now: {short(new)}", None, keywords[1], None, new)
    elif new is None:
        pair.report(ENUM_REMOVED, "values are no longer listed, others are accepted too", keywords[0], None, old)
    else:
        in_old, in_new = set(map(json_hashable, old)), set(map(json_hashable, new))
        removed = [value for value in old if json_hashable(value) not in in_new]
        added = [value for value in new if json_hashable(value) not in in_old]
        if removed and added:
            which, message = VALUES_CHANGED, f"values {short(removed)} were replaced by {short(added)}"
        elif removed:
            which, message = VALUES_REMOVED, f"values {short(removed)} are no longer accepted"
        elif added:
            which, message = VALUES_ADDED, f"values {short(added)} are newly accepted"
        else:
            return
        tolerated = which is VALUES_ADDED and pair.old.is_extensible(keywords[0])
        pair.report(which, message, *keywords, removed, added, direction="none" if tolerated else None)


def _keyword(normalized: NormalizedSchema) -> str:
    return "const" if "const" in normalized.keywords else "enum"


def short(value: Any) -> str:
    """Return a value as JSON, cut to fit a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
