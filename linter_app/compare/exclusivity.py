"""Whether alternatives of `oneOf` exclude each other: a value that satisfies two of them is refused."""

from __future__ import annotations

import json
from typing import Any, Literal

from linter_app.changes import OPPOSITE
from linter_app.compare.bases import without_groups
from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import Conjunction, Group, normalize
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_equal, json_hashable

MAX_ALTERNATIVES = 64
"""Alternatives that are compared each with each."""
MAX_TRIES = 2000
"""How often alternatives that accept more are tried against the others."""
MAX_LEVELS = 3
"""Levels of objects through which it is followed what an alternative accepts more."""
_MADE: dict[str, Any] = {}
_ABOUT_NAMES = frozenset({"type", "additionalProperties", "minProperties", "maxProperties"})
_ANNOTATIONS = frozenset({"title", "description", "$comment", "default", "examples", "deprecated"})
_ANYTHING: dict[str, Any] = {}


def overlapping(pair: SchemaPair, *groups: Group) -> bool:
    """Return whether branches of a `oneOf` may be valid together, so that each refuses what the others accept."""
    return any(group.keyword == "oneOf" and not _exclusive(pair, group) for group in groups)


def _exclusive(pair: SchemaPair, group: Group, around: Conjunction = ()) -> bool:
    """Return whether no value satisfies two alternatives, of the values that satisfy what is around them."""
    if pair.comparison.tags(group).name is not None:
        return True
    normalized_schemas = [normalize((branch,)) for branch in group.branches]
    listed = [each.values for each in normalized_schemas]
    if all(values is not None for values in listed):  # one pass instead of every pair
        distinct = [{json_hashable(value) for value in values or ()} for values in listed]
        return len(set().union(*distinct)) == sum(map(len, distinct))
    return len(normalized_schemas) <= MAX_ALTERNATIVES and all(
        pair.comparison.are_disjoint((*around, one), (*around, other))
        for index, one in enumerate(group.branches)
        for other in group.branches[:index]
    )


def is_exclusive_for(pair: SchemaPair, direction: Literal["backward", "forward"]) -> bool:
    """Return whether no value is refused in a direction because it satisfies several alternatives of `oneOf`.

    Only alternatives that accept more than before matter: what the others share with each other, they shared before.
    """
    old, new = pair.differing
    accepting, refusing = (old, new) if direction == "backward" else (new, old)
    if not any(group.keyword == "oneOf" for group in refusing):
        return True
    if len(accepting) != 1 or len(refusing) != 1 or accepting[0].keyword != refusing[0].keyword:
        accepted = (pair.old if direction == "backward" else pair.new).conjunction
        return not overlapping(pair, *refusing) or all(
            group.keyword != "oneOf" or _exclusive(pair, group, accepted) for group in refusing
        )
    return _is_widening_exclusive(pair, direction, accepting, refusing) or not overlapping(pair, *refusing)


def _is_widening_exclusive(pair: SchemaPair, direction: str, accepting: list[Group], refusing: list[Group]) -> bool:
    """Return whether the alternatives that accept more than before exclude all others for what they gained."""
    old, new = (accepting, refusing) if direction == "backward" else (refusing, accepting)
    pairing = pair.pairing(old[0], new[0])
    opposite = OPPOSITE[direction]
    sides = [(one, other) if direction == "backward" else (other, one) for one, other in pairing.differing]
    wider: list[tuple[Subschema, Conjunction]] = [
        (wide, (Subschema(wide.document.keep(_MADE, json.dumps(each), each), (), wide.document),))
        for narrow, wide in sides
        if opposite in pair.directions(*_in_order(direction, narrow, wide), exactly="both")
        for each in _gained(pair, (narrow,), (wide,))
    ]
    wider += [(one, ()) for one in (pairing.added if direction == "backward" else pairing.removed)]
    if len(wider) * len(refusing[0].branches) > MAX_TRIES:
        return False
    around = without_groups(pair.new if direction == "backward" else pair.old, refusing) or ()
    return all(
        pair.comparison.are_disjoint((*around, one, *required), (*around, other))
        for one, required in wider
        for other in refusing[0].branches
        if other.key != one.key
    )


def _in_order(direction: str, narrow: Subschema, wide: Subschema) -> tuple[Conjunction, Conjunction]:
    return ((narrow,), (wide,)) if direction == "backward" else ((wide,), (narrow,))


def _gained(pair: SchemaPair, narrow: Conjunction, wide: Conjunction, levels: int = MAX_LEVELS) -> list[dict[str, Any]]:
    """Return schemas of which one holds for each value that `wide` accepts and `narrow` does not.

    They name the property that must be there, and what holds for its value. Where nothing is known, it is one schema
    that always holds.
    """
    nodes = [
        [node for node in normalize(each).nodes if node.schema.keys() - {"$ref"} - _ANNOTATIONS]
        for each in (narrow, wide)
    ]
    if not levels or len(nodes[0]) != 1 or len(nodes[1]) != 1:
        return [_ANYTHING]
    before, after = nodes[0][0], nodes[1][0]
    rest = [
        {key: node.schema[key] for key in node.schema.keys() - {"properties", "required"} - _ANNOTATIONS}
        for node in (before, after)
    ]
    is_open = rest[0].get("additionalProperties", True)
    if not json_equal(*rest) or not rest[0].keys() <= _ABOUT_NAMES or not isinstance(is_open, bool):
        return [_ANYTHING]
    found: list[dict[str, Any]] = [
        {"not": {"required": [name]}} for name in normalize(narrow).required if name not in normalize(wide).required
    ]
    old, new = (node.schema.get("properties", {}) for node in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            # What an open object does not describe may have any value; a closed one refuses it.
            if (name in new) is not is_open:
                found.append({"required": [name]})
            continue
        parts = before.at("properties", name), after.at("properties", name)
        if not pair.comparison.equality.same_meaning(*_by_version(pair, *parts)):
            inner = _gained(pair, (parts[0],), (parts[1],), levels - 1)
            found += [{"required": [name], "properties": {name: each}} for each in inner]
    return found


def _by_version(pair: SchemaPair, one: Subschema, other: Subschema) -> tuple[Subschema, Subschema]:
    return (one, other) if one.document is pair.comparison.old else (other, one)
