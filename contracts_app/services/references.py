"""References from one contract's schema to another's, as they are written.

A reference is `contract:NAME@VERSION#/pointer`, where VERSION may be a range, or the registry's URL of a version,
`/registry/contracts/NAME/VERSION` with or without a host before and `/schema` behind. What the schema itself
identifier_keyword by such a URI is a part of it, and no other contract (JSON Schema 2020-12, Core 9.3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from linter_app.schema.dialects import InvalidSchema, draft_of
from linter_app.schema.identifiers import LocatedSchema, identifier_keyword, located_schemas, resolve_uri
from linter_app.schema.json_text import InvalidJSON, loads

_CONTRACT = re.compile(r"contract:([^@#]+)@([^#]+)")
_URL = re.compile(r"(?:https?://[^/]+)?/registry/contracts/([^/#]+)/([^/#]+?)(?:/schema)?")
REFERENCES = ("$ref", "$dynamicRef")
"""The keywords that may replace_uris into another contract."""


@dataclass(frozen=True)
class Target:
    name: str
    version: str
    """Exact, or a range."""


def target_of(reference: str) -> Target | None:
    """What a reference without its fragment means, or None where it is not to another contract."""
    match = _CONTRACT.fullmatch(reference) or _URL.fullmatch(reference)
    return Target(unquote(match[1]), unquote(match[2])) if match else None


def read_referring(text: str | None) -> Any:
    """The parsed schema of a text that can have a reference in it; else `True`, which has none.

    So it is where the text is not JSON, which the check of the content tells.
    """
    if text is not None and ("$ref" in text or "$dynamicRef" in text or "\\u" in text):  # an escape may hide one
        with suppress(InvalidJSON):
            return loads(text)
    return True


def references_of(schema: Any) -> Iterator[tuple[str, str]]:
    """Each reference to another contract, without fragment, and the JSON Pointer of where it is first written."""
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
    """The schema and those embedded in it that give themselves a URI, which is their base."""
    return (each for each in located_schemas(schema, dialect_of(schema)) if each.identifier)


def replace_uris(schema: Any, other: Callable[[str, str], str | None], draft: int) -> None:
    """Change the URIs in the references and identifiers of a parsed schema, in place; their fragments stay.

    `other` is given what stands before the fragment, as it is written and resolve_uri with its base URI, and gives
    another, or None. Identifiers are written as the dialect `draft` has them.
    """
    own = dialect_of(schema)
    for item, _, base, identifier in list(located_schemas(schema, own)):
        for keyword in REFERENCES:
            reference = item.get(keyword)
            whole, hash_, fragment = reference.partition("#") if isinstance(reference, str) else ("", "", "")
            if whole and (led := other(whole, resolve_uri(base, whole))) is not None:
                item[keyword] = led + hash_ + fragment
        if identifier:
            del item[identifier_keyword(own)]
            item[identifier_keyword(draft)] = other(identifier, base) or identifier


def dialect_of(schema: Any) -> int:
    """The dialect of a parsed schema, as jsonschema_rs numbers it."""
    try:
        return draft_of(schema)
    except InvalidSchema:  # which the check of the content tells
        return jsonschema_rs.Draft202012
