"""Whether alternatives of `oneOf` exclude each other: a value that satisfies two of them is refused."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

from linter_app.changes import OPPOSITE
from linter_app.compare.bases import without_groups
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.gains import gained
from linter_app.normalize.normalized import Conjunction, Group, NormalizedSchema, normalize
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_hashable

MAX_ALTERNATIVES = 64
"""Alternatives that are compared each with each."""
MAX_TRIES = 2000
"""How often alternatives that accept more are tried against the others."""
MAX_COMPARISONS = 40
"""How often two alternatives are compared as a whole, and not only their types, names and values."""


def overlapping(pair: SchemaPair, *groups: Group) -> bool:
    """Return whether branches of a `oneOf` may be valid together, so that each refuses what the others accept."""
    return any(group.keyword == "oneOf" and not _exclusive(pair, group) for group in groups)


def _exclusive(pair: SchemaPair, group: Group, around: Conjunction = ()) -> bool:
    """Return whether no value satisfies two alternatives, of the values that satisfy what is around them."""
    if pair.comparison.tags(group).name is not None:
        return True
    normalized_schemas = [normalize((branch,)) for branch in group.branches]
    listed = [each.possible for each in normalized_schemas]
    if all(values is not None for values in listed):  # one pass instead of every pair
        distinct = [{json_hashable(value) for value in values or ()} for values in listed]
        return len(set().union(*distinct)) == sum(map(len, distinct))
    if len(normalized_schemas) > MAX_ALTERNATIVES:
        return False
    schemas = [normalize((*around, branch)) for branch in group.branches]
    return all(pair.comparison.are_disjoint(*both) for both in combinations(schemas, 2))


def is_exclusive_for(pair: SchemaPair, direction: Literal["backward", "forward"]) -> bool:
    """Return whether no value is refused in a direction because it satisfies several alternatives of `oneOf`.

    Only alternatives that accept more than before matter: what the others share with each other, they shared before.
    """
    old, new = pair.differing
    accepting, refusing = (old, new) if direction == "backward" else (new, old)
    unions = [group for group in refusing if group.keyword == "oneOf"]
    if all(pair.comparison.tags(group).name is not None for group in unions):
        return True
    if len(accepting) != 1 or len(refusing) != 1 or accepting[0].keyword != refusing[0].keyword:
        accepted = (pair.old if direction == "backward" else pair.new).conjunction
        return not overlapping(pair, *unions) or all(_exclusive(pair, group, accepted) for group in unions)
    return Widening(pair, direction, accepting[0], refusing[0]).is_exclusive() or not overlapping(pair, *refusing)


def are_versions(pair: SchemaPair, old: Group, new: Group) -> bool:
    """Return whether each alternative has one version on the other side, and shares no value with the others there.

    Then the union breaks where one of its alternatives does, and only there. Nothing may be said around it: what an
    alternative gains may have been refused there, or described.
    """
    if old.keyword != new.keyword or old.keyword == "if" or len(old.branches) != len(new.branches):
        return False
    pairing = pair.pairing(old, new)
    if pairing.removed or pairing.added or pairing.renamed:
        return False
    if without_groups(pair.old, [old]) != () or without_groups(pair.new, [new]) != ():
        return False
    if pairing.exclusive:
        return True
    if len(old.branches) > MAX_ALTERNATIVES:
        return False
    sides = [(each, normalize((each,))) for each in old.branches], [(each, normalize((each,))) for each in new.branches]
    return all(
        _is_alone(pair, one, *(sides if old.keyword == "oneOf" else sides[1:]), but=other)
        and _is_alone(pair, other, *(sides if old.keyword == "oneOf" else sides[:1]), but=one)
        for one, other in pairing.differing
    )


def _is_alone(
    pair: SchemaPair, one: Subschema, *sides: list[tuple[Subschema, NormalizedSchema]], but: Subschema
) -> bool:
    """Return whether an alternative shares no value with those of some sides, except for its own version there."""
    own = normalize((one,))
    return all(
        each in (one, but) or pair.comparison.are_disjoint(own, normalized)
        for side in sides
        for each, normalized in side
    )


class Widening:
    """Two versions of a `oneOf`, of which the later accepts more in one direction."""

    def __init__(self, pair: SchemaPair, direction: str, accepting: Group, refusing: Group) -> None:
        self.pair, self.direction, self.accepting, self.refusing = pair, direction, accepting, refusing
        old, new = (accepting, refusing) if direction == "backward" else (refusing, accepting)
        pairing = pair.pairing(old, new)
        versions = [both if direction == "backward" else both[::-1] for both in pairing.pairs]
        self.differing = versions[len(pairing.equal) :]
        self.added = pairing.added if direction == "backward" else pairing.removed
        self.before, self.after = {new.key: old for old, new in versions}, {old.key: new for old, new in versions}
        sides = (pair.old, pair.new) if direction == "backward" else (pair.new, pair.old)
        bases = [without_groups(side, [group]) or () for side, group in zip(sides, (accepting, refusing), strict=True)]
        self.around = bases[1]
        self.around_schemas = [*map(normalize, bases)]
        self.formers = {each.key: normalize((*bases[0], each)) for each in accepting.branches}
        self.schemas = {each.key: normalize((*bases[1], each)) for each in refusing.branches}
        self.left, self.comparisons = MAX_TRIES, MAX_COMPARISONS

    def is_exclusive(self) -> bool:
        """Return whether no value is refused because of what an alternative gained and another one has, too.

        Either the others refuse now what was gained, or none accepted it before.
        """
        return all(map(self._is_apart, self.added)) and all(self._is_gain_apart(*each) for each in self.differing)

    def _is_gain_apart(self, narrow: Subschema, wide: Subschema) -> bool:
        if not self._breaks(OPPOSITE[self.direction], narrow, wide) or self._is_apart(wide):
            return True
        document, branches = wide.document, (*self.accepting.branches, *self.refusing.branches)
        others = [normalize((branch,)) for branch in branches] + self.around_schemas
        gains = gained(self.pair.comparison, (narrow,), (wide,), others)
        return all(self._is_apart(wide, document.made(each)) for each in gains)

    def _is_apart(self, one: Subschema, *required: Subschema) -> bool:
        """Return whether the others refuse all values of an alternative that satisfy what is required, or did so."""
        self.left -= len(self.refusing.branches)
        if self.left < 0:
            return False
        values = normalize((*self.around, one, *required))
        disjoint = self.pair.comparison.are_disjoint
        others = [each for each in self.refusing.branches if each.key != one.key]
        others = [each for each in others if not disjoint(values, self.schemas[each.key])]
        own = self.before.get(one.key)
        formers = [each for each in self.accepting.branches if each is not own] if others else []
        return all(self._was_refused(values, former) for former in formers) or all(
            self._was_refused_twice((*values.conjunction, each)) for each in others
        )

    def _was_refused(self, values: NormalizedSchema, former: Subschema) -> bool:
        disjoint = self.pair.comparison.are_disjoint
        if disjoint(values, self.formers[former.key]):
            return True
        now = self.after.get(former.key)
        if now is None or not disjoint(values, self.schemas[now.key]):
            return False
        return not self._breaks(self.direction, former, now)

    def _was_refused_twice(self, values: Conjunction) -> bool:
        """Return whether two alternatives accepted all these values before, so that they were refused."""
        normalized, disjoint = normalize(values), self.pair.comparison.are_disjoint
        formers = [each for each in self.formers.values() if not disjoint(normalized, each)]
        if normalized.groups or len(formers) < 2:
            return False
        accepting = 0
        for left, former in zip(reversed(range(len(formers))), formers, strict=True):
            self.comparisons -= 1
            if self.comparisons < 0:
                return False
            accepting += "backward" not in self.pair.directions(values, former.conjunction, exactly="both")
            if accepting == 2 or accepting + left < 2:
                break
        return accepting == 2

    def _breaks(self, direction: str, former: Subschema, now: Subschema) -> bool:
        old, new = (former, now) if self.direction == "backward" else (now, former)
        return direction in self.pair.directions((old,), (new,), exactly="both")
