"""Whether a schema obeys its dialect, and can be compiled without holding up everything else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from linter_app.change import Path
from linter_app.dialects import (
    MOST_COMPILING,
    REFERENCES,
    URIS,
    InvalidSchema,
    Schema,
    draft_of,
    read_schema,
    seconds_compiling,
)
from linter_app.documents import Document, Source
from linter_app.effort import MOST_EVALUATED, MOST_OF_PLACES, characters_of_places, evaluation
from linter_app.identifiers import NAMES, too_long
from linter_app.json_text import loads, pointer
from linter_app.parts import keywords_of
from linter_app.patterns.effort import seconds_to_compile
from linter_app.witnesses.errors import reason_of

# Without these, what the meta-schema accepts can be compiled: there is nothing to resolve, and no expression to read.
_COMPILED = frozenset(
    {"pattern", "patternProperties", *REFERENCES, "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"}
)

_IDENTIFIERS = ("$id", "id")


def _within(schema: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every object within a parsed schema, with its place."""
    waiting: list[tuple[Path, Any]] = [((), schema)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            yield path, item
        members = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        waiting.extend(((*path, key), child) for key, child in members)


def _place_of_pattern(schema: Any) -> str:
    """The JSON Pointer of the pattern that takes longest to compile."""
    slowest, found = -1.0, ""
    for path, item in _within(schema):
        for key, child in item.items():
            pattern = child if key == "pattern" else key if path[-1:] == ("patternProperties",) else None
            if isinstance(pattern, str) and (seconds := seconds_to_compile(pattern)) > slowest:
                slowest, found = seconds, pointer((*path, key))
    return found


def _place_of_reference(schema: Any, message: str) -> str:
    """The JSON Pointer of the first `$ref` whose target the message names; the root where none is found."""
    for path, item in _within(schema):
        reference = item.get("$ref")
        if isinstance(reference, str) and unquote(reference.partition("#")[2]) in message and "#" in reference:
            return pointer((*path, "$ref"))
    return ""


def _never_fetch(uri: str) -> Any:
    # A reference to another document is left to whoever holds that document.
    return True


def check_schema(read: Schema) -> None:
    """Raise InvalidSchema unless the schema is valid in its dialect, and its local references resolve.

    Where it does not name its dialect, that is the newest, whatever it looks like.
    """
    check_named_dialect(read)
    check_shape(read)
    check_compilable(read)


def check_named_dialect(read: Schema) -> None:
    """Raise InvalidSchema where the schema looks like one of an older dialect, but does not name it, and is none of
    the newest.
    """
    if draft_of(read.root) != read.draft:
        _obey(read.root)


def check_compilable(read: Schema) -> None:
    """Raise InvalidSchema unless a schema of the right shape can be compiled, in bounded time."""
    schema = read.root
    if seconds_compiling(read) > MOST_COMPILING:
        reason = "its regular expressions take too long to compile; shorten this one, or repeat less in it"
        raise InvalidSchema(reason, _place_of_pattern(schema))
    if characters_of_places(read) > MOST_OF_PLACES:
        raise InvalidSchema("too many places stand below long names, so that to name them takes too much memory")
    if not read.words.isdisjoint(_IDENTIFIERS) and (at := too_long(schema, read.draft)) is not None:
        reason = "the URIs that it gives its parts are too long together: each is made of those around it"
        raise InvalidSchema(reason, at)
    steps, place = evaluation(Document(read))
    if steps > MOST_EVALUATED:
        reason = "what is unevaluated here takes too long to find out: references multiply, or it is nested too deep"
        raise InvalidSchema(reason, pointer(place))
    try:
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
    _obey({**schema, "$schema": URIS[read.draft]})


def _obey(schema: Any) -> None:
    if jsonschema_rs.meta.is_valid(schema):
        return
    draft, faulty = draft_of(schema), Document(read_schema(schema)).source
    # To the innermost that is no schema: of the whole, a validator would tell all that is wrong within each alternative
    # of the meta-schema, over and over, and take gigabytes for it.
    while found := next(_faulty_within(faulty, draft), None):
        faulty = found
    try:
        jsonschema_rs.meta.validate({**faulty.schema, "$schema": URIS[draft]} if faulty.path else schema)
    except jsonschema_rs.ValidationError as error:
        raise InvalidSchema(reason_of(error), pointer([*faulty.path, *error.instance_path])) from None


def _faulty_within(source: Source, draft: int) -> Iterator[Source]:
    """The subschemas directly below that are none."""
    keywords = [word for word in source.schema if word in _applied(draft)] if isinstance(source.schema, dict) else []
    for each in (child for word in keywords for child in source.inside(word)):
        if isinstance(each.schema, dict) and not jsonschema_rs.meta.is_valid({**each.schema, "$schema": URIS[draft]}):
            yield each


@cache
def _applied(draft: int) -> frozenset[str]:
    """The keywords whose subschemas the dialect's meta-schema looks into."""
    known = (keywords_of(draft) & _APPLICATORS) | {"definitions", "dependencies"}
    return known - {"$defs"} if draft <= jsonschema_rs.Draft7 else known


_APPLICATORS = NAMES | {
    *("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "allOf"),
    *("unevaluatedProperties", "propertyNames", "anyOf", "oneOf", "not", "if", "then", "else", "contentSchema"),
}


def parse_schema(text: str | bytes) -> Any:
    """Read and check a schema's text. Raises InvalidJSON or InvalidSchema."""
    read = read_schema(loads(text))
    check_schema(read)
    return read.root
