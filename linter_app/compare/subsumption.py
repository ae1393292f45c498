"""Subsumption: whether a pair breaks as a whole, although its parts differ. It only removes directions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from linter_app.changes import DIRECTIONS
from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import Conjunction, Group, NormalizedSchema, disjoint
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_hashable
from linter_app.schema.json_types import reduced, type_of
from linter_app.schema.validators import validate_values
from linter_app.schema.vocabulary import REFERENCES

MAX_ALTERNATIVES = 64
MAX_VALUES = 1000


def narrow_directions(pair: SchemaPair) -> None:
    """Remove the directions in which the pair is proven not to break, by its values or its alternatives."""
    _narrow_by_listed_values(pair)
    _narrow_by_alternatives(pair)


def _narrow_by_listed_values(pair: SchemaPair) -> None:
    """Where one version lists its values, validate each of them with the other: the result is certain then."""
    for direction, accepting, refusing in (("backward", pair.old, pair.new), ("forward", pair.new, pair.old)):
        values = accepting.values
        if values is None or direction not in pair.open_directions or refusing.keywords <= {"enum", "const", "type"}:
            continue
        if len(values) > MAX_VALUES:
            continue
        if not {type_of(value) for value in values} <= refusing.types:
            continue  # one of them is refused
        accepted = validate_values(refusing.conjunction, values)
        if accepted and all(accepted):
            pair.open_directions -= {direction}


def _narrow_by_alternatives(pair: SchemaPair) -> None:
    """Find the alternatives that differ, and the directions in which the pair breaks with them."""
    old, new = pair.old.groups, pair.new.groups
    if not old and not new:
        return
    differing = list(old), list(new)
    for one in old:
        for other in differing[1]:
            if one.keyword == other.keyword and _same_group(pair, one, other):
                differing[0].remove(one)
                differing[1].remove(other)
                break
    pair.differing = differing
    if not differing[0] and not differing[1]:
        return
    olds, news = _spread(pair.old, differing[0]), _spread(pair.new, differing[1])
    if olds is None or news is None:
        return
    covered = {
        "backward": not overlapping(pair, *differing[1])
        and all(
            any("backward" not in pair.directions(one, other) for other in news) for one in _pieces(pair, olds, news)
        ),
        "forward": not overlapping(pair, *differing[0])
        and all(
            any("forward" not in pair.directions(one, other) for one in olds) for other in _pieces(pair, news, olds)
        ),
    }
    pair.open_directions &= frozenset(direction for direction in DIRECTIONS["both"] if not covered[direction])


def _pieces(pair: SchemaPair, narrower: list[Conjunction], wider: list[Conjunction]) -> list[Conjunction]:
    """Split the conjunctions by type where several of the others may cover one of them together."""
    if len(wider) == 1:
        return narrower
    pieces: list[Conjunction] = []
    for conjunction in narrower:
        types = reduced(pair.comparison.normalized(conjunction).types)
        document = conjunction[0].document if conjunction else None
        if len(types) < 2 or document is None:
            pieces.append(conjunction)
            continue
        for kind in sorted(types):
            made = document.keep(_KINDS, kind, {"type": kind})
            pieces.append((*conjunction, Subschema(made, (), document)))
    return pieces


_KINDS: dict[str, Any] = {}


def _same_group(pair: SchemaPair, one: Group, other: Group) -> bool:
    """Return whether two groups have the same alternatives, in any order."""
    if len(one.branches) != len(other.branches) or len(one.branches) > MAX_ALTERNATIVES:
        return pair.comparison.is_same_text(tuple(one.branches), tuple(other.branches))
    left, right = unmatched(one.branches, other.branches, pair.comparison.is_same_text)
    exactly = overlapping(pair, one, other)
    for branch in left:
        equal = next((each for each in right if not pair.directions((branch,), (each,), exactly=exactly)), None)
        if equal is None:
            return False
        right.remove(equal)
    return True


def unmatched(
    olds: list[Subschema], news: list[Subschema], equal: Callable[[Conjunction, Conjunction], bool]
) -> tuple[list[Subschema], list[Subschema]]:
    """Return what remains of two lists when equal members are removed from both."""
    left, right = [], list(news)
    for one in olds:
        match = next((other for other in right if equal((one,), (other,))), None)
        if match is None:
            left.append(one)
        else:
            right.remove(match)
    return left, right


def _spread(normalized: NormalizedSchema, groups: list[Group]) -> list[Conjunction] | None:
    """Return the schema as conjunctions without these groups, one for each choice; None where there are too many."""
    total = 1
    for group in groups:
        total *= len(group.branches)
    if total > MAX_ALTERNATIVES or (normalized.unclear_evaluation and groups) or normalized.unresolved:
        return None
    dropped: dict[int, set[str]] = {}
    for group in groups:
        dropped.setdefault(id(group.node), set()).add(group.keyword)
    base = []
    for node in normalized.nodes:
        without = dropped.get(id(node), set()) | {"allOf", *REFERENCES}
        # Single alternatives are among the nodes already.
        without |= {word for word in ("anyOf", "oneOf") if len(node.schema.get(word, ())) == 1}
        if "if" in without:
            without |= {"then", "else"}
        base.append(_without(node.subschema, node.schema, without))
    return [(*base, *choice) for choice in product(*(group.branches for group in groups))]


def _without(subschema: Subschema, schema: dict[str, Any], keywords: set[str]) -> Subschema:
    if subschema.document.draft <= 7 and "$ref" in schema:
        return Subschema(True, subschema.path, subschema.document)  # its siblings are ignored
    if keywords.isdisjoint(schema):
        return subschema
    what = "less " + " ".join(sorted(keywords & schema.keys()))
    document = subschema.document
    made = document.kept(subschema.schema, what)
    if made is None:
        made = {keyword: value for keyword, value in subschema.schema.items() if keyword not in keywords}
        document.keep(subschema.schema, what, made)
    return Subschema(made, subschema.path, document)


def overlapping(pair: SchemaPair, *groups: Group) -> bool:
    """Return whether branches of a `oneOf` may be valid together, so that each refuses what the others accept."""
    return any(group.keyword == "oneOf" and not _exclusive(pair, group) for group in groups)


def _exclusive(pair: SchemaPair, group: Group) -> bool:
    normalized_schemas = [pair.comparison.normalized((branch,)) for branch in group.branches]
    listed = [each.values for each in normalized_schemas]
    if all(values is not None for values in listed):  # one pass instead of every pair
        distinct = [{json_hashable(value) for value in values or ()} for values in listed]
        return len(set().union(*distinct)) == sum(map(len, distinct))
    return all(
        disjoint(one, other) for index, one in enumerate(normalized_schemas) for other in normalized_schemas[:index]
    )
