"""Alternatives and refusals: `anyOf`, `oneOf`, `not`, `if` (JSON Schema Core 10.2).

`allOf` needs no rule: its members are read together with the schema that they stand in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linter_app.change import OPPOSITE, direction_of
from linter_app.documents import Source
from linter_app.rules.catalogue import mirrored, rule
from linter_app.views import DISJUNCTIVE, Group, disjoint
from linter_app.weighing import overlapping, unmatched

if TYPE_CHECKING:
    from linter_app.walk import Place

KEYWORDS = frozenset({*DISJUNCTIVE, "not"})

_STRING, _NULL = {"type": "string"}, {"type": "null"}
ALTERNATIVE_REMOVED, ALTERNATIVE_ADDED = mirrored(
    ("alternative-removed", "alternative-added"),
    ("An alternative of anyOf or oneOf is gone.", "There is a new alternative in anyOf or oneOf."),
    {"anyOf": [_STRING, _NULL, {"type": "integer"}]},
    {"anyOf": [_STRING, _NULL]},
)
ALTERNATIVES_ADDED, ALTERNATIVES_REMOVED = mirrored(
    ("alternatives-added", "alternatives-removed"),
    ("One of several alternatives must be satisfied now.", "No alternatives are asked for any more."),
    {"type": "object"},
    {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
)
ALTERNATIVES_CHANGED = rule(
    "alternatives-changed",
    "both",
    "The alternatives, taken together, accept other values than before.",
    {"type": "string", "oneOf": [{"maxLength": 5}, {"minLength": 3}]},
    {"type": "string", "oneOf": [{"maxLength": 5}, {"minLength": 2}]},
)
CONDITION_ADDED, CONDITION_REMOVED = mirrored(
    ("condition-added", "condition-removed"),
    ("A condition (if, then, else) is asked for that was not.", "A condition is no longer asked for."),
    {"type": "string"},
    {"type": "string", "if": {"maxLength": 3}, "then": {"pattern": "^a"}},
)
CONDITION_CHANGED = rule(
    "condition-changed",
    "both",
    "The condition itself (if) changed, so that other values go the way of then and else.",
    {"if": {"maxLength": 3}, "then": {"pattern": "^a"}},
    {"if": {"minLength": 4}, "then": {"pattern": "^a"}},
)
NOT_ADDED, NOT_REMOVED = mirrored(
    ("not-added", "not-removed"),
    ("Values are refused that a schema under not describes.", "Values are no longer refused by not."),
    {"type": "string"},
    {"type": "string", "not": {"const": "a"}},
)
NOT_CHANGED = rule(
    "not-changed",
    "both",
    "Other values are refused by not.",
    {"not": {"const": "a"}},
    {"not": {"const": "b"}},
)


def compare(place: Place) -> None:
    """Report alternatives, conditions and refusals that differ; `place.differing` holds those of groups."""
    _refusals(place)
    old, new = place.differing
    if not place.open_sides:
        return  # taken together, they are proven to accept the same
    for keyword in DISJUNCTIVE:
        olds, news = ([group for group in groups if group.keyword == keyword] for groups in (old, new))
        if len(olds) == len(news) == 1:
            (_condition if keyword == "if" else _alternatives)(place, olds[0], news[0])
            continue
        added, removed = ALTERNATIVES_ADDED, ALTERNATIVES_REMOVED
        if keyword == "if":
            added, removed = CONDITION_ADDED, CONDITION_REMOVED
        for group in olds:
            place.report(removed, f"{keyword} was removed", group.part.at(keyword), None)
        for group in news:
            place.report(added, f"{keyword} was added", None, group.part.at(keyword))
    if (old or new) and (missing := place.open_sides - place.reported_sides() - place.explained):
        at = (groups[0].part.at(groups[0].keyword) if groups else None for groups in (old, new))
        message = "the alternatives, taken together, may accept other values"
        place.report(ALTERNATIVES_CHANGED, message, *at, direction=direction_of(missing), decided=False)


def _refusals(place: Place) -> None:
    old, new = (
        [source for source in view.sources("not") if place.walk.view((source,)).types & place.shared_types]
        for view in (place.old, place.new)
    )
    for one in list(old):
        same = [other for other in new if not place.sides((one,), (other,), exactly=True)]
        if same:
            old.remove(one)
            new.remove(same[0])
    if len(old) == len(new) == 1:
        # What the schema under `not` gains, the place loses.
        sides = frozenset(OPPOSITE[side] for side in place.sides((old[0],), (new[0],), exactly=True))
        place.report(NOT_CHANGED, "other values are refused now", old[0], new[0], direction=direction_of(sides))
        return
    for source in old:
        place.report(NOT_REMOVED, "values are no longer refused by not", source, None)
    for source in new:
        place.report(NOT_ADDED, "values are refused by not now", None, source)


def _alternatives(place: Place, old: Group, new: Group) -> None:
    olds, news = unmatched(old.branches, new.branches, place.walk.alike)
    exactly = overlapping(place, old, new)
    olds, news = unmatched(olds, news, lambda one, other: not place.sides(one, other, exactly=exactly))
    for one, other in _matched(place, olds, news):
        olds.remove(one)
        news.remove(other)
        place.descend((one,), (other,))
        place.explained |= place.sides((one,), (other,))  # though it may have been told elsewhere
    for one in olds:
        place.report(ALTERNATIVE_REMOVED, f"an alternative of {old.keyword} was removed", one, new.part.at(new.keyword))
    for one in news:
        place.report(ALTERNATIVE_ADDED, f"an alternative of {new.keyword} was added", old.part.at(old.keyword), one)


def _matched(place: Place, olds: list[Source], news: list[Source]) -> list[tuple[Source, Source]]:
    """Pairs of alternatives that are two states of one, by what they have in common; the likest first."""
    view = place.walk.view
    scored = [
        (-_likeness(one.schema, other.schema), first, second, one, other)
        for first, one in enumerate(olds[:50])
        for second, other in enumerate(news[:50])
        if not disjoint(view((one,)), view((other,)))
    ]
    pairs: list[tuple[Source, Source]] = []
    taken: set[int] = set()
    for score, _, _, one, other in sorted(scored, key=lambda each: each[:3]):
        if (score <= -0.5 or len(olds) == len(news) == 1) and not {id(one), id(other)} & taken:
            taken |= {id(one), id(other)}
            pairs.append((one, other))
    return pairs


def _likeness(old: object, new: object) -> float:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 0.0
    if "$ref" in old and old.get("$ref") == new.get("$ref"):
        return 1.0
    words = [
        {f"{key}={value}" if isinstance(value, (str, int)) else key for key, value in schema.items()}
        | {f"properties/{name}={value!s:.80}" for name, value in dict(schema.get("properties") or {}).items()}
        for schema in (old, new)
    ]
    bonus = 0.4 if isinstance(old.get("type"), str) and old["type"] == new.get("type") else 0.0
    return bonus + len(words[0] & words[1]) / (len(words[0] | words[1]) or 1)


def _condition(place: Place, old: Group, new: Group) -> None:
    if place.sides((old.part.at("if"),), (new.part.at("if"),), exactly=True):
        place.report(CONDITION_CHANGED, "the condition changed", old.part.at("if"), new.part.at("if"))
        return
    for keyword in ("then", "else"):
        ways = [(group.part.at(keyword),) if keyword in group.part.schema else () for group in (old, new)]
        if ways[0] or ways[1]:
            place.descend(ways[0], ways[1])
            place.explained |= place.sides(ways[0], ways[1])
