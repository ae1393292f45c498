"""Patterns (JSON Schema Validation 6.3.3): matching with a time limit, samples, and proofs."""

from __future__ import annotations

import random
from functools import lru_cache

import regex

from linter_app.patterns.automata import shortest
from linter_app.patterns.syntax import (
    ANY,
    DIGIT,
    LAST,
    WORD,
    Characters,
    Choice,
    Edge,
    Node,
    Opaque,
    Ranges,
    Repeat,
    Sequence,
    parse,
    python,
)

__all__ = ["compiled", "included", "literal", "matches", "sample", "says_nothing", "shortest"]

TIMEOUT_SECONDS = 0.02
MAX_TIMEOUTS = 5
MAX_SAMPLE_STEPS = 2000
_LITERAL = regex.compile(r"\^((?:[^\\^$.*+?()\[\]{}|]|\\[^\w\s])*)\$")
_ESCAPED = regex.compile(r"\\(.)")
_DIGITS = "0123456789"
_WORDS = "abcxyzABCXYZ0189_"
_LIKED = "abcxyzABC0159 _-.@/é"


@lru_cache(maxsize=256)
def compiled(pattern: str) -> regex.Pattern[str] | None:
    """Return the expression for the module `regex`, with ECMA-262's meaning; None where it cannot be read."""
    node = parse(pattern)
    try:
        return regex.compile(pattern if node is None else python(node), regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, ValueError):
        return None


@lru_cache(maxsize=4096)
def literal(pattern: str) -> str | None:
    """Return the one text that matches a pattern such as `^Deploy@1$`; None where several may."""
    found = _LITERAL.fullmatch(pattern)
    return _ESCAPED.sub(r"\1", found[1]) if found is not None else None


def matches(pattern: str, text: str) -> bool | None:
    """Return whether the pattern is found in the text; None where that cannot be decided (in time)."""
    return _kept(pattern, text) if len(pattern) + len(text) < 300 else _matches(pattern, text)


def _matches(pattern: str, text: str) -> bool | None:
    expression = compiled(pattern)
    if expression is None or _strikes.get(pattern, 0) >= MAX_TIMEOUTS:
        return None
    try:
        return expression.search(text, timeout=TIMEOUT_SECONDS) is not None
    except TimeoutError:
        if len(_strikes) > 1000:
            _strikes.clear()
        _strikes[pattern] = _strikes.get(pattern, 0) + 1
        return None


_kept = lru_cache(maxsize=16384)(_matches)
# How often an expression took too long. After MAX_TIMEOUTS times it is not tried again.
_strikes: dict[str, int] = {}


def says_nothing(pattern: str) -> bool:
    """Return whether every text is proven to match."""
    return shortest(frozenset(), frozenset({pattern})) == (None, True)


def included(narrower: frozenset[str], wider: str, least: float, most: float) -> bool:
    """Return whether every text of `least` to `most` characters that `narrower` match is proven to match `wider`."""
    return wider in narrower or shortest(narrower, frozenset({wider}), least, most) == (None, True)


def sample(pattern: str, rng: random.Random, more: int = 3) -> str | None:
    """Return a text that probably matches; `more` limits how often it repeats beyond the minimum."""
    node = parse(pattern)
    if node is None:
        return None
    try:
        return _Sampler(rng, more).text(node)
    except (_TooLong, RecursionError):
        return None


class _TooLong(Exception):
    pass


class _Sampler:
    def __init__(self, rng: random.Random, more: int) -> None:
        self.rng, self.more, self.left = rng, more, MAX_SAMPLE_STEPS

    def text(self, node: Node) -> str:
        self.left -= 1
        if self.left < 0:
            raise _TooLong
        rng = self.rng
        match node:
            case Characters(ranges, written):
                return self.character(ranges, written)
            case Sequence(items):
                return "".join(map(self.text, items))
            case Choice(options):
                return self.text(rng.choice(options))
            case Repeat(item, least, most, _):
                times = rng.randint(least, min(most, least + rng.randint(0, self.more)))
                if rng.random() < 0.1:
                    times = min(most, least + 12)
                return "".join(self.text(item) for _ in range(times))
            case Opaque("(?=", item, _) if item is not None and rng.random() < 0.3:
                return self.text(item)  # a lookahead is often written out by what follows it
            case Edge() | Opaque():
                return ""

    def character(self, ranges: Ranges, written: str) -> str:
        if written:
            fits = [character for character in _LIKED if regex.fullmatch(written, character)]
            return self.rng.choice(fits) if fits else "a"
        if ranges in (DIGIT, WORD, ANY):
            return self.rng.choice({DIGIT: _DIGITS, WORD: _WORDS, ANY: _LIKED}[ranges])
        if not ranges:
            raise _TooLong
        liked = [character for character in _LIKED if any(low <= ord(character) <= high for low, high in ranges)]
        low, high = self.rng.choice(ranges)
        if liked and (high == LAST or self.rng.random() < 0.5):
            return self.rng.choice(liked)
        code = self.rng.randint(low, min(high, low + 200))
        return chr(code if not 0xD800 <= code < 0xE000 else 0xE000)
