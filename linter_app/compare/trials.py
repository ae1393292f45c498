"""The directions in which pairs of subschemas break, found without changes: each pair is tried once.

A result is proven by induction: a pair that contains itself is assumed to be equal there. What rests on the assumption
is kept only as far as the pair turns out to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from linter_app.changes import DIRECTIONS

BOTH, NONE = DIRECTIONS["both"], frozenset[str]()
Exactly = Literal["", "backward", "forward", "both"]
"""In which direction's instances undescribed properties of open objects count; with one, the other's do not."""
PairKey = tuple[tuple[int, ...], tuple[int, ...]]
_Key = tuple[PairKey, Exactly]
_NO_LEVEL = 1 << 30


@dataclass(eq=False, slots=True)
class _Trial:
    """A pair under trial: its level, and whether it contains itself and was assumed to be equal there."""

    level: int
    is_assumed: bool = False


class Trials:
    """The pairs that are tried, and the results of those that were."""

    def __init__(self) -> None:
        self.found = NONE
        """The directions in which the pair breaks that is tried now, as far as is known."""
        self._exactly: Exactly = ""
        self._known: dict[_Key, frozenset[str]] = {}
        self._always: dict[PairKey, frozenset[str]] = {}
        """Results for which it does not matter what of open objects is strict."""
        self._active: dict[_Key, _Trial] = {}
        self._provisional: dict[_Key, tuple[frozenset[str], int]] = {}
        """Results that rest on the assumption about a pair of a lower level, with that level, as they were found."""
        self._lowest = _NO_LEVEL
        """The lowest level of an assumption that the trial rests on."""
        self._depends = False
        """Whether the trial depends on what of open objects is strict."""

    @property
    def are_running(self) -> bool:
        return bool(self._active)

    @property
    def exactly(self) -> Exactly:
        """What of open objects is strict now; the result of the trial depends on it."""
        self._depends = True
        return self._exactly

    def note(self, directions: frozenset[str], in_question: frozenset[str]) -> None:
        """Note directions that break; the trial ends where these are all that are in question."""
        self.found |= directions
        if self.found >= in_question:
            raise _AllDirections

    @contextmanager
    def strict(self, exactly: Exactly) -> Iterator[None]:
        """Count undescribed properties of open objects in a direction, besides those that count already."""
        outer, depends = self._exactly, self._depends
        self._exactly = exactly if outer in ("", exactly) else "both"
        try:
            yield
        finally:
            self._exactly = outer
            self._depends = depends if exactly == "both" else True

    def directions(self, pair: PairKey, compare: Callable[[], None]) -> frozenset[str]:
        """Return the directions in which a pair may break; none is the proof that both mean the same.

        `compare` compares the pair, and calls `note`.
        """
        if pair in self._always:
            return self._always[pair]
        key = pair, self._exactly
        if key in self._known:
            self._depends = True
            return self._known[key]
        if key in self._active:
            trial = self._active[key]
            trial.is_assumed = True
            self._lowest = min(self._lowest, trial.level)
            return NONE
        if key in self._provisional:
            found, level = self._provisional[key]
            self._depends, self._lowest = True, min(self._lowest, level)
            return found
        return self._tried(key, compare)

    def _tried(self, key: _Key, compare: Callable[[], None]) -> frozenset[str]:
        outer = self.found, self._lowest, self._depends
        self.found, self._lowest, self._depends = NONE, _NO_LEVEL, False
        trial = self._active[key] = _Trial(len(self._active))
        start = len(self._provisional)
        try:
            with suppress(_AllDirections):
                compare()
            found = self._concluded(key, self.found, trial, start)
        finally:
            del self._active[key]
            lowest, depends = self._lowest, self._depends
            self.found, self._lowest, self._depends = outer
        if lowest < trial.level and found != BOTH:
            self._lowest = min(self._lowest, lowest)
        self._depends = self._depends or depends
        return found

    def _concluded(self, key: _Key, found: frozenset[str], trial: _Trial, start: int) -> frozenset[str]:
        """Keep a result, and return it; one that rests on the assumption about a pair around it is provisional."""
        # What rests on the assumption that this pair does not break is right as far as that is so, or breaks as well.
        # Where all of open objects is strict, it may be below a negation, and break in the other direction.
        shown = BOTH if found and key[1] == "both" else found
        found = shown if trial.is_assumed else found
        inner = {each: self._provisional.pop(each) for each in list(self._provisional)[start:]}
        inner = {each: result for each, result in inner.items() if result[0] >= shown}
        if found == BOTH or self._lowest >= trial.level:
            self._keep(key, found)
        else:
            inner[key] = found, self._lowest
        for each, (result, lowest) in inner.items():
            if self._lowest >= trial.level:
                self._keep(each, result)
            else:
                self._provisional[each] = result, min(lowest, self._lowest)
        return found

    def _keep(self, key: _Key, found: frozenset[str]) -> None:
        pair, exactly = key
        # Strictness only adds directions.
        if not self._depends or (exactly == "" and found == BOTH) or (exactly == "both" and not found):
            self._always[pair] = found
        else:
            self._known[key] = found


class _AllDirections(Exception):
    """A pair breaks in all directions in question, which is all that a trial can find."""
