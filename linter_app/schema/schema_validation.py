"""Whether a schema is valid in its dialect, and can be compiled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from linter_app.changes import Path
from linter_app.schema.dialects import URIS, InvalidSchema, Schema, draft_of, read_schema
from linter_app.schema.documents import Document
from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_text import loads
from linter_app.schema.json_types import ALL_TYPES, type_of
from linter_app.schema.references import unavailable_references, with_answers
from linter_app.schema.spelling import replaced
from linter_app.schema.validation_errors import short_reason
from linter_app.schema.vocabulary import REFERENCES, Kind, described_applicators, names_of, subschemas_under

MAX_FAULTS = 20
"""Faults of one schema that are found."""
_LIMITS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
"""Keywords of draft 4 that must not stand alone, with what they need."""
_TYPES = f"the types are {', '.join(sorted(ALL_TYPES))}"
# Without these keywords a schema that its meta-schema accepts can be compiled: nothing is resolved or parsed.
_COMPILED = names_of(Kind.IDENTIFIER) - {"$schema", "id"} | {"pattern", "patternProperties", *REFERENCES}


def parse_schema(text: str | bytes) -> Any:
    """Read and check a schema's text. Raises InvalidJSON or InvalidSchema."""
    schema = read_schema(loads(text))
    check_schema(schema)
    return schema.root


def check_schema(schema: Schema) -> None:
    """Raise InvalidSchema unless the schema is valid in its dialect and its local references resolve.

    A schema that does not name its dialect must also be valid in the newest.
    """
    check_default_dialect(schema)
    check_shape(schema)
    check_compilable(schema)


def check_default_dialect(schema: Schema) -> None:
    """Raise InvalidSchema if a schema without `$schema` looks like an older draft and is invalid in the newest."""
    if draft_of(schema.root) != schema.draft:
        _check_meta_schema(schema.root)


def check_shape(schema: Schema) -> None:
    """Raise InvalidSchema unless the keywords have the types that the dialect requires. References are not followed."""
    root = schema.root
    if isinstance(root, bool):
        return
    if not isinstance(root, dict):
        raise InvalidSchema(f"a JSON Schema is an object or a boolean, not {type_of(root)}")
    if schema.embeds:
        root = _without_embedded(schema)
    _check_meta_schema({**root, "$schema": URIS[schema.draft]})


def _without_embedded(schema: Schema) -> dict[str, Any]:
    """Return the root without the schemas that it embeds and that name another draft, once these are checked by it.

    Raises InvalidSchema.
    """
    document = Document(schema)
    embedded = {document.paths[id(each.root)]: each for each in document.embedded.values()}
    for path, each in embedded.items():
        try:
            check_shape(each.schema)
        except InvalidSchema as error:
            at = pointer(path)
            others = tuple((at + further, reason) for further, reason in error.others)
            raise InvalidSchema(error.reason, at + error.pointer, others=others) from None
    return replaced(schema.root, {path: {} for path in embedded})


def check_compilable(schema: Schema) -> None:
    """Raise InvalidSchema unless a schema of a valid shape can be compiled. What that costs is not bounded."""
    root = schema.root
    try:
        # Other documents are not available here: what refers to them is compiled without.
        others = [path for path in unavailable_references(Document(schema)) if _leads_out(root, path)]
        root = with_answers(root, dict.fromkeys(others, True)) if others else root
        # `id` is a keyword in draft 4 alone, and a common name of properties.
        if schema.draft == jsonschema_rs.Draft4 or not schema.member_names.isdisjoint(_COMPILED):
            jsonschema_rs.validator_for(root, retriever=_never_fetch)
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "$ref":
            at = _reference_pointer(root, error.message)
            raise InvalidSchema(f"unresolvable reference: {error.message}", at) from None
        raise InvalidSchema(error.message, pointer(error.instance_path)) from None
    except jsonschema_rs.ReferencingError as error:
        raise InvalidSchema(f"unresolvable reference: {error}") from None
    except ValueError as error:
        raise InvalidSchema(str(error)) from None


def _check_meta_schema(schema: Any) -> None:
    if jsonschema_rs.meta.is_valid(schema):
        return
    found = list(islice(_faults((), schema, draft_of(schema)), MAX_FAULTS))
    (at, reason), *others = found
    raise InvalidSchema(reason, at, others=tuple(others))


def _faults(path: Path, schema: Any, draft: int) -> Iterator[tuple[str, str]]:
    """Yield the JSON Pointer and the reason of each keyword that the meta-schema refuses.

    The keywords are tried one by one, and subschemas by themselves: for the whole schema, a validator would list every
    error of every alternative of the meta-schema, over and over, and take gigabytes for it.
    """
    found = False
    applicators = described_applicators(draft)
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        alone = {keyword: value, "$schema": URIS[draft]}
        if (limit := _LIMITS.get(keyword, "")) in schema and draft == jsonschema_rs.Draft4:
            alone[limit] = 0
        if keyword == "$schema" or jsonschema_rs.meta.is_valid(alone):
            continue
        below = subschemas_under(keyword, value, applicators[keyword]) if keyword in applicators else ()
        inner = [fault for steps, child in below for fault in _faults_below((*path, *steps), child, draft)]
        found = True
        yield from inner or [_fault(path, alone)]
    if not found:
        yield _fault(path, {**schema, "$schema": URIS[draft]} if path and isinstance(schema, dict) else schema)


def _faults_below(path: Path, child: Any, draft: int) -> Iterator[tuple[str, str]]:
    if isinstance(child, dict) and not jsonschema_rs.meta.is_valid({**child, "$schema": URIS[draft]}):
        yield from islice(_faults(path, child, draft), MAX_FAULTS)


def _fault(path: Path, schema: Any) -> tuple[str, str]:
    """Return the JSON Pointer and the reason of the first error in a schema at a path."""
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        reason = short_reason(error)
        if list(error.instance_path) == ["type"] and isinstance(error.instance, str):
            reason = f"{json.dumps(error.instance[:50], ensure_ascii=False)} is not a type; {_TYPES}"
        return pointer([*path, *error.instance_path]), reason
    return pointer(path), "the meta-schema refuses this combination of keywords"


def _objects(schema: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    return Document(read_schema(schema)).schemas()


def _reference_pointer(schema: Any, message: str) -> str:
    """Return the JSON Pointer of the first `$ref` whose target the message names; the root where none is found."""
    for path, item in _objects(schema):
        reference = item.get("$ref")
        if isinstance(reference, str) and unquote(reference.partition("#")[2]) in message and "#" in reference:
            return pointer((*path, "$ref"))
    return ""


def _leads_out(root: Any, path: Path) -> bool:
    """Return whether the reference of a subschema is to another document."""
    for step in path:
        root = root[step]
    return not str(root["$ref"]).startswith("#")


def _never_fetch(uri: str) -> Any:
    # Other documents are not available here; their references are checked where they are.
    return True
