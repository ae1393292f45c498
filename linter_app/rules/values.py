"""Types and values: JSON Schema Validation section 6.1 (type, enum, const) and the remaining value assertions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from linter_app.json_text import identity, same
from linter_app.rules.catalogue import rule

if TYPE_CHECKING:
    from linter_app.diff import Place

TYPE_CHANGED = rule("type-changed", "both", "Old values are of a type that is no longer accepted, and new ones too.")
TYPE_NARROWED = rule("type-narrowed", "backward", "Fewer types are accepted than before.")
TYPE_WIDENED = rule("type-widened", "forward", "More types are accepted than before.")
VALUES_CHANGED = rule("enum-changed", "both", "Some listed values went and others came.")
VALUES_REMOVED = rule("enum-value-removed", "backward", "A value that was accepted is no longer listed.")
VALUES_ADDED = rule("enum-value-added", "forward", "A value is listed that was not accepted before.")
ENUM_ADDED = rule("enum-added", "backward", "Any value was accepted, now only listed ones are.")
ENUM_REMOVED = rule("enum-removed", "forward", "Only listed values were accepted, now any is.")
PATTERN_CHANGED = rule("pattern-changed", "both", "Strings are held to another regular expression.")
PATTERN_ADDED = rule("pattern-added", "backward", "Strings are held to a regular expression, and were not.")
PATTERN_REMOVED = rule("pattern-removed", "forward", "Strings are no longer held to a regular expression.")
FORMAT_CHANGED = rule("format-changed", "both", "Strings are held to another format.")
FORMAT_ADDED = rule("format-added", "backward", "A format is asked for that was not.")
FORMAT_REMOVED = rule("format-removed", "forward", "A format is no longer asked for.")
MULTIPLE_CHANGED = rule("multiple-of-changed", "both", "Numbers must be multiples of an unrelated number.")
MULTIPLE_STRICTER = rule("multiple-of-stricter", "backward", "Fewer numbers are multiples of the divisor.")
MULTIPLE_LOOSER = rule("multiple-of-looser", "forward", "More numbers are multiples of the divisor.")
UNIQUE_ADDED = rule("unique-items-added", "backward", "Arrays may no longer repeat an item.")
UNIQUE_REMOVED = rule("unique-items-removed", "forward", "Arrays may now repeat items.")

_ALL = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})


def types_of(schema: dict[str, Any]) -> frozenset[str]:
    """The accepted types; `number` brings `integer` with it (JSON Schema Validation section 6.1.1)."""
    listed = _values(schema)
    return _declared(schema) if listed is None else frozenset(map(_type_of, listed))


def _declared(schema: dict[str, Any]) -> frozenset[str]:
    declared = schema.get("type")
    types = _ALL if declared is None else frozenset([declared] if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if value == int(value) else "number"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _shown(types: frozenset[str]) -> str:
    if types == _ALL:
        return "any type"
    return " or ".join(sorted(types - {"integer"} if "number" in types else types))


def compare(place: Place) -> None:
    """Report what changed in the types and values accepted at this place."""
    old_types, new_types = types_of(place.old), types_of(place.new)
    both_listed = _values(place.old) is not None and _values(place.new) is not None
    if old_types != new_types and not both_listed:
        lost, gained = old_types - new_types, new_types - old_types
        which = TYPE_CHANGED if lost and gained else TYPE_NARROWED if lost else TYPE_WIDENED
        place.report(which, f"type changed from {_shown(old_types)} to {_shown(new_types)}", "type", "type")
    _listed(place)
    _plain(place, "pattern", PATTERN_ADDED, PATTERN_REMOVED, PATTERN_CHANGED)
    _plain(place, "format", FORMAT_ADDED, FORMAT_REMOVED, FORMAT_CHANGED)
    _multiple(place)
    old_unique, new_unique = place.old.get("uniqueItems") is True, place.new.get("uniqueItems") is True
    if old_unique != new_unique:
        which = UNIQUE_ADDED if new_unique else UNIQUE_REMOVED
        place.report(which, f"uniqueItems became {str(new_unique).lower()}", "uniqueItems", "uniqueItems")


def _values(schema: dict[str, Any]) -> list[Any] | None:
    """The listed values that the declared types admit; None where any value is."""
    listed: list[Any] | None = schema.get("enum")
    if "const" in schema:
        constant = schema["const"]
        listed = [constant] if listed is None or any(same(constant, value) for value in listed) else []
    if listed is None:
        return None
    declared = _declared(schema)
    return [value for value in listed if _type_of(value) in declared]


def _listed(place: Place) -> None:
    old, new = _values(place.old), _values(place.new)
    if old is None and new is None:
        return
    keywords = ("const" if "const" in place.old else "enum", "const" if "const" in place.new else "enum")
    if old is None:
        place.report(ENUM_ADDED, f"only listed values are accepted now: {_short(new)}", None, keywords[1], None, new)
    elif new is None:
        place.report(ENUM_REMOVED, "values are no longer listed, any is accepted", keywords[0], None, old)
    else:
        in_old, in_new = set(map(identity, old)), set(map(identity, new))
        removed = [value for value in old if identity(value) not in in_new]
        added = [value for value in new if identity(value) not in in_old]
        if removed and added:
            which, message = VALUES_CHANGED, f"values {_short(removed)} were replaced by {_short(added)}"
        elif removed:
            which, message = VALUES_REMOVED, f"values {_short(removed)} are no longer accepted"
        elif added:
            which, message = VALUES_ADDED, f"values {_short(added)} are newly accepted"
        else:
            return
        place.report(which, message, *keywords, removed, added)


def _short(values: Any) -> str:
    text = json.dumps(values, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def _plain(place: Place, keyword: str, added: Any, removed: Any, changed: Any) -> None:
    old, new = place.old.get(keyword), place.new.get(keyword)
    if old == new:
        return
    if old is None:
        place.report(added, f"{keyword} {new!r} was added", None, keyword, None, new)
    elif new is None:
        place.report(removed, f"{keyword} {old!r} was removed", keyword, None, old)
    else:
        place.report(changed, f"{keyword} {old!r} became {new!r}", keyword, keyword, old, new)


def _multiple(place: Place) -> None:
    old, new = place.old.get("multipleOf"), place.new.get("multipleOf")
    if old == new:
        return
    message = f"multipleOf changed from {old} to {new}"
    if old is None or (new is not None and new % old == 0):
        which = MULTIPLE_STRICTER
    elif new is None or old % new == 0:
        which = MULTIPLE_LOOSER
    else:
        which = MULTIPLE_CHANGED
    place.report(which, message, "multipleOf" if old else None, "multipleOf" if new else None, old, new)
