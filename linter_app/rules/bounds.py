"""Bounds: every keyword that limits a number, length or count (JSON Schema Validation 6.2 to 6.5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from linter_app.rules.catalogue import Rule, mirrored
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.diff import Place

_NUMBERS = frozenset({"number", "integer"})
# Each bound: the types it limits, what it limits, a JSON type for the example.
_LIMITED: dict[str, tuple[frozenset[str], str, str]] = {
    "minimum": (_NUMBERS, "numbers from below", "integer"),
    "maximum": (_NUMBERS, "numbers from above", "integer"),
    "minLength": (frozenset({"string"}), "the length of strings from below", "string"),
    "maxLength": (frozenset({"string"}), "the length of strings from above", "string"),
    "minItems": (frozenset({"array"}), "the count of items from below", "array"),
    "maxItems": (frozenset({"array"}), "the count of items from above", "array"),
    "minProperties": (frozenset({"object"}), "the count of properties from below", "object"),
    "maxProperties": (frozenset({"object"}), "the count of properties from above", "object"),
}
KEYWORDS = frozenset({*_LIMITED, "exclusiveMinimum", "exclusiveMaximum"})


def _family(keyword: str) -> dict[str, Rule]:
    _, what, kind = _LIMITED[keyword]
    subject = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in keyword)
    stricter, looser, limits = ("increased", "decreased", (2, 5))
    if keyword.startswith("max"):
        stricter, looser, limits = looser, stricter, limits[::-1]
    without, loose, strict = {"type": kind}, {"type": kind, keyword: limits[0]}, {"type": kind, keyword: limits[1]}
    added, removed = mirrored(
        (f"{subject}-added", f"{subject}-removed"),
        (f"A limit on {what} appeared where there was none.", f"The limit on {what} is gone."),
        without,
        strict,
    )
    tighter, wider = mirrored(
        (f"{subject}-{stricter}", f"{subject}-{looser}"),
        (f"The limit on {what} became stricter.", f"The limit on {what} became looser."),
        loose,
        strict,
    )
    return {"added": added, "removed": removed, "stricter": tighter, "looser": wider}


_RULES = {keyword: _family(keyword) for keyword in _LIMITED}

Bound = tuple[Any, bool, str]
"""A limit, whether it is exclusive, and the keyword that states it."""


def bound(view: View, keyword: str) -> Bound | None:
    """The tightest bound that a view states; None where there is none, or one that says nothing."""
    lower = keyword.startswith("min")
    found: list[Bound] = [(value, False, keyword) for value, _ in view.found(keyword)]
    if keyword in ("minimum", "maximum"):
        exclusive = "exclusive" + keyword.capitalize()
        found += [(value, True, exclusive) for value, _ in view.found(exclusive)]
        if "number" not in view.types:
            # Among integers, above 0 is from 1.
            found = [(_whole(value, open_end, lower), False, name) for value, open_end, name in found]
    elif lower:
        found = [each for each in found if each[0] > 0]
    if not found:
        return None
    return max(found, key=lambda each: (each[0] if lower else -each[0], each[1]))


def _whole(value: Any, exclusive: bool, lower: bool) -> int:
    if lower:
        return math.floor(value) + 1 if exclusive else math.ceil(value)
    return math.ceil(value) - 1 if exclusive else math.floor(value)


def compare(place: Place) -> None:
    """Report every bound that moved, appeared or went away."""
    for keyword, rules in _RULES.items():
        if not _LIMITED[keyword][0] & place.shared_types:
            continue
        old, new = bound(place.old, keyword), bound(place.new, keyword)
        if old is None:
            if new is not None:
                place.report(rules["added"], f"{new[2]} {new[0]} was added", None, new[2], None, new[0])
        elif new is None:
            place.report(rules["removed"], f"{old[2]} {old[0]} was removed", old[2], None, old[0], None)
        elif old[:2] != new[:2]:
            stricter = new[1] if old[0] == new[0] else (new[0] > old[0]) == keyword.startswith("min")
            which = rules["stricter" if stricter else "looser"]
            place.report(which, f"{old[2]} {old[0]} became {new[2]} {new[0]}", old[2], new[2], old[0], new[0])
