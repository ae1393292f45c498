"""The languages of regular expressions, decided by running automata in parallel.

Each expression becomes a nondeterministic automaton (Thompson's construction). The search for a text that some match
and others do not runs all of them together, shortest texts first, with one character of each class that no expression
distinguishes where it is. What it finds is a proof, and so is that it finds nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache

from linter_app.patterns.syntax import (
    LAST,
    MANY,
    Characters,
    Choice,
    Edge,
    Node,
    NotSupported,
    Opaque,
    Ranges,
    Repeat,
    Sequence,
    parse,
)

MAX_STATES = 1500
MAX_STEPS = 6000
MAX_KEPT = 10_000
# Of characters that no expression distinguishes, the first of these is used.
_LIKED = [*map(ord, "abcxyzABC0159_- ./:@éß"), *range(33, 127)]

Active = frozenset[int]
_MATCHED: Active = frozenset({-1})
"""A match was found, whatever follows."""


@dataclass
class _Automaton:
    """States are numbers; state 0 is the start, `final` the end."""

    steps: list[list[tuple[Ranges, int]]] = field(default_factory=list)
    free: list[list[tuple[Edge | None, int]]] = field(default_factory=list)
    final: int = 0
    _closures: dict[tuple[Active, bool, bool], Active] = field(default_factory=dict)
    _moves: dict[tuple[Active, int], Active] = field(default_factory=dict)

    def state(self) -> int:
        if len(self.steps) >= MAX_STATES:
            raise NotSupported("too many states")
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def add(self, node: Node, start: int) -> int:
        """Build `node` from a state on; return the state where it ends."""
        match node:
            case Characters(ranges, written):
                if written:
                    raise NotSupported("a set whose characters are not known")
                end = self.state()
                self.steps[start].append((ranges, end))
                return end
            case Sequence(items):
                for item in items:
                    start = self.add(item, start)
                return start
            case Choice(options):
                end = self.state()
                for option in options:
                    begin = self.state()
                    self.free[start].append((None, begin))
                    self.free[self.add(option, begin)].append((None, end))
                return end
            case Repeat(item, least, most, _):
                for _ in range(least):
                    start = self.add(item, start)
                if most >= MANY:
                    loop, end = self.state(), self.state()
                    self.free[start] += [(None, loop), (None, end)]
                    self.free[self.add(item, loop)] += [(None, loop), (None, end)]
                    return end
                ends = [start]
                for _ in range(most - least):
                    start = self.add(item, start)
                    ends.append(start)
                for each in ends[:-1]:
                    self.free[each].append((None, ends[-1]))
                return ends[-1]
            case Edge():
                end = self.state()
                self.free[start].append((node, end))
                return end
            case Opaque():
                raise NotSupported("a lookaround, boundary or reference")

    def closure(self, states: Active, at_start: bool, at_end: bool) -> Active:
        """Return the states reached without a character; `_MATCHED` where the end is among them."""
        key = (states, at_start, at_end)
        found = self._closures.get(key)
        if found is None:
            seen, waiting = set(states), list(states)
            while waiting:
                for edge, target in self.free[waiting.pop()]:
                    if edge is not None and not (at_start if edge.start else at_end):
                        continue
                    if target not in seen:
                        seen.add(target)
                        waiting.append(target)
            found = _MATCHED if self.final in seen else frozenset(seen)
            if len(self._closures) > MAX_KEPT:
                self._closures.clear()
            self._closures[key] = found
        return found

    def next(self, states: Active, character: int) -> Active:
        """Return the states after one more character; a match may also begin here."""
        if states is _MATCHED:
            return states
        key = (states, character)
        found = self._moves.get(key)
        if found is None:
            found = self._moved(states, character)
            if len(self._moves) > MAX_KEPT:
                self._moves.clear()  # other threads may be reading: results are returned, not looked up twice
            self._moves[key] = found
        return found

    def _moved(self, states: Active, character: int) -> Active:
        reached = {target for state in states for ranges, target in self.steps[state] if _contain(ranges, character)}
        return self.closure(frozenset(reached | {0}), False, False)

    def distinguished(self, states: Active) -> frozenset[Ranges]:
        """Return the sets of characters that decide where these states lead."""
        if states is _MATCHED:
            return frozenset()
        return frozenset(ranges for state in states for ranges, _ in self.steps[state])

    def matched(self, states: Active, at_start: bool) -> bool:
        """Return whether the text may end here with a match."""
        return states is _MATCHED or self.closure(states, at_start, True) is _MATCHED


@lru_cache(maxsize=128)
def _automaton(pattern: str) -> _Automaton:
    node = parse(pattern)
    if node is None:
        raise NotSupported(pattern)
    made = _Automaton()
    made.final = made.add(node, made.state())
    return made


@lru_cache(maxsize=4096)
def _prefix(pattern: str) -> str:
    """Return what every text that matches begins with, as far as it is written after `^`."""
    text, is_anchored = "", False
    waiting = [parse(pattern)]
    while waiting:
        match waiting.pop():
            case Sequence(items):
                waiting += reversed(items)
            case Edge(start=True):
                is_anchored = True
            case Characters(((low, high),), "") if is_anchored and low == high:
                text += chr(low)
            case _:
                break
    return text


def _may_follow(one: str, other: str) -> bool:
    """Return whether a text may begin with both."""
    return one.startswith(other) or other.startswith(one)


@lru_cache(maxsize=4096)
def _liked_in(ranges: Ranges) -> frozenset[int]:
    return frozenset(code for code in _LIKED if _contain(ranges, code))


def _contain(ranges: Ranges, code: int) -> bool:
    index = bisect_right(ranges, (code, LAST)) - 1
    return index >= 0 and code <= ranges[index][1]


@lru_cache(maxsize=4096)
def _alphabet(sets: frozenset[Ranges]) -> list[int]:
    """Return one character of each class that these sets do not distinguish; readable ones first."""
    ordered = sorted(sets)
    liked = [_liked_in(ranges) for ranges in ordered]
    edges = {0, 0xE000, *(low for ranges in ordered for low, _ in ranges)}
    edges |= {high + 1 for ranges in ordered for _, high in ranges}
    classes: dict[tuple[bool, ...], int] = {}
    for code in _LIKED:
        classes.setdefault(tuple(code in each for each in liked), code)
    for code in sorted(edges):
        if code <= LAST and not 0xD800 <= code < 0xE000:
            signature = tuple(_contain(ranges, code) for ranges in ordered)
            classes.setdefault(signature, code)
    return list(classes.values())


@lru_cache(maxsize=4096)
def _found(matching: tuple[str, ...], failing: tuple[str, ...], least: int, most: float) -> tuple[str | None, bool]:
    try:
        automata = [_automaton(pattern) for pattern in (*matching, *failing)]
    except NotSupported:
        return None, False
    if least > MAX_STEPS:
        return None, False
    wanted = [True] * len(matching) + [False] * len(failing)
    start = tuple(each.closure(frozenset({0}), True, False) for each in automata)
    level: list[tuple[tuple[Active, ...], str]] = [(start, "")]
    seen = {(start, 0)}
    length = steps = 0
    while level and length <= most:
        for states, text in level:
            if length >= least and all(
                each.matched(active, length == 0) is want
                for each, active, want in zip(automata, states, wanted, strict=True)
            ):
                return text, True
        following = []
        for states, text in level:
            weight = sum(map(len, states)) // 32
            for character in _alphabet(
                frozenset().union(*(each.distinguished(active) for each, active in zip(automata, states, strict=True)))
            ):
                # Large sets of states count more. Steps are counted, not time: verdicts must not depend on the load.
                steps += 1 + weight
                if steps > MAX_STEPS:
                    return None, False
                after = tuple(each.next(active, character) for each, active in zip(automata, states, strict=True))
                if any(not want and active is _MATCHED for active, want in zip(after, wanted, strict=True)):
                    continue  # what has matched stays matched
                key = (after, min(length + 1, least))
                if key not in seen:
                    seen.add(key)
                    following.append((after, text + chr(character)))
        level, length = following, length + 1
    return None, True


def shortest(
    matching: frozenset[str], failing: frozenset[str] = frozenset(), least: float = 0, most: float = math.inf
) -> tuple[str | None, bool]:
    """Return a shortest text that all of `matching` and none of `failing` match, of `least` to `most` characters.

    The second value says whether the result is certain: (None, True) proves that there is no such text.
    """
    begins = max(map(_prefix, matching), key=len, default="")
    if not all(begins.startswith(_prefix(pattern)) for pattern in matching):
        return None, True
    failing = frozenset(pattern for pattern in failing if _may_follow(_prefix(pattern), begins))
    return _found(tuple(sorted(matching)), tuple(sorted(failing)), math.ceil(least), most)
