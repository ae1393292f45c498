"""Weighing: whether two places break taken as a whole, though their parts differ. It only takes breaks away."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

from linter_app.change import SIDES, NotInTime
from linter_app.dialects import REFERENCES
from linter_app.documents import Source
from linter_app.parts import apart, type_of
from linter_app.views import Conjunction, Group, View, disjoint
from linter_app.witnesses.judge import verdicts

if TYPE_CHECKING:
    from linter_app.walk import Place

MAX_ALTERNATIVES = 64
MAX_VALUES = 1000
MOST_IN_TIME = 100
"""Values that are tried where the walk must be in time: a validator holds each against each that is listed."""


def weigh(place: Place) -> None:
    """Close the directions in which the place is proven to break nothing, by its values or its alternatives."""
    _weigh_values(place)
    _weigh_groups(place)


def _weigh_values(place: Place) -> None:
    """Where one side lists its values, try each of them on the other: whether something breaks is certain then."""
    for side, accepting, refusing in (("backward", place.old, place.new), ("forward", place.new, place.old)):
        values = accepting.values
        if values is None or side not in place.open_sides or refusing.keywords <= {"enum", "const", "type"}:
            continue
        if len(values) > MAX_VALUES:
            continue
        if place.walk.in_time and len(values) > MOST_IN_TIME:
            raise NotInTime
        if not {type_of(value) for value in values} <= refusing.types:
            continue  # one of them is refused
        accepted = verdicts(refusing.conjunction, values)
        if accepted and all(accepted):
            place.open_sides -= {side}


def _weigh_groups(place: Place) -> None:
    """Find the alternatives that differ, and in which directions the place breaks with them."""
    old, new = place.old.groups, place.new.groups
    if not old and not new:
        return
    differing = list(old), list(new)
    for one in old:
        for other in differing[1]:
            if one.keyword == other.keyword and _same_group(place, one, other):
                differing[0].remove(one)
                differing[1].remove(other)
                break
    place.differing = differing
    if not differing[0] and not differing[1]:
        return
    olds, news = _spread(place.old, differing[0]), _spread(place.new, differing[1])
    if olds is None or news is None:
        return
    covered = {
        "backward": not overlapping(place, *differing[1])
        and all(any("backward" not in place.sides(one, other) for other in news) for one in _pieces(place, olds, news)),
        "forward": not overlapping(place, *differing[0])
        and all(any("forward" not in place.sides(one, other) for one in olds) for other in _pieces(place, news, olds)),
    }
    place.open_sides &= frozenset(side for side in SIDES["both"] if not covered[side])


def _pieces(place: Place, narrower: list[Conjunction], wider: list[Conjunction]) -> list[Conjunction]:
    """The conjunctions, cut by type where several of the others may have to share in covering one."""
    if len(wider) == 1:
        return narrower
    pieces: list[Conjunction] = []
    for conjunction in narrower:
        types = apart(place.walk.view(conjunction).types)
        document = conjunction[0].document if conjunction else None
        if len(types) < 2 or document is None:
            pieces.append(conjunction)
            continue
        for kind in sorted(types):
            made = document.keep(_KINDS, kind, {"type": kind})
            pieces.append((*conjunction, Source(made, (), document)))
    return pieces


_KINDS: dict[str, Any] = {}


def _same_group(place: Place, one: Group, other: Group) -> bool:
    """Whether two groups list the same alternatives, in whatever order."""
    if len(one.branches) != len(other.branches) or len(one.branches) > MAX_ALTERNATIVES:
        return place.walk.alike(tuple(one.branches), tuple(other.branches))
    left, right = unmatched(one.branches, other.branches, place.walk.alike)
    exactly = overlapping(place, one, other)
    for branch in left:
        same = next((each for each in right if not place.sides((branch,), (each,), exactly=exactly)), None)
        if same is None:
            return False
        right.remove(same)
    return True


def unmatched(
    olds: list[Source], news: list[Source], equal: Callable[[Conjunction, Conjunction], bool]
) -> tuple[list[Source], list[Source]]:
    """What is left of two lists when each is taken away with its equal in the other."""
    left, right = [], list(news)
    for one in olds:
        same = next((other for other in right if equal((one,), (other,))), None)
        if same is None:
            left.append(one)
        else:
            right.remove(same)
    return left, right


def _spread(view: View, groups: list[Group]) -> list[Conjunction] | None:
    """The place as a list of conjunctions without these groups, one of which holds; None where there are too many."""
    total = 1
    for group in groups:
        total *= len(group.branches)
    if total > MAX_ALTERNATIVES or (view.unclear_evaluation and groups) or view.unresolved:
        return None
    dropped: dict[int, set[str]] = {}
    for group in groups:
        dropped.setdefault(id(group.part), set()).add(group.keyword)
    base = []
    for part in view.parts:
        without = dropped.get(id(part), set()) | {"allOf", *REFERENCES}
        # What was read together with the part is among the parts already.
        without |= {word for word in ("anyOf", "oneOf") if len(part.schema.get(word, ())) == 1}
        if "if" in without:
            without |= {"then", "else"}
        base.append(_without(part.source, part.schema, without))
    return [(*base, *choice) for choice in product(*(group.branches for group in groups))]


def _without(source: Source, schema: dict[str, Any], keywords: set[str]) -> Source:
    if source.document.draft <= 7 and "$ref" in schema:
        return Source(True, source.path, source.document)  # all else is ignored beside it
    if keywords.isdisjoint(schema):
        return source
    what = "less " + " ".join(sorted(keywords & schema.keys()))
    document = source.document
    made = document.kept(source.schema, what)
    if made is None:
        made = {keyword: value for keyword, value in source.schema.items() if keyword not in keywords}
        document.keep(source.schema, what, made)
    return Source(made, source.path, document)


def overlapping(place: Place, *groups: Group) -> bool:
    """Whether members of a `oneOf` may hold together, so that each of them refuses what the others accept."""
    return any(group.keyword == "oneOf" and not _exclusive(place, group) for group in groups)


def _exclusive(place: Place, group: Group) -> bool:
    views = [place.walk.view((branch,)) for branch in group.branches]
    return all(disjoint(one, other) for index, one in enumerate(views) for other in views[:index])
