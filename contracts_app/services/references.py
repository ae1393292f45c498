"""References from one contract's schema to another's.

A reference is `contract:NAME@VERSION#/pointer`, where VERSION may be a range, or the registry's URL of a version,
`/registry/contracts/NAME/VERSION`, with or without a host before and `/schema` after it. A subschema that declares such
a URI as its own identifier is a part of the schema, not another contract (JSON Schema 2020-12, Core 9.3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from contracts_app.exceptions import TooExpensive
from linter_app.schema.dialects import InvalidSchema, draft_of
from linter_app.schema.identifiers import LocatedSchema, identifier_keyword, located_schemas, resolve_uri
from linter_app.schema.json_text import InvalidJSON, loads

_CONTRACT = re.compile(r"contract:([^@#]+)@([^#]+)")
_URL = re.compile(r"(?:https?://[^/]+)?/registry/contracts/([^/#]+)/([^/#]+?)(?:/schema)?")
MAX_CONTAINERS = 250_000
"""Arrays and objects in a text that is parsed in the worker's own process; each takes some hundred bytes of memory."""
REFERENCES = ("$ref", "$dynamicRef")
"""The keywords that may refer to another contract."""


@dataclass(frozen=True)
class Target:
    name: str
    version: str
    """An exact version or a range."""


def target_of(reference: str) -> Target | None:
    """Return the meaning of a reference without its fragment, or None if it does not refer to another contract."""
    match = _CONTRACT.fullmatch(reference) or _URL.fullmatch(reference)
    return Target(unquote(match[1]), unquote(match[2])) if match else None


def read_referring(text: str | None) -> Any:
    """Return the parsed schema of a text that may contain a reference; otherwise `True`, which has none.

    Also `True` if the text is not JSON; the check of the content reports that. Raises TooExpensive.
    """
    if text is not None and (
        "$ref" in text or "$dynamicRef" in text or "\\u" in text
    ):  # an escape sequence may hide one
        if text.count("{") + text.count("[") > MAX_CONTAINERS:
            raise TooExpensive(f"jsonSchema has more than {MAX_CONTAINERS} arrays and objects", limit=MAX_CONTAINERS)
        with suppress(InvalidJSON):
            return loads(text)
    return True


def references_of(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield each reference to another contract, without its fragment, and the JSON Pointer where it first occurs."""
    seen = {each.base for each in resources_of(schema)}
    for each in located_schemas(schema, dialect_of(schema)):
        for keyword in REFERENCES:
            reference = each.schema.get(keyword)
            if not isinstance(reference, str):
                continue
            whole = reference.partition("#")[0]
            if whole not in seen and target_of(whole):
                seen.add(whole)
                yield whole, f"{each.pointer}/{keyword}"


def resources_of(schema: Any) -> Iterator[LocatedSchema]:
    """Return the schema and the embedded schemas that declare a URI, which is their base."""
    return (each for each in located_schemas(schema, dialect_of(schema)) if each.identifier)


def replace_uris(schema: Any, replacement: Callable[[str, str], str | None], draft: int) -> None:
    """Change the URIs of references and identifiers in a parsed schema, in place; fragments stay.

    `replacement` receives the URI before the fragment, as written and resolved against its base URI, and returns
    another URI or None. Identifiers are written as the dialect `draft` spells them.
    """
    own = dialect_of(schema)
    for item, _, base, identifier in list(located_schemas(schema, own)):
        for keyword in REFERENCES:
            reference = item.get(keyword)
            whole, hash_, fragment = reference.partition("#") if isinstance(reference, str) else ("", "", "")
            if whole and (new := replacement(whole, resolve_uri(base, whole))) is not None:
                item[keyword] = new + hash_ + fragment
        if identifier:
            del item[identifier_keyword(own)]
            item[identifier_keyword(draft)] = replacement(identifier, base) or identifier


def dialect_of(schema: Any) -> int:
    """Return the dialect of a parsed schema, by its number in jsonschema_rs."""
    try:
        return draft_of(schema)
    except InvalidSchema:  # the check of the content reports it
        return jsonschema_rs.Draft202012
