"""Arrays: items by position, `contains`, `uniqueItems` (JSON Schema Core 10.3.1, Validation 6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from linter_app.change import OPPOSITE, direction_of
from linter_app.documents import Source
from linter_app.rules.catalogue import mirrored, rule
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.walk import Place

KEYWORDS = frozenset({"items", "prefixItems", "unevaluatedItems", "contains", "uniqueItems"})

UNIQUE_ADDED, UNIQUE_REMOVED = mirrored(
    ("unique-items-added", "unique-items-removed"),
    ("Arrays may no longer repeat an item.", "Arrays may now repeat items."),
    {"type": "array"},
    {"type": "array", "uniqueItems": True},
)
CONTAINS_ADDED, CONTAINS_REMOVED = mirrored(
    ("contains-added", "contains-removed"),
    ("Arrays must contain a certain item, and did not have to.", "Arrays need not contain a certain item any more."),
    {"type": "array"},
    {"type": "array", "contains": {"const": 1}},
)
CONTAINS_CHANGED = rule(
    "contains-changed",
    "both",
    "Arrays are counted for other items than before.",
    {"contains": {"type": "string"}, "maxContains": 2},
    {"contains": {"type": "integer"}, "maxContains": 2},
)
MIN_INCREASED, MIN_DECREASED = mirrored(
    ("min-contains-increased", "min-contains-decreased"),
    ("Arrays must contain more of certain items.", "Arrays may contain fewer of certain items."),
    {"contains": {"const": 1}},
    {"contains": {"const": 1}, "minContains": 2},
)
MAX_DECREASED, MAX_INCREASED = mirrored(
    ("max-contains-decreased", "max-contains-increased"),
    ("Arrays may contain fewer of certain items.", "Arrays may contain more of certain items."),
    {"contains": {"const": 1}, "maxContains": 5},
    {"contains": {"const": 1}, "maxContains": 2},
)

Count = tuple[Source, int, float]


def compare(place: Place) -> None:
    """Report what changed in the items that arrays must, may and must not have."""
    if "array" not in place.shared_types:
        return
    old, new = place.old, place.new
    length = max(old.prefix_length, new.prefix_length)
    for index in range(length + 1):  # the last one stands for all that follow
        old_item, new_item = old.item(index), new.item(index)
        if old_item or new_item:
            place.descend(old_item, new_item, frozenset(_long_enough(place, index)))
    _contains(place, _counts(old), _counts(new))
    unique = [any(value is True for value, _ in view.found("uniqueItems")) for view in (old, new)]
    if unique[0] != unique[1]:
        which = UNIQUE_ADDED if unique[1] else UNIQUE_REMOVED
        place.report(which, f"uniqueItems became {str(unique[1]).lower()}", "uniqueItems", "uniqueItems")


def _long_enough(place: Place, index: int) -> Iterator[str]:
    """The directions in which an array may have an item at this index."""
    for side, view in (("backward", place.old), ("forward", place.new)):
        if all(index < most for most, _ in view.found("maxItems")):
            yield side


def _counts(view: View) -> list[Count]:
    """Each `contains` that says something, with the least and the most that it counts."""
    found = []
    for _, part in view.found("contains"):
        least, most = part.schema.get("minContains", 1), part.schema.get("maxContains", float("inf"))
        if least > 0 or most < float("inf"):
            found.append((part.at("contains"), least, most))
    return found


def _contains(place: Place, old: list[Count], new: list[Count]) -> None:
    for one in list(old):
        limited = one[2] < float("inf")
        same: Any = [
            other for other in new if one[1:] == other[1:] and not place.sides((one[0],), (other[0],), exactly=limited)
        ]
        if same:
            old.remove(one)
            new.remove(same[0])
    if len(old) == len(new) == 1:
        _contains_changed(place, old[0], new[0])
        return
    for source, _, _ in old:
        place.report(CONTAINS_REMOVED, "a certain item need not be contained any more", source, None)
    for source, _, _ in new:
        place.report(CONTAINS_ADDED, "a certain item must be contained now", None, source)


def _contains_changed(place: Place, old: Count, new: Count) -> None:
    uncounted = old[2] == new[2] == float("inf")
    if uncounted and old[1] and new[1]:
        place.descend((old[0],), (new[0],))
    elif sides := place.sides((old[0],), (new[0],), exactly=not uncounted):
        # To count fewer items breaks a least count, to count more a greatest one.
        least = sides if old[1] or new[1] else frozenset[str]()
        most = frozenset[str]() if uncounted else frozenset(OPPOSITE[side] for side in sides)
        direction = direction_of(least | most)
        place.report(CONTAINS_CHANGED, "the items to be counted changed", old[0], new[0], direction=direction)
    if old[1] != new[1]:
        which = MIN_INCREASED if new[1] > old[1] else MIN_DECREASED
        place.report(which, f"minContains {old[1]} became {new[1]}", "minContains", "minContains", old[1], new[1])
    if old[2] != new[2]:
        which = MAX_DECREASED if new[2] < old[2] else MAX_INCREASED
        before, after = (None if most == float("inf") else most for most in (old[2], new[2]))
        shown = ["without limit" if most is None else most for most in (before, after)]
        message = f"maxContains {shown[0]} became {shown[1]}"
        place.report(which, message, "maxContains", "maxContains", before, after)
