"""JSON Schema dialects: which one a schema is written in, and what one look over it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

from linter_app.patterns.effort import seconds_to_compile

DEFAULT = "https://json-schema.org/draft/2020-12/schema"
DRAFTS = {
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909,
    DEFAULT: jsonschema_rs.Draft202012,
}
URIS = {draft: uri for uri, draft in DRAFTS.items()}
# Keywords that map names to schemas, and keywords that hold values in which no keyword is meant.
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
VALUES = frozenset({"enum", "const", "default", "examples"})
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_PATTERNS = ("pattern", "patternProperties")
MOST_COMPILING = 0.5
"""Seconds that the patterns of a schema may take to compile, in which no other thread of the process works."""
_OLDER = frozenset({"exclusiveMinimum", "exclusiveMaximum", "items", "dependencies"})
# How the reference resolver knows the drafts.
SPECIFICATIONS: dict[int, Specification[Any]] = {
    jsonschema_rs.Draft4: DRAFT4,
    jsonschema_rs.Draft6: DRAFT6,
    jsonschema_rs.Draft7: DRAFT7,
    jsonschema_rs.Draft201909: DRAFT201909,
    jsonschema_rs.Draft202012: DRAFT202012,
}


@dataclass
class InvalidSchema(ValueError):
    """A schema that its dialect refuses; `pointer` is the JSON Pointer of the place."""

    reason: str
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.reason} (at {self.pointer or 'the root'})"


@dataclass(frozen=True, eq=False, slots=True)
class Schema:
    """A parsed schema, and what one look over all of it tells."""

    root: Any
    words: frozenset[str]
    """The names of all members anywhere in it; its keywords are among them."""
    draft: int
    """The dialect to read it in, as jsonschema_rs numbers it."""
    members: int
    """How many members all objects in it have together."""

    @property
    def refers(self) -> bool:
        """Whether there may be a reference in it, so that equal texts may mean different things."""
        return not self.words.isdisjoint(REFERENCES)


def read_schema(root: Any) -> Schema:
    """Look over a parsed schema, valid or not. Raises InvalidSchema on an unknown `$schema`."""
    words: set[str] = set()
    members = 0
    for item in objects_in(root):
        words.update(item)
        members += len(item)
    draft = draft_of(root) if words.isdisjoint(_OLDER) else guessed_draft_of(root)
    return Schema(root, frozenset(words), draft, members)


def objects_in(root: Any) -> Iterator[dict[str, Any]]:
    """Every object within a parsed value, whether it is a schema or a value."""
    waiting: list[Any] = [root] if isinstance(root, (dict, list)) else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            item = item.values()
        for child in item:
            if isinstance(child, (dict, list)):
                waiting.append(child)


def patterns_in(read: Schema) -> Iterator[str]:
    """Every regular expression in it."""
    for item in objects_in(read.root) if not read.words.isdisjoint(_PATTERNS) else ():
        pattern, names = (item.get(word) for word in _PATTERNS)
        yield from [pattern] if isinstance(pattern, str) else []
        yield from names if isinstance(names, dict) else ()


def seconds_compiling(read: Schema) -> float:
    """How long its patterns take to compile at worst; beyond MOST_COMPILING no further one is looked at."""
    seconds = 0.0
    for pattern in patterns_in(read):
        seconds += seconds_to_compile(pattern)
        if seconds > MOST_COMPILING:
            break
    return seconds


def draft_of(schema: Any) -> int:
    """The dialect of `$schema`, as jsonschema_rs numbers it; 2020-12 where absent. Raises InvalidSchema."""
    if not isinstance(schema, dict) or "$schema" not in schema:
        return jsonschema_rs.Draft202012
    dialect = schema["$schema"]
    if dialect in ("http://json-schema.org/schema#", "http://json-schema.org/schema"):
        return jsonschema_rs.Draft202012  # "the latest", in the words of old tutorials
    if not isinstance(dialect, str) or dialect.removesuffix("#") not in DRAFTS:
        known = ", ".join(DRAFTS)
        raise InvalidSchema(f"unknown dialect {dialect!r}; $schema must be one of {known}", "/$schema")
    return DRAFTS[dialect.removesuffix("#")]


def guessed_draft_of(schema: Any) -> int:
    """The dialect to read a schema in: as `draft_of`, but what only an older draft allows shows that draft.

    Raises InvalidSchema on an unknown `$schema`.
    """
    draft = draft_of(schema)
    if draft != jsonschema_rs.Draft202012 or not isinstance(schema, dict) or "$schema" in schema:
        return draft
    guess = draft
    waiting: list[Any] = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("exclusiveMinimum"), bool) or isinstance(item.get("exclusiveMaximum"), bool):
                return jsonschema_rs.Draft4
            if isinstance(item.get("items"), list) or isinstance(item.get("dependencies"), dict):
                guess = jsonschema_rs.Draft7
            for keyword, child in item.items():
                if keyword in MAPS and isinstance(child, dict):
                    waiting.extend(child.values())  # names of properties are no keywords
                elif keyword not in VALUES and isinstance(child, (dict, list)):
                    waiting.append(child)
        elif isinstance(item, list):
            waiting.extend(child for child in item if isinstance(child, (dict, list)))
    return guess
