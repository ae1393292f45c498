"""Which errors of an instance are at the place of a change, and which are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from linter_app.changes import Change
from linter_app.compare.bases import without_groups
from linter_app.compare.comparison import Comparison
from linter_app.compare.pairing import Tags
from linter_app.compare.rules.objects import REQUIRED_PROPERTY_REMOVED
from linter_app.normalize.normalized import Group, normalize
from linter_app.normalize.schema_node import followed
from linter_app.schema.documents import Subschema
from linter_app.schema.json_pointers import tokens_of
from linter_app.schema.json_text import json_equal
from linter_app.schema.validators import validate_values
from linter_app.schema.vocabulary import DEFINITIONS

MAX_REASONS = 500
"""Errors within one error that are examined: those of the alternatives of a union."""
MAX_LEVELS = 8
"""Unions within each other of which an instance names its alternative."""
PLACE_STEPS = 3
"""Steps of a pointer that show a place, where the rest of it is not known."""
_ABOUT_ALL_NAMES = ("required", "additionalProperties", "unevaluatedProperties")


def split_by_cause(errors: list[Any], change: Change, *, new: bool) -> tuple[list[Any], list[Any]]:
    """Return the errors at the place of a change, in the new version or in the old one, and the others.

    An error of a union is at the place if that is so for something that an alternative has against the value, which is
    returned then.
    """
    at = pointer_of_cause(change, new=new)
    place = tokens_of(at.partition("#")[2] or at)
    detail = change.new if new else change.old
    named = detail if isinstance(detail, str) and place and place[-1] in _ABOUT_ALL_NAMES else ""
    own: list[Any] = []
    others: list[Any] = []
    for error in errors:
        cause = _cause(error, place, named)
        (others if cause is None else own).append(cause or error)
    return own, others


def _cause(error: Any, place: list[str], named: str) -> Any:
    """Return what of an error, or of what alternatives have against the value, is at a place; None if nothing is."""
    found = None
    for each in _with_reasons(error):
        if named in each.message:
            if _is_exactly_at(each, place):
                return each
            found = found or (each if _is_at(each, place) else None)
    return found


def pointer_of_cause(change: Change, *, new: bool) -> str:
    """Return the pointer of what refuses an instance, in the new version or in the old one."""
    at = (change.new_pointer if new else change.old_pointer) or ""
    if change.rule == REQUIRED_PROPERTY_REMOVED.id and not new:
        return f"{at.rpartition('/properties/')[0]}/required"  # what is missing is the property, not its description
    return at


def _is_exactly_at(error: Any, place: list[str]) -> bool:
    return list(map(str, error.schema_path))[: len(place)] == place


def _is_at(error: Any, place: list[str]) -> bool:
    """Return whether an error is at a place of the schema, or below it. A condition fails in `then` or `else`."""
    if place and place[-1] == "if":
        return any(_is_at(error, [*place[:-1], keyword]) for keyword in ("then", "else"))
    path, way = list(map(str, error.schema_path)), list(map(str, error.evaluation_path))
    if _is_exactly_at(error, place) or _contains(path, place[-PLACE_STEPS:], PLACE_STEPS):
        return True
    # What a reference below the place leads to is elsewhere, but the way there goes through the place.
    below = place[2:] if place and place[0] in DEFINITIONS else place
    return _contains(way, below[-PLACE_STEPS:], PLACE_STEPS) or _contains(way, ["$ref", *below], 2)


def _contains(path: list[str], steps: list[str], least: int) -> bool:
    """Return whether a path goes through some steps in a row, if they are not too few to show a place."""
    return len(steps) >= least and any(path[n : n + len(steps)] == steps for n in range(len(path)))


def reference_to_alternative(
    instance: Any, schema: Subschema, comparison: Comparison, towards: frozenset[int]
) -> str | None:
    """Return the reference to the alternative that an instance is meant for, of a schema that is a union of references.

    It is the one whose tag the instance has, or the only one of those that lead `towards` a place (by the `id` of their
    schemas). Of a catalogue of a hundred events, the errors of this one explain why the instance is refused, and the
    others have a thousand more. None where it is not known, or where its errors may depend on what is around it.
    """
    reference = None
    if not schema.document.refers_to_definitions:
        return None
    for _ in range(MAX_LEVELS):
        normalized = normalize((followed(schema),))
        if len(normalized.groups) != 1:
            break
        group = normalized.groups[0]
        own = _tagged(instance, group, comparison.tags(group)) or [
            each for each in group.branches if not towards.isdisjoint((each.key, followed(each).key))
        ]
        if len(own) != 1 or own[0].schema.keys() != {"$ref"} or own[0].document is not schema.document:
            break
        around = without_groups(normalized, [group])
        if around is None or validate_values(around, [instance]) != [True]:
            break
        schema = own[0]
        reference = str(schema.schema["$ref"])
    return reference


def _tagged(instance: Any, group: Group, tags: Tags) -> list[Subschema]:
    """Return the alternatives whose tag an instance has."""
    if not isinstance(instance, dict) or tags.name not in instance:
        return []
    return [each for each in group.branches if json_equal(tags.values[each.key], instance[tags.name])]


def count(errors: list[Any]) -> int:
    """Return the number of errors, those that alternatives have within them included."""
    found = list(errors)
    for each in found:
        found += _within(each)
    return len(found)


def _within(error: Any) -> list[Any]:
    return [inner for branch in getattr(error.kind, "context", ()) for inner in branch]


def _with_reasons(error: Any) -> Iterator[Any]:
    """Yield an error, and what each alternative of a union has against the value."""
    waiting = [error]
    for _ in range(MAX_REASONS):
        if not waiting:
            return
        each = waiting.pop(0)
        yield each
        waiting += _within(each)
