"""Regular expressions (ECMA-262, as JSON Schema has them): matching with a time limit, and samples."""

from __future__ import annotations

import random
import re
import re._constants as kinds  # type: ignore[import-not-found]  # the standard library's own parser
import re._parser as parser  # type: ignore[import-not-found]
from functools import lru_cache
from typing import Any

import regex

TIMEOUT_SECONDS = 0.02
_LONGEST = 200
_ANY = "abcxyzABC0159 _-.@/"


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> regex.Pattern[str] | None:
    try:
        return regex.compile(pattern, regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, ValueError):
        return None


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in the text; None where that cannot be told (in time)."""
    compiled = _compiled(pattern)
    if compiled is None:
        return None
    try:
        return compiled.search(text, timeout=TIMEOUT_SECONDS) is not None
    except TimeoutError:
        return None


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> Any:
    # The classes that ECMA-262 has and `re` has not become ones that only need to be near.
    near = re.sub(r"\\[pP]\{\^?(?:L[a-z]?|Letter|[^}]*)\}", "a", pattern).replace(r"\/", "/").replace("(?<", "(?P<")
    near = near.replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    try:
        return parser.parse(near)
    except (re.error, RecursionError, OverflowError):
        return None


def sample(pattern: str, dice: random.Random, more: int = 3) -> str | None:
    """A text that probably matches (to be checked); `more` bounds how often it repeats beyond the least."""
    parsed = _parsed(pattern)
    if parsed is None:
        return None
    try:
        return _Sampler(dice, more).text(parsed)
    except (_TooLong, RecursionError):
        return None


class _TooLong(Exception):
    pass


class _Sampler:
    def __init__(self, dice: random.Random, more: int) -> None:
        self.dice, self.more = dice, more
        self.left = _LONGEST * 10
        self.groups: dict[int, str] = {}

    def text(self, parsed: Any) -> str:
        return "".join(self.one(kind, value) for kind, value in parsed)

    def one(self, kind: Any, value: Any) -> str:
        self.left -= 1
        if self.left < 0:
            raise _TooLong
        dice = self.dice
        if kind is kinds.LITERAL:
            return chr(value)
        if kind is kinds.NOT_LITERAL:
            return dice.choice([c for c in _ANY if ord(c) != value])
        if kind is kinds.ANY:
            return dice.choice(_ANY)
        if kind is kinds.IN:
            return self.member(value)
        if kind is kinds.RANGE:
            return chr(dice.randint(*value))
        if kind is kinds.BRANCH:
            return self.text(dice.choice(value[1]))
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            least, most, inner = value
            times = dice.randint(least, min(most, least + dice.randint(0, self.more)))
            if dice.random() < 0.1:
                times = min(most, least + 12)
            return "".join(self.text(inner) for _ in range(times))
        if kind is kinds.SUBPATTERN:
            text = self.text(value[-1])
            if value[0] is not None:
                self.groups[value[0]] = text
            return text
        if kind is kinds.ATOMIC_GROUP:
            return self.text(value)
        if kind is kinds.GROUPREF:
            return self.groups.get(value, "")
        if kind is kinds.CATEGORY:
            return self.category(value)
        if kind is kinds.ASSERT:
            # A lookahead that nothing else fulfils is often written out by what follows it.
            return self.text(value[1]) if value[0] < 0 or dice.random() < 0.3 else ""
        return ""  # anchors and refusals

    def member(self, choices: Any) -> str:
        if choices[0][0] is kinds.NEGATE:
            refused = [self.one(*choice) for choice in choices[1:] for _ in range(8)]
            within = re.compile("|".join(map(re.escape, refused)) or "(?!)")
            fits = [c for c in _ANY + "é\n" if not within.fullmatch(c) and not self.excluded(choices[1:], c)]
            return self.dice.choice(fits) if fits else "\u2603"
        return self.one(*self.dice.choice(choices))

    def excluded(self, choices: Any, character: str) -> bool:
        code = ord(character)
        for kind, value in choices:
            if kind is kinds.RANGE and value[0] <= code <= value[1]:
                return True
            if kind is kinds.CATEGORY and character in _CATEGORIES.get(value, ""):
                return True
        return False

    def category(self, value: Any) -> str:
        return self.dice.choice(_CATEGORIES.get(value, _ANY))


_CATEGORIES = {
    kinds.CATEGORY_DIGIT: "0123456789",
    kinds.CATEGORY_NOT_DIGIT: "abcXYZ _-",
    kinds.CATEGORY_SPACE: " \t",
    kinds.CATEGORY_NOT_SPACE: "abcXYZ019_-",
    kinds.CATEGORY_WORD: "abcxyzABCXYZ0189_",
    kinds.CATEGORY_NOT_WORD: " -.@/",
}


def says_nothing(pattern: str) -> bool:
    """Whether every text matches, as far as can be seen at a glance."""
    return pattern in ("", "^", "$", ".*", "^.*", ".*$", "^.*$")


def included(narrower: str, wider: str) -> bool:
    """Whether every text that matches `narrower` is proven to match `wider`."""
    return narrower == wider
