"""Bounds on the work that a schema can cause: references can multiply without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from linter_app.changes import Path
from linter_app.schema.dialects import MAX_COMPILE_SECONDS, Schema, compile_seconds, read_schema
from linter_app.schema.documents import Document, Subschema
from linter_app.schema.json_text import MAX_DEPTH
from linter_app.schema.vocabulary import IN_PLACE, REFERENCES

MAX_INSTANCE_LEVELS = 12
"""Levels of an instance that is validated with a schema that has references."""
MAX_STEPS = 300_000
"""Steps that one path down such an instance may take."""
MAX_SUBSCHEMAS = 60_000
MAX_UNEVALUATED_STEPS = 50_000
"""Subschemas that a compiler may visit to find what `unevaluated...` applies to, in up to 10 microseconds each."""
MAX_POINTER_CHARACTERS = 50_000_000
"""Characters of the pointers of all members of a schema, each of which takes some four bytes of memory."""
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")


def pointer_characters(schema: Schema) -> int:
    """Return the characters of the pointers of all members, which a compiler keeps; ends at MAX_POINTER_CHARACTERS."""
    longest = max(map(len, schema.member_names), default=0)
    if schema.member_count * MAX_DEPTH * longest <= MAX_POINTER_CHARACTERS:
        return 0
    total = 0
    for length in pointer_lengths(schema.root):
        total += length
        if total > MAX_POINTER_CHARACTERS:
            break
    return total


def pointer_lengths(root: Any) -> Iterator[int]:
    """Yield the length of the JSON Pointer of each member and item within a parsed value; for items, an estimate."""
    waiting: list[tuple[Any, int]] = [(root, 0)] if isinstance(root, (dict, list)) else []
    while waiting:
        value, length = waiting.pop()
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in members:
            below = length + (len(key) if isinstance(key, str) else 6) + 1
            yield below
            if isinstance(child, (dict, list)):
                waiting.append((child, below))


def is_bounded(document: Document) -> bool:
    """Return whether compiling and validating take a bounded number of steps, as far as the schema alone shows.

    Without references the size of the schema bounds the steps. With them, a definition counts as often as there are
    ways to it, down to MAX_INSTANCE_LEVELS within an instance.
    """
    root = document.root
    if not isinstance(root, dict):
        return True
    known = document.kept(root, "is_bounded")
    if known is None:
        steps = StepCounter().count(document.root_subschema, MAX_INSTANCE_LEVELS) if document.refers else 0
        known = document.keep(root, "is_bounded", steps < MAX_STEPS and _is_compilable(document))
    return bool(known)


def _is_compilable(document: Document) -> bool:
    schemas = document.schema, *map(read_schema, document.resources.values())
    return (
        sum(map(pointer_characters, schemas)) <= MAX_POINTER_CHARACTERS
        and sum(map(compile_seconds, schemas)) <= MAX_COMPILE_SECONDS
        and unevaluated_steps(document)[0] <= MAX_UNEVALUATED_STEPS
    )


def unevaluated_steps(document: Document) -> tuple[int, Path]:
    """Return how many subschemas a compiler visits to find what is unevaluated, and where it visits the most.

    jsonschema-rs (0.60) does so when it compiles, for each keyword anew, and follows a reference as often as it is met.
    """
    total, most = 0, 0
    where: Path = ()
    if not document.schema.member_names.isdisjoint(_UNEVALUATED):
        counter = StepCounter(steps_of=_property_steps)
        for path, schema in document.schemas():
            if any(keyword in schema for keyword in _UNEVALUATED):
                steps = counter.count(Subschema(schema, path, document), 0)
                total += steps
                if steps > most:
                    most, where = steps, path
    return total, where


def max_steps_per_value(document: Document) -> int:
    """Return how many alternatives, listed values and patterns one value is compared with, at the worst location."""
    counter = StepCounter(steps_of=_choice_steps)
    return max((counter.count(Subschema(schema, path, document), 0) for path, schema in document.schemas()), default=1)


def _choice_steps(schema: dict[str, Any]) -> int:
    listed, patterns = schema.get("enum"), schema.get("patternProperties")
    # Scalars are looked up; objects and arrays are compared one after the other.
    compared = sum(isinstance(value, (dict, list)) for value in listed) if isinstance(listed, list) else 0
    return 1 + compared + (len(patterns) if isinstance(patterns, dict) else 0)


def _property_steps(schema: dict[str, Any]) -> int:
    names = schema.get("properties")
    return 1 + (len(names) if isinstance(names, dict) else 0)


class StepCounter:
    """Counts the steps of evaluating subschemas. `steps_of` gives those of one schema object by itself."""

    def __init__(self, steps_of: Callable[[dict[str, Any]], int] = lambda schema: 1) -> None:
        self._steps_of = steps_of
        self._known: dict[tuple[int, int], int] = {}
        self._active: set[tuple[int, int]] = set()

    def count(self, subschema: Subschema, levels: int) -> int:
        """Return the steps for an instance of so many levels, at most MAX_STEPS."""
        try:
            return self._count(subschema, levels)
        except RecursionError:
            return MAX_STEPS

    def _count(self, subschema: Subschema, levels: int) -> int:
        if not isinstance(subschema.schema, dict):
            return 1
        key = (subschema.key, levels)
        if key in self._known:
            return self._known[key]
        if key in self._active or len(self._known) > MAX_SUBSCHEMAS:
            return 1 if key in self._active else MAX_STEPS
        self._active.add(key)
        count, deepest = self._steps_of(subschema.schema), 0
        for keyword in REFERENCES:
            if keyword in subschema.schema:
                target = subschema.document.resolve(subschema, keyword)
                count += 0 if target is None else self._count(target, levels)
        for keyword, child in subschema.below():
            if keyword in IN_PLACE:
                count += self._count(child, levels)
            elif levels:
                deepest = max(deepest, self._count(child, levels - 1))
        self._active.discard(key)
        self._known[key] = min(count + deepest, MAX_STEPS)
        return self._known[key]
