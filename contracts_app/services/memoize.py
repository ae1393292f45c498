"""Memoization of functions of texts: a dry run, its publish and the next version ask for the same results."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MAX_CHARACTERS = 4 * 1024 * 1024
"""Characters of the largest texts whose result is kept."""


def memoize(
    max_entries: int, *, max_characters: int = 8_000_000, size_of: Callable[[Any], int] = lambda result: 0
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last results of a function of hashable positional arguments.

    At most `max_entries` are kept, and at most `max_characters` of arguments plus what `size_of` counts in a result.
    Errors are not kept.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        kept: dict[Any, tuple[R, int]] = {}
        total = 0
        lock = threading.Lock()

        @functools.wraps(function)
        def memoized(*texts: P.args, **none: P.kwargs) -> R:
            nonlocal total
            found = kept.get(texts)
            if found is not None:
                return found[0]
            result = function(*texts, **none)
            size = size_of(result) + sum(len(text) for text in texts if isinstance(text, str))
            if size <= MAX_CHARACTERS:
                with lock:
                    total += size - kept.pop(texts, (None, 0))[1]
                    kept[texts] = result, size
                    while len(kept) > max_entries or total > max_characters:
                        total -= kept.pop(next(iter(kept)))[1]
            return result

        return memoized

    return decorate
