"""Results of functions of texts, kept for the next who ask the same: a dry run, its publish, and the version after."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MOST_CHARACTERS = 256 * 1024
"""The largest texts whose result is kept."""
_only_known: ContextVar[bool] = ContextVar("only_known", default=False)


class NotKnown(Exception):
    """The result would have to be computed."""


@contextmanager
def only_known() -> Iterator[None]:
    """Within, nothing is computed: what is not kept raises NotKnown."""
    marker = _only_known.set(True)
    try:
        yield
    finally:
        _only_known.reset(marker)


def remembering(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last `most` results of a function of hashable positional arguments. Errors are not kept."""

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        kept: dict[Any, R] = {}

        @functools.wraps(compute)
        def remembered(*texts: P.args, **none: P.kwargs) -> R:
            if texts in kept:
                try:
                    return kept[texts]
                except KeyError:  # another thread has just dropped it
                    pass
            if _only_known.get():
                raise NotKnown
            result = compute(*texts, **none)
            if sum(len(text) for text in texts if isinstance(text, str)) <= MOST_CHARACTERS:
                while len(kept) >= most:
                    try:
                        kept.pop(next(iter(kept)), None)
                    except (StopIteration, RuntimeError):  # another thread is at it
                        break
                kept[texts] = result
            return result

        return remembered

    return decorate
