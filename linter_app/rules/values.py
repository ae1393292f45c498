"""Types and listed values: `type`, `enum`, `const` (JSON Schema Validation 6.1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from linter_app.json_text import identity
from linter_app.parts import ALL_TYPES, apart
from linter_app.rules.catalogue import mirrored, rule
from linter_app.views import DISJUNCTIVE, View

if TYPE_CHECKING:
    from linter_app.walk import Place

KEYWORDS = frozenset({"type", "enum", "const", "nullable", *DISJUNCTIVE})

TYPE_CHANGED = rule(
    "type-changed",
    "both",
    "Old values are of a type that is no longer accepted, and new values of one that was not.",
    {"type": "string"},
    {"type": "integer"},
)
TYPE_NARROWED, TYPE_WIDENED = mirrored(
    ("type-narrowed", "type-widened"),
    ("Fewer types are accepted than before.", "More types are accepted than before."),
    {"type": ["string", "null"]},
    {"type": "string"},
)
VALUES_CHANGED = rule(
    "enum-changed", "both", "Some listed values went and others came.", {"enum": ["a", "b"]}, {"enum": ["a", "c"]}
)
VALUES_REMOVED, VALUES_ADDED = mirrored(
    ("enum-value-removed", "enum-value-added"),
    ("A value that was accepted is no longer listed.", "A value is listed that was not accepted before."),
    {"enum": ["a", "b"]},
    {"enum": ["a"]},
)
ENUM_ADDED, ENUM_REMOVED = mirrored(
    ("enum-added", "enum-removed"),
    ("Any value was accepted, now only listed ones are.", "Only listed values were accepted, now any is."),
    {"type": "string"},
    {"type": "string", "enum": ["a", "b"]},
)


def _shown(types: frozenset[str]) -> str:
    if types == ALL_TYPES:
        return "any type"
    return " or ".join(sorted(apart(types))) or "no type"


def compare(place: Place) -> None:
    """Report what changed in the types and values accepted at this place."""
    old, new = place.old.listed, place.new.listed
    if place.old.types != place.new.types and (old is None or new is None):
        lost, gained = place.old.types - place.new.types, place.new.types - place.old.types
        which = TYPE_CHANGED if lost and gained else TYPE_NARROWED if lost else TYPE_WIDENED
        place.report(which, f"type changed from {_shown(place.old.types)} to {_shown(place.new.types)}", "type", "type")
    if old is None and new is None:
        return
    # The few values of a type are as good as listed, where the other side lists its own.
    old, new = (listed if listed is not None else view.values for listed, view in ((old, place.old), (new, place.new)))
    keywords = _keyword(place.old), _keyword(place.new)
    if old is None:
        place.report(ENUM_ADDED, f"only listed values are accepted now: {short(new)}", None, keywords[1], None, new)
    elif new is None:
        place.report(ENUM_REMOVED, "values are no longer listed, others are accepted too", keywords[0], None, old)
    else:
        in_old, in_new = set(map(identity, old)), set(map(identity, new))
        removed = [value for value in old if identity(value) not in in_new]
        added = [value for value in new if identity(value) not in in_old]
        if removed and added:
            which, message = VALUES_CHANGED, f"values {short(removed)} were replaced by {short(added)}"
        elif removed:
            which, message = VALUES_REMOVED, f"values {short(removed)} are no longer accepted"
        elif added:
            which, message = VALUES_ADDED, f"values {short(added)} are newly accepted"
        else:
            return
        place.report(which, message, *keywords, removed, added)


def _keyword(view: View) -> str:
    return "const" if "const" in view.keywords else "enum"


def short(value: Any) -> str:
    """A value as JSON, cut to fit a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
