"""How much work a schema makes, before anything is let near it: references can multiply without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from linter_app.change import Path
from linter_app.dialects import MOST_COMPILING, REFERENCES, VALUES, Schema, patterns_in, read_schema, seconds_compiling
from linter_app.documents import SAME_INSTANCE, Document, Source
from linter_app.json_text import MAX_DEPTH

LEVELS = 12
"""How deep an instance may be that a schema with references judges."""
LIMIT = 300_000
"""How many steps one path down such an instance may take."""
MAX_PLACES = 60_000
# With these the work can grow faster than the text does.
_LABORIOUS = frozenset(
    {
        *(*REFERENCES, "allOf", "anyOf", "oneOf", "not", "if", "dependencies", "dependentSchemas", "contains"),
        *("patternProperties", "propertyNames", "prefixItems", "unevaluatedItems", "unevaluatedProperties"),
    }
)
PLAIN_SECONDS = 0.003
"""For compiling the patterns of a plain schema."""
PLAIN_PATTERNS = 1_000
"""Their characters altogether, which are read to tell."""


MOST_EVALUATED = 50_000
"""Places that a compiler may go through to find what `unevaluated...` applies to, in up to 10 microseconds each."""
MOST_OF_PLACES = 50_000_000
"""Characters, each of which takes some four bytes of memory."""
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")


def plain(schema: Schema) -> bool:
    """Whether the work of checking and comparing the schema, but for its patterns, grows no faster than its text.

    The patterns are compiled as quickly; what they mean is not looked into.
    """
    if not schema.words.isdisjoint(_LABORIOUS):
        return False
    if sum(map(len, patterns_in(schema))) > PLAIN_PATTERNS:
        return False
    return seconds_compiling(schema) <= PLAIN_SECONDS


def characters_of_places(schema: Schema) -> int:
    """Of the JSON Pointers of all its members together, which a compiler keeps; not counted beyond MOST_OF_PLACES."""
    if schema.members * MAX_DEPTH * max(map(len, schema.words), default=0) <= MOST_OF_PLACES:
        return 0
    total = 0
    for length in lengths_of_places(schema.root):
        total += length
        if total > MOST_OF_PLACES:
            break
    return total


def lengths_of_places(root: Any) -> Iterator[int]:
    """How long the JSON Pointer of each member and item within a parsed value is; a bit more, for an item."""
    waiting: list[tuple[Any, int]] = [(root, 0)] if isinstance(root, (dict, list)) else []
    while waiting:
        value, length = waiting.pop()
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in members:
            place = length + (len(key) if isinstance(key, str) else 6) + 1
            yield place
            if isinstance(child, (dict, list)):
                waiting.append((child, place))


def bearable(document: Document) -> bool:
    """Whether compiling and validating take a bounded number of steps, as far as the schema alone tells.

    Without references the steps are bounded by its size. With them, each evaluation of a definition
    counts as often as ways lead to it, down to LEVELS within an instance.
    """
    root = document.root
    if not isinstance(root, dict):
        return True
    known = document.kept(root, "bearable")
    if known is None:
        followed = not document.refers or _Effort().counted(document.source, LEVELS) < LIMIT
        known = document.keep(root, "bearable", followed and _compilable(document))
    return bool(known)


def _compilable(document: Document) -> bool:
    schemas = document.schema, *map(read_schema, document.resources.values())
    return (
        sum(map(characters_of_places, schemas)) <= MOST_OF_PLACES
        and sum(map(seconds_compiling, schemas)) <= MOST_COMPILING
        and evaluation(document)[0] <= MOST_EVALUATED
    )


def evaluation(document: Document) -> tuple[int, Path]:
    """How many places are gone through to find what is unevaluated, and where most are.

    jsonschema-rs (0.60) does so when it compiles, for each place anew, following each reference as often as it is met.
    """
    total, most = 0, 0
    where: Path = ()
    if not document.schema.words.isdisjoint(_UNEVALUATED):
        effort = _Effort(weigh=_named)
        for path, schema in document.schemas():
            if any(word in schema for word in _UNEVALUATED):
                steps = effort.counted(Source(schema, path, document), 0)
                total += steps
                if steps > most:
                    most, where = steps, path
    return total, where


def steps_for_a_value(document: Document) -> int:
    """How many alternatives, listed values and patterns one value may be held against, at the worst place."""
    effort = _Effort(weigh=_choices)
    return max((effort.counted(Source(schema, path, document), 0) for path, schema in document.schemas()), default=1)


def _choices(schema: dict[str, Any]) -> int:
    listed, patterns = schema.get("enum"), schema.get("patternProperties")
    # Scalars are looked up; objects and arrays are compared one after the other.
    compared = sum(isinstance(value, (dict, list)) for value in listed) if isinstance(listed, list) else 0
    return 1 + compared + (len(patterns) if isinstance(patterns, dict) else 0)


def _named(schema: dict[str, Any]) -> int:
    names = schema.get("properties")
    return 1 + (len(names) if isinstance(names, dict) else 0)


class _Effort:
    def __init__(self, weigh: Callable[[dict[str, Any]], int] = lambda schema: 1) -> None:
        self.weigh = weigh
        self.known: dict[tuple[int, int], int] = {}
        self.active: set[tuple[int, int]] = set()

    def counted(self, source: Source, levels: int) -> int:
        try:
            return self.steps(source, levels)
        except RecursionError:
            return LIMIT

    def steps(self, source: Source, levels: int) -> int:
        if not isinstance(source.schema, dict):
            return 1
        key = (source.key, levels)
        if key in self.known:
            return self.known[key]
        if key in self.active or len(self.known) > MAX_PLACES:
            return 1 if key in self.active else LIMIT
        self.active.add(key)
        count, deepest = self.weigh(source.schema), 0
        for keyword, value in source.schema.items():
            if keyword in REFERENCES:
                target = source.document.resolve(source, keyword)
                count += 0 if target is None else self.steps(target, levels)
            elif keyword in ("$defs", "definitions") or keyword in VALUES:
                continue
            elif isinstance(value, (dict, list)):
                inside = source.inside(keyword)
                if keyword in SAME_INSTANCE:
                    count += sum(self.steps(each, levels) for each in inside)
                elif levels:
                    deepest = max([deepest, *(self.steps(each, levels - 1) for each in inside)])
        self.active.discard(key)
        self.known[key] = min(count + deepest, LIMIT)
        return self.known[key]
