"""JSON Schema syntax: which dialect a schema is written in, and whether it obeys it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

from linter_app.json_text import loads, pointer

DEFAULT = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS = {
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909,
    DEFAULT: jsonschema_rs.Draft202012,
}
# Keywords that map names to schemas, and keywords that hold values in which no keyword is meant.
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
VALUES = frozenset({"enum", "const", "default", "examples"})
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# Without these, what the meta-schema accepts can be compiled: there is nothing to resolve, and no expression to read.
_COMPILED = frozenset({*REFERENCES, "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"})
_COMPILED |= {"pattern", "patternProperties"}
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

    @property
    def refers(self) -> bool:
        """Whether there may be a reference in it, so that equal texts may mean different things."""
        return not self.words.isdisjoint(REFERENCES)


def read_schema(root: Any) -> Schema:
    """Look over a parsed schema, valid or not. Raises InvalidSchema on an unknown `$schema`."""
    words: set[str] = set()
    for item in objects_in(root):
        words.update(item)
    draft = draft_of(root) if words.isdisjoint(_OLDER) else guessed_draft_of(root)
    return Schema(root, frozenset(words), draft)


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


def draft_of(schema: Any) -> int:
    """The dialect of `$schema`, as jsonschema_rs numbers it; 2020-12 where absent. Raises InvalidSchema."""
    if not isinstance(schema, dict) or "$schema" not in schema:
        return jsonschema_rs.Draft202012
    dialect = schema["$schema"]
    if dialect in ("http://json-schema.org/schema#", "http://json-schema.org/schema"):
        return jsonschema_rs.Draft202012  # "the latest", in the words of old tutorials
    if not isinstance(dialect, str) or dialect.removesuffix("#") not in _DRAFTS:
        known = ", ".join(_DRAFTS)
        raise InvalidSchema(f"unknown dialect {dialect!r}; $schema must be one of {known}", "/$schema")
    return _DRAFTS[dialect.removesuffix("#")]


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


def _place_of_reference(schema: Any, message: str) -> str:
    """The JSON Pointer of the first `$ref` whose target the message names; the root where none is found."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(schema, ())]
    while waiting:
        item, path = waiting.pop()
        if isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str) and unquote(reference.partition("#")[2]) in message and "#" in reference:
                return pointer((*path, "$ref"))
        members = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        waiting.extend((child, (*path, key)) for key, child in members)
    return ""


def _never_fetch(uri: str) -> Any:
    # A reference to another document is left to whoever holds that document.
    return True


def check_schema(read: Schema) -> None:
    """Raise InvalidSchema unless a schema that has passed `check_shape` is valid, and its local references resolve.

    Where it does not name its dialect, that is the newest, whatever it looks like.
    """
    schema = read.root
    try:
        if draft_of(schema) != read.draft:
            jsonschema_rs.meta.validate(schema)
        # `id` counts in draft 4 alone, and is too good a name for a property to look for.
        if read.draft == jsonschema_rs.Draft4 or not read.words.isdisjoint(_COMPILED):
            jsonschema_rs.validator_for(schema, retriever=_never_fetch)
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "$ref":
            raise InvalidSchema(
                f"unresolvable reference: {error.message}", _place_of_reference(schema, error.message)
            ) from None
        raise InvalidSchema(error.message, pointer(error.instance_path)) from None
    except jsonschema_rs.ReferencingError as error:
        raise InvalidSchema(f"unresolvable reference: {error}") from None
    except ValueError as error:
        raise InvalidSchema(str(error)) from None


def check_shape(read: Schema) -> None:
    """Raise InvalidSchema unless the keywords have the types that the dialect asks for which the schema is read in.

    References are not followed.
    """
    schema = read.root
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise InvalidSchema(f"a JSON Schema is an object or a boolean, not {type(schema).__name__}")
    dialect = next(uri for uri, draft in _DRAFTS.items() if draft == read.draft)
    try:
        jsonschema_rs.meta.validate({**schema, "$schema": dialect})
    except jsonschema_rs.ValidationError as error:
        raise InvalidSchema(error.message, pointer(error.instance_path)) from None


def parse_schema(text: str | bytes) -> Any:
    """Read and check a schema's text. Raises InvalidJSON or InvalidSchema."""
    read = read_schema(loads(text))
    check_shape(read)
    check_schema(read)
    return read.root
