"""Arrays: items by position, `contains`, `uniqueItems` (JSON Schema Core 10.3.1, Validation 6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from linter_app.changes import OPPOSITE, direction_of
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.trials import Exactly
from linter_app.normalize.normalized import Conjunction, NormalizedSchema, constrains
from linter_app.rule_catalogue import mirrored, rule
from linter_app.schema.documents import Subschema

KEYWORDS = frozenset({"items", "prefixItems", "unevaluatedItems", "contains", "uniqueItems"})

ITEM_ADDED = rule(
    "item-added",
    "none",
    "An open tuple describes one more item.",
    {"prefixItems": [{"type": "string"}]},
    {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
    kind="added",
)
ITEM_REMOVED = rule(
    "item-removed",
    "none",
    "An open tuple no longer describes an item.",
    {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
    {"prefixItems": [{"type": "string"}]},
    kind="removed",
)
UNIQUE_ADDED, UNIQUE_REMOVED = mirrored(
    ("unique-items-added", "unique-items-removed"),
    ("Arrays may no longer repeat an item.", "Arrays may now repeat items."),
    {"type": "array"},
    {"type": "array", "uniqueItems": True},
)
CONTAINS_ADDED, CONTAINS_REMOVED = mirrored(
    ("contains-added", "contains-removed"),
    ("contains was added: arrays must have a matching item.", "contains was removed: arrays need no matching item."),
    {"type": "array"},
    {"type": "array", "contains": {"const": 1}},
)
CONTAINS_CHANGED = rule(
    "contains-changed",
    "both",
    "The schema under contains changed, so different items are counted.",
    {"contains": {"type": "string"}, "maxContains": 2},
    {"contains": {"type": "integer"}, "maxContains": 2},
)
MIN_INCREASED, MIN_DECREASED = mirrored(
    ("min-contains-increased", "min-contains-decreased"),
    (
        "minContains increased: arrays must have more matching items.",
        "minContains decreased: arrays may have fewer matching items.",
    ),
    {"contains": {"const": 1}},
    {"contains": {"const": 1}, "minContains": 2},
)
MAX_DECREASED, MAX_INCREASED = mirrored(
    ("max-contains-decreased", "max-contains-increased"),
    (
        "maxContains decreased: arrays may have fewer matching items.",
        "maxContains increased: arrays may have more matching items.",
    ),
    {"contains": {"const": 1}, "maxContains": 5},
    {"contains": {"const": 1}, "maxContains": 2},
)

Count = tuple[Subschema, int, float]


def compare(pair: SchemaPair) -> None:
    """Report what changed in the items that arrays must, may and must not have."""
    if "array" not in pair.shared_types:
        return
    old, new = pair.old, pair.new
    length = max(old.prefix_length, new.prefix_length)
    for index in range(length + 1):  # the last index represents all that follow
        old_item, new_item = old.item(index), new.item(index)
        if _is_described_newly(pair, index, old_item, new_item):
            continue
        if old_item or new_item:
            pair.descend(old_item, new_item, frozenset(_long_enough(pair, index)))
    _contains(pair, _counts(old), _counts(new))
    unique = [any(value is True for value, _ in normalized.found("uniqueItems")) for normalized in (old, new)]
    if unique[0] != unique[1]:
        which = UNIQUE_ADDED if unique[1] else UNIQUE_REMOVED
        pair.report(which, f"uniqueItems became {str(unique[1]).lower()}", "uniqueItems", "uniqueItems")


def _is_described_newly(pair: SchemaPair, index: int, old: Conjunction, new: Conjunction) -> bool:
    """Report an item that an open tuple leaves open in one version; return whether that breaks nothing by policy."""
    for what, direction, one, other in (("added", "backward", old, new), ("removed", "forward", new, old)):
        prefix = pair.new.prefix_length if what == "added" else pair.old.prefix_length
        if constrains(one) or not constrains(other) or index >= prefix or pair.is_strict(what):  # type: ignore[arg-type]
            continue
        if any(subschema.schema is False for subschema in other):
            continue
        at = (None, other[0]) if what == "added" else (other[0], None)
        which = ITEM_ADDED if what == "added" else ITEM_REMOVED
        pair.report(which, f"item {index} is {'now' if what == 'added' else 'no longer'} described", *at)
        pair.ignore_item(direction, index)
        return True
    return False


def _long_enough(pair: SchemaPair, index: int) -> Iterator[str]:
    """Yield the directions in which an array may have an item at this index."""
    for direction, normalized in (("backward", pair.old), ("forward", pair.new)):
        if all(index < most for most, _ in normalized.found("maxItems")):
            yield direction


def _counts(normalized: NormalizedSchema) -> list[Count]:
    """Return each `contains` that constrains arrays, with its minimum and maximum count."""
    found = []
    for _, node in normalized.found("contains"):
        least, most = node.schema.get("minContains", 1), node.schema.get("maxContains", float("inf"))
        if least > 0 or most < float("inf"):
            found.append((node.at("contains"), least, most))
    return found


def _contains(pair: SchemaPair, old: list[Count], new: list[Count]) -> None:
    for one in list(old):
        exactly: Exactly = "both" if one[2] < float("inf") else ""
        equal: Any = [
            other
            for other in new
            if one[1:] == other[1:] and not pair.directions((one[0],), (other[0],), exactly=exactly)
        ]
        if equal:
            old.remove(one)
            new.remove(equal[0])
            pair.descend((one[0],), (equal[0][0],), frozenset())
    if len(old) == len(new) == 1:
        _contains_changed(pair, old[0], new[0])
        return
    for subschema, _, _ in old:
        pair.report(CONTAINS_REMOVED, "contains was removed", subschema, None)
    for subschema, _, _ in new:
        pair.report(CONTAINS_ADDED, "contains was added", None, subschema)


def _contains_changed(pair: SchemaPair, old: Count, new: Count) -> None:
    uncounted = old[2] == new[2] == float("inf")
    if uncounted and old[1] and new[1]:
        pair.descend((old[0],), (new[0],))
    elif directions := pair.directions((old[0],), (new[0],), exactly="" if uncounted else "both"):
        # Counting fewer items breaks a minimum, counting more breaks a maximum.
        least = directions if old[1] or new[1] else frozenset[str]()
        most = frozenset[str]() if uncounted else frozenset(OPPOSITE[direction] for direction in directions)
        direction = direction_of(least | most)
        pair.report(CONTAINS_CHANGED, "the schema under contains changed", old[0], new[0], direction=direction)
    if old[1] != new[1]:
        which = MIN_INCREASED if new[1] > old[1] else MIN_DECREASED
        pair.report(which, f"minContains {old[1]} became {new[1]}", "minContains", "minContains", old[1], new[1])
    if old[2] != new[2]:
        which = MAX_DECREASED if new[2] < old[2] else MAX_INCREASED
        before, after = (None if most == float("inf") else most for most in (old[2], new[2]))
        shown = ["without limit" if most is None else most for most in (before, after)]
        message = f"maxContains {shown[0]} became {shown[1]}"
        pair.report(which, message, "maxContains", "maxContains", before, after)
