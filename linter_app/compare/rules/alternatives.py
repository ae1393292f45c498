"""Alternatives and negation: `anyOf`, `oneOf`, `not`, `if` (JSON Schema Core 10.2).

`allOf` needs no rule: its members are read together with the schema that contains them.
"""

from __future__ import annotations

from typing import Any

from linter_app.changes import DIRECTIONS, OPPOSITE, Direction, direction_of
from linter_app.compare.bases import without_groups
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.exclusivity import overlapping
from linter_app.compare.pairing import shown
from linter_app.compare.rules.values import TYPE_NARROWED, TYPE_WIDENED
from linter_app.normalize.normalized import DISJUNCTIVE, Group, NormalizedSchema, negation, normalize
from linter_app.rule_catalogue import mirrored, rule
from linter_app.schema.documents import Subschema
from linter_app.schema.json_types import reduced

KEYWORDS = frozenset({*DISJUNCTIVE, "not"})
MAX_ALTERNATIVES = 8
"""Alternatives of an added or removed `anyOf` that are tried, whether all values satisfied one of them anyway."""

_NONE = frozenset[str]()
_STRING, _NULL = {"type": "string"}, {"type": "null"}


def _tagged(kind: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"kind": {"const": kind}, "id": _STRING}, "required": ["kind", "id"]}


ALTERNATIVE_REMOVED, ALTERNATIVE_ADDED = mirrored(
    ("alternative-removed", "alternative-added"),
    ("An alternative of anyOf or oneOf was removed.", "An alternative of anyOf or oneOf was added."),
    {"anyOf": [_STRING, _NULL, {"type": "integer"}]},
    {"anyOf": [_STRING, _NULL]},
)
ALTERNATIVE_RENAMED = rule(
    "alternative-renamed",
    "both",
    "The value that distinguishes an alternative from the others (its tag) changed.",
    {"oneOf": [_tagged("created"), _tagged("moved")]},
    {"oneOf": [_tagged("created"), _tagged("relocated")]},
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
    for one, other in pair.same_alternatives:
        pair.descend((one,), (other,), _NONE)
    old, new = pair.differing
    if (old or new) and _lifted(pair):
        return
    doubtful = set[str]()  # the directions in which more than what is reported may break
    for keyword in DISJUNCTIVE:
        olds, news = ([group for group in groups if group.keyword == keyword] for groups in (old, new))
        if keyword == "if":
            olds, news = _same_conditions(pair, olds, news)
        elif len(olds) == len(news) == 1:
            _alternatives(pair, olds[0], news[0])
            doubtful |= _NONE if pair.are_versions else DIRECTIONS["both"]
            continue
        said_before, said_after = (
            [direction not in pair.open_directions or _says_nothing_new(side, group, pair) for group in groups]
            for direction, side, groups in (("backward", pair.old, news), ("forward", pair.new, olds))
        )
        doubtful |= {"backward"} if not all(said_before) else set()
        doubtful |= {"forward"} if not all(said_after) else set()
        if len(olds) == len(news) == 1:
            _condition(pair, olds[0], news[0])
            continue
        added, removed = ALTERNATIVES_ADDED, ALTERNATIVES_REMOVED
        if keyword == "if":
            added, removed = CONDITION_ADDED, CONDITION_REMOVED
        for group, is_said in zip(olds, said_after, strict=True):
            direction: Direction | None = "none" if is_said else None
            pair.report(removed, f"{keyword} was removed", group.node.at(keyword), None, direction=direction)
        for group, is_said in zip(news, said_before, strict=True):
            direction = "none" if is_said else None
            pair.report(added, f"{keyword} was added", None, group.node.at(keyword), direction=direction)
    if missing := (pair.open_directions & doubtful) - pair.reported_directions() - pair.explained:
        at = (groups[0].node.at(groups[0].keyword) if groups else None for groups in (old, new))
        message = "the alternatives, taken together, may accept other values"
        if ("backward" in missing and overlapping(pair, *new)) or ("forward" in missing and overlapping(pair, *old)):
            message = "values that satisfy several alternatives of oneOf are refused, and these may be others now"
        pair.report(ALTERNATIVES_CHANGED, message, *at, direction=direction_of(missing), decided=False)


def _says_nothing_new(other: NormalizedSchema, group: Group, pair: SchemaPair) -> bool:
    """Return whether the other version satisfies the alternatives anyway, or what follows from a condition."""
    node = group.node
    if group.keyword == "anyOf":
        return any(_satisfies(pair, other, branch) for branch in group.branches[:MAX_ALTERNATIVES])
    if group.keyword == "oneOf":
        # It may have been written as `anyOf`, with alternatives that exclude each other.
        if not any(len(each.branches) == len(group.branches) for each in other.groups):
            return False
        document, written = node.subschema.document, node.subschema.schema
        alone = document.kept(written, "only oneOf") or document.keep(
            written, "only oneOf", {"oneOf": written["oneOf"]}
        )
        return _satisfies(pair, other, Subschema(alone, node.subschema.path, document))
    condition = node.at("if")
    follows = {"then": condition, "else": negation(condition)}
    return all(_holds(pair, other, follows[each], node.at(each)) for each in follows if each in node.schema)


def _holds(pair: SchemaPair, other: NormalizedSchema, condition: Subschema, follows: Subschema) -> bool:
    """Return whether all values of a version that satisfy a condition satisfy what follows from it."""
    return pair.comparison.are_disjoint(other, normalize((condition,))) or _satisfies(pair, other, follows, condition)


def _satisfies(pair: SchemaPair, other: NormalizedSchema, schema: Subschema, *conditions: Subschema) -> bool:
    """Return whether all values of a version that satisfy the conditions satisfy a schema of the other version."""
    given = (*other.conjunction, *conditions)
    if other is pair.old:
        return "backward" not in pair.directions(given, (schema,), exactly="both")
    return "forward" not in pair.directions((schema,), given, exactly="both")


def _lifted(pair: SchemaPair) -> bool:
    """Compare a schema without alternatives with the one alternative of the other version that is a version of it.

    So an object that becomes nullable is compared with the object in `anyOf`, not with the union around it. Returns
    whether that is possible; then nothing else is to be reported about the pair.
    """
    old, new = pair.differing
    if len(old) + len(new) != 1 or (old or new)[0].keyword == "if":
        return False
    group, is_new = (old or new)[0], bool(new)
    plain, union = (pair.old, pair.new) if is_new else (pair.new, pair.old)
    bases = without_groups(union, [group])
    if bases is None or not plain.conjunction:
        return False
    at = group.node.at(group.keyword)
    place = (None, at) if is_new else (at, None)
    if not pair.open_directions:
        word = "added" if is_new else "removed"
        which = ALTERNATIVES_ADDED if is_new else ALTERNATIVES_REMOVED
        pair.report(which, f"{group.keyword} was {word}; the same values are accepted", *place)
        pair.is_settled = True
        return True
    kinds = [reduced(normalize((*bases, branch)).types) for branch in group.branches]
    if sum(map(len, kinds)) != len(frozenset().union(*kinds)) or plain.unresolved or union.unresolved:
        return False  # several alternatives accept one type
    counterparts = [n for n, types in enumerate(kinds) if types & reduced(plain.types)]
    if len(counterparts) != 1 or not reduced(plain.types) <= kinds[counterparts[0]]:
        return False
    for number, branch in enumerate(group.branches):
        if number == counterparts[0]:
            sides = plain.conjunction, (*bases, branch)
            pair.descend(*(sides if is_new else reversed(sides)))
        elif kinds[number] == {"null"}:
            message = "it became nullable" if is_new else "it is no longer nullable"
            places = (plain.first, branch) if is_new else (branch, plain.first)
            pair.report(TYPE_WIDENED if is_new else TYPE_NARROWED, message, *places)
        elif kinds[number]:
            name = shown(branch, pair.comparison.tags(group))
            word, which = ("added", ALTERNATIVE_ADDED) if is_new else ("removed", ALTERNATIVE_REMOVED)
            places = (plain.first, branch) if is_new else (branch, plain.first)
            pair.report(which, f"alternative{name} of {group.keyword} was {word}", *places)
    pair.is_settled = True
    return True


def _refusals(pair: SchemaPair) -> None:
    old, new = (
        [
            refused
            for refused in normalized.subschemas("not")
            if normalize((refused,)).types & pair.shared_types
            and not pair.comparison.are_disjoint(other, normalize((refused,)))
        ]
        for normalized, other in ((pair.old, pair.new), (pair.new, pair.old))
    )
    for one in list(old):
        equal = [other for other in new if not pair.directions((one,), (other,), exactly="both")]
        if equal:
            old.remove(one)
            new.remove(equal[0])
            pair.descend((one,), (equal[0],), _NONE)
    if len(old) == len(new) == 1:
        # What the schema under `not` gains, the schema around it loses.
        directions = frozenset(
            OPPOSITE[direction] for direction in pair.directions((old[0],), (new[0],), exactly="both")
        )
        pair.report(
            NOT_CHANGED, "different values are rejected by not", old[0], new[0], direction=direction_of(directions)
        )
        return
    written = pair.old.subschemas("not"), pair.new.subschemas("not")
    if len(written[0]) == len(written[1]) == 1 and (old or new):
        # What one of them refuses, the other version does not accept anyway.
        direction: Direction = "forward" if old else "backward"
        pair.report(NOT_CHANGED, "different values are rejected by not", *written[0], *written[1], direction=direction)
        return
    for subschema in old:
        pair.report(NOT_REMOVED, "not was removed", subschema, None)
    for subschema in new:
        pair.report(NOT_ADDED, "not was added", None, subschema)


def _alternatives(pair: SchemaPair, old: Group, new: Group) -> None:
    pairing = pair.pairing(old, new)
    tags = pair.comparison.tags(old), pair.comparison.tags(new)
    for one, other in pairing.equal:
        pair.descend((one,), (other,), _NONE)
    for one, other in [*pairing.certain, *(pairing.similar if pair.open_directions or pair.are_versions else ())]:
        reported = pair.descend((one,), (other,), here=True)
        if not pair.are_versions:
            pair.explained |= reported
    for one, other in pairing.renamed:
        message = f"alternative{shown(one, tags[0])} of {old.keyword} became{shown(other, tags[1])}"
        pair.report(ALTERNATIVE_RENAMED, message, one, other)
    for branch in pairing.removed:
        message = f"alternative{shown(branch, tags[0])} of {old.keyword} was removed"
        known = not normalize((branch,)).unresolved
        pair.report(ALTERNATIVE_REMOVED, message, branch, new.node.at(new.keyword), decided=known)
    tolerated = old.node.schema.get("x-extensible") is True
    for branch in pairing.added:
        message = f"alternative{shown(branch, tags[1])} of {new.keyword} was added"
        known = not normalize((branch,)).unresolved
        at = old.node.at(old.keyword), branch
        pair.report(ALTERNATIVE_ADDED, message, *at, decided=known, direction="none" if tolerated else None)
    if tolerated and pairing.added and not pairing.removed:
        pair.explained |= {"forward"}


def _same_conditions(pair: SchemaPair, olds: list[Group], news: list[Group]) -> tuple[list[Group], list[Group]]:
    """Compare what follows from conditions that are the same in both versions; return the other conditions."""
    same = pair.comparison.equality.same_meaning
    rest, left = [], list(news)
    for old in olds:
        new = next((each for each in left if same(old.node.at("if"), each.node.at("if"))), None)
        if new is None:
            rest.append(old)
        else:
            left.remove(new)
            _condition(pair, old, new)
    return rest, left


def _condition(pair: SchemaPair, old: Group, new: Group) -> None:
    if pair.directions((old.node.at("if"),), (new.node.at("if"),), exactly="both"):
        known = not any(normalize((branch,)).unresolved for branch in (*old.branches, *new.branches))
        pair.report(CONDITION_CHANGED, "the condition changed", old.node.at("if"), new.node.at("if"), decided=known)
        return
    pair.descend((old.node.at("if"),), (new.node.at("if"),), _NONE)
    for keyword in ("then", "else"):
        branches = [(group.node.at(keyword),) if keyword in group.node.schema else () for group in (old, new)]
        if keyword == "then" and any(branches):
            # The condition holds: a property that it refuses, say, is not there.
            branches = [(*branch, group.node.at("if")) for group, branch in zip((old, new), branches, strict=True)]
        if branches[0] or branches[1]:
            pair.explained |= pair.descend(branches[0], branches[1], here=True)
