"""Alternatives and negation: `anyOf`, `oneOf`, `not`, `if` (JSON Schema Core 10.2).

`allOf` needs no rule: its members are read together with the schema that contains them.
"""

from __future__ import annotations

from linter_app.changes import OPPOSITE, direction_of
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.subsumption import overlapping, unmatched
from linter_app.normalize.normalized import DISJUNCTIVE, Group, disjoint
from linter_app.rule_catalogue import mirrored, rule
from linter_app.schema.documents import Subschema

KEYWORDS = frozenset({*DISJUNCTIVE, "not"})

_STRING, _NULL = {"type": "string"}, {"type": "null"}
ALTERNATIVE_REMOVED, ALTERNATIVE_ADDED = mirrored(
    ("alternative-removed", "alternative-added"),
    ("An alternative of anyOf or oneOf was removed.", "An alternative of anyOf or oneOf was added."),
    {"anyOf": [_STRING, _NULL, {"type": "integer"}]},
    {"anyOf": [_STRING, _NULL]},
)
ALTERNATIVES_ADDED, ALTERNATIVES_REMOVED = mirrored(
    ("alternatives-added", "alternatives-removed"),
    ("A choice of alternatives (anyOf, oneOf) was added.", "A choice of alternatives (anyOf, oneOf) was removed."),
    {"type": "object"},
    {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
)
ALTERNATIVES_CHANGED = rule(
    "alternatives-changed",
    "both",
    "The alternatives together accept a different set of values.",
    {"type": "string", "oneOf": [{"maxLength": 5}, {"minLength": 3}]},
    {"type": "string", "oneOf": [{"maxLength": 5}, {"minLength": 2}]},
)
CONDITION_ADDED, CONDITION_REMOVED = mirrored(
    ("condition-added", "condition-removed"),
    ("A condition (if, then, else) was added.", "A condition (if, then, else) was removed."),
    {"type": "string"},
    {"type": "string", "if": {"maxLength": 3}, "then": {"pattern": "^a"}},
)
CONDITION_CHANGED = rule(
    "condition-changed",
    "both",
    "The condition itself (if) changed, so then and else apply to different values.",
    {"if": {"maxLength": 3}, "then": {"pattern": "^a"}},
    {"if": {"minLength": 4}, "then": {"pattern": "^a"}},
)
NOT_ADDED, NOT_REMOVED = mirrored(
    ("not-added", "not-removed"),
    ("A schema under not was added: values that match it are rejected.", "A schema under not was removed."),
    {"type": "string"},
    {"type": "string", "not": {"const": "a"}},
)
NOT_CHANGED = rule(
    "not-changed",
    "both",
    "The schema under not changed, so different values are rejected.",
    {"not": {"const": "a"}},
    {"not": {"const": "b"}},
)


def compare(pair: SchemaPair) -> None:
    """Report alternatives, conditions and negations that differ; `pair.differing` has the groups."""
    _refusals(pair)
    old, new = pair.differing
    if not pair.open_directions:
        return  # taken together, they are proven to accept the same values
    for keyword in DISJUNCTIVE:
        olds, news = ([group for group in groups if group.keyword == keyword] for groups in (old, new))
        if len(olds) == len(news) == 1:
            (_condition if keyword == "if" else _alternatives)(pair, olds[0], news[0])
            continue
        added, removed = ALTERNATIVES_ADDED, ALTERNATIVES_REMOVED
        if keyword == "if":
            added, removed = CONDITION_ADDED, CONDITION_REMOVED
        for group in olds:
            pair.report(removed, f"{keyword} was removed", group.node.at(keyword), None)
        for group in news:
            pair.report(added, f"{keyword} was added", None, group.node.at(keyword))
    if (old or new) and (missing := pair.open_directions - pair.reported_directions() - pair.explained):
        at = (groups[0].node.at(groups[0].keyword) if groups else None for groups in (old, new))
        message = "the alternatives, taken together, may accept other values"
        pair.report(ALTERNATIVES_CHANGED, message, *at, direction=direction_of(missing), decided=False)


def _refusals(pair: SchemaPair) -> None:
    old, new = (
        [
            subschema
            for subschema in normalized.subschemas("not")
            if pair.comparison.normalized((subschema,)).types & pair.shared_types
        ]
        for normalized in (pair.old, pair.new)
    )
    for one in list(old):
        equal = [other for other in new if not pair.directions((one,), (other,), exactly=True)]
        if equal:
            old.remove(one)
            new.remove(equal[0])
    if len(old) == len(new) == 1:
        # What the schema under `not` gains, the schema around it loses.
        directions = frozenset(OPPOSITE[direction] for direction in pair.directions((old[0],), (new[0],), exactly=True))
        pair.report(
            NOT_CHANGED, "different values are rejected by not", old[0], new[0], direction=direction_of(directions)
        )
        return
    for subschema in old:
        pair.report(NOT_REMOVED, "not was removed", subschema, None)
    for subschema in new:
        pair.report(NOT_ADDED, "not was added", None, subschema)


def _alternatives(pair: SchemaPair, old: Group, new: Group) -> None:
    olds, news = unmatched(old.branches, new.branches, pair.comparison.is_same_text)
    exactly = overlapping(pair, old, new)
    olds, news = unmatched(olds, news, lambda one, other: not pair.directions(one, other, exactly=exactly))
    for one, other in _matched(pair, olds, news):
        olds.remove(one)
        news.remove(other)
        pair.descend((one,), (other,))
        pair.explained |= pair.directions((one,), (other,))  # though it may have been reported elsewhere
    for one in olds:
        pair.report(ALTERNATIVE_REMOVED, f"an alternative of {old.keyword} was removed", one, new.node.at(new.keyword))
    for one in news:
        pair.report(ALTERNATIVE_ADDED, f"an alternative of {new.keyword} was added", old.node.at(old.keyword), one)


def _matched(pair: SchemaPair, olds: list[Subschema], news: list[Subschema]) -> list[tuple[Subschema, Subschema]]:
    """Return pairs of alternatives that are versions of one, the most similar first."""
    normalized = pair.comparison.normalized
    scored = [
        (-_likeness(one.schema, other.schema), first, second, one, other)
        for first, one in enumerate(olds[:50])
        for second, other in enumerate(news[:50])
        if not disjoint(normalized((one,)), normalized((other,)))
    ]
    pairs: list[tuple[Subschema, Subschema]] = []
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


def _condition(pair: SchemaPair, old: Group, new: Group) -> None:
    if pair.directions((old.node.at("if"),), (new.node.at("if"),), exactly=True):
        pair.report(CONDITION_CHANGED, "the condition changed", old.node.at("if"), new.node.at("if"))
        return
    for keyword in ("then", "else"):
        branches = [(group.node.at(keyword),) if keyword in group.node.schema else () for group in (old, new)]
        if branches[0] or branches[1]:
            pair.descend(branches[0], branches[1])
            pair.explained |= pair.directions(branches[0], branches[1])
