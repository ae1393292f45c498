"""An estimate of the time to compile a pattern, made before it is compiled.

A compiler holds the interpreter, so that no other thread runs meanwhile. jsonschema-rs (0.60) rewrites class escapes
one by one, each time in the whole text, and unfolds repetitions.
"""

from __future__ import annotations

import re
from functools import lru_cache

from linter_app.patterns.syntax import MANY, Characters, Choice, Node, Opaque, Repeat, Sequence, parse

# In seconds, as measured on a slow machine, rounded up.
_LETTER, _ASCII, _WIDE, _PROPERTY = 3e-7, 1e-6, 2e-5, 2e-4
_ESCAPES_SQUARED = 2e-6
MAX_UNFOLD_SECONDS = 0.1
"""Seconds for unfolding: the compiler refuses what grows beyond that."""
_ESCAPE = re.compile(r"\\[sSdDwWc]")
_REPEATED = re.compile(r"[{,]([0-9]{1,9})")


def pattern_compile_seconds(pattern: str) -> float:
    """Return the seconds that compiling takes at worst."""
    return _kept(pattern) if len(pattern) <= 200 else _seconds(pattern)


def _seconds(pattern: str) -> float:
    node = parse(pattern)
    unfolded = _unfolded_at_worst(pattern) if node is None else _unfolded(node)
    return len(pattern) * _LETTER + len(_ESCAPE.findall(pattern)) ** 2 * _ESCAPES_SQUARED + unfolded


_kept = lru_cache(maxsize=4096)(_seconds)


def _unfolded_at_worst(pattern: str) -> float:
    """Return an upper bound for an unreadable expression: each character a large set, all repetitions nested."""
    found = len(pattern) * (_PROPERTY if "\\p" in pattern.lower() else _WIDE)
    for number in _REPEATED.findall(pattern):
        found = min(found * max(int(number), 1), MAX_UNFOLD_SECONDS)
    return min(found, MAX_UNFOLD_SECONDS)


def _unfolded(node: Node | None) -> float:
    match node:
        case Characters(ranges, written):
            return _PROPERTY if written else _ASCII if not ranges or ranges[-1][1] < 128 else _WIDE
        case Sequence(items) | Choice(items):
            found = sum(map(_unfolded, items))
        case Repeat(item, least, most):
            found = _unfolded(item) * min(max(least, 1 if most == MANY else most), 1_000_000)
        case Opaque(_, item):
            found = _ASCII + _unfolded(item)
        case _:
            found = _ASCII
    return min(found, MAX_UNFOLD_SECONDS)
