"""The types of JSON Schema, what the type of a value is, and the objects in a value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

ALL_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})


def types_of(declared: Any) -> frozenset[str]:
    """Return the types that the value of a `type` keyword names; `number` includes `integer`."""
    types = frozenset([declared] if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def reduced(types: frozenset[str]) -> frozenset[str]:
    """Return the types without `integer` where `number` includes it."""
    return types - {"integer"} if "number" in types else types


def type_of(value: Any) -> str:
    """Return the type of a parsed value; a float without a fraction is an `integer` (Validation 6.1.1)."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if math.isfinite(value) and value == int(value) else "number"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def objects_in(root: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a parsed value, whether it is a schema or data."""
    waiting: list[Any] = [root] if isinstance(root, (dict, list)) else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            item = item.values()
        for child in item:
            if isinstance(child, (dict, list)):
                waiting.append(child)
