"""Smaller instances for which something still holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAX_MINIMIZED_ITEMS = 50


def minimal(instance: Any, holds: Callable[[Any], bool]) -> Any:
    """Return a smaller instance for which `holds` is still true, from which nothing can be removed."""
    before = None
    while instance != before:
        before, instance = instance, _smaller(instance, holds)
    return instance


def _smaller(value: Any, holds: Callable[[Any], bool]) -> Any:
    """Return the value without what one pass over its members can remove."""
    if isinstance(value, dict):
        for name in list(value):
            less = {key: member for key, member in value.items() if key != name}
            value = less if holds(less) else value
        for name in value:
            value = {**value, name: _smaller(value[name], _within(value, name, holds))}
    elif isinstance(value, list):
        value = _shorter(value, holds)
        for index in range(min(len(value), MAX_MINIMIZED_ITEMS)):
            item = _smaller(value[index], _within(value, index, holds))
            value = [*value[:index], item, *value[index + 1 :]]
    elif isinstance(value, str):
        value = _shorter(value, holds)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value not in (0, 1):
        value = next((simple for simple in (0, 1) if holds(simple)), value)
    return value


def _shorter(value: Any, holds: Callable[[Any], bool]) -> Any:
    """Return a string or an array without what can be removed of it, in pieces of half its length and less."""
    step = len(value)
    while step:
        at = len(value) - step
        while at >= 0:
            less = value[:at] + value[at + step :]
            if holds(less):
                value = less
            at -= step
            if step < len(value) // 64:
                break  # of a long value, only the end
        step //= 2
    return value


def _within(whole: Any, at: Any, holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a predicate for one member: whether `holds` with this member replaced."""
    if isinstance(whole, dict):
        return lambda member: holds({**whole, at: member})
    return lambda item: holds([*whole[:at], item, *whole[at + 1 :]])
