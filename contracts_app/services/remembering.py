"""Results of functions of texts, kept for the next who ask the same: a dry run, its publish, and the version after."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MOST_CHARACTERS = 256 * 1024
"""The largest texts whose result is kept."""
_in_haste: ContextVar[bool] = ContextVar("in_haste", default=False)


class TooLong(Exception):
    """To compute the result takes too long for who is in haste."""


@contextmanager
def haste() -> Iterator[None]:
    """Within, what is not kept is computed only where that is quick; all else raises TooLong."""
    marker = _in_haste.set(True)
    try:
        yield
    finally:
        _in_haste.reset(marker)


def in_haste() -> bool:
    return _in_haste.get()


def remembering(
    most: int,
    *,
    characters: int = 8_000_000,
    quick: Callable[..., bool] | None = None,
    weigh: Callable[[Any], int] = lambda result: 0,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last results of a function of hashable positional arguments: at most `most`, and of texts of so many
    characters together, with those that `weigh` finds in a result. Errors are not kept. `quick` says of which
    arguments the result is computed even in haste.
    """

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        kept: dict[Any, tuple[R, int]] = {}
        total = 0
        lock = threading.Lock()

        @functools.wraps(compute)
        def remembered(*texts: P.args, **none: P.kwargs) -> R:
            nonlocal total
            found = kept.get(texts)
            if found is not None:
                return found[0]
            if in_haste() and not (quick and quick(*texts)):
                raise TooLong
            result = compute(*texts, **none)
            size = weigh(result) + sum(len(text) for text in texts if isinstance(text, str))
            if size <= MOST_CHARACTERS:
                with lock:
                    total += size - kept.pop(texts, (None, 0))[1]
                    kept[texts] = result, size
                    while len(kept) > most or total > characters:
                        total -= kept.pop(next(iter(kept)))[1]
            return result

        return remembered

    return decorate
