"""The subschemas of a schema, and the URIs by which embedded resources are known (JSON Schema 2020-12, Core 8.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

import jsonschema_rs

from linter_app.changes import Path
from linter_app.schema.json_pointers import follow, pointer
from linter_app.schema.vocabulary import OLDER_SPELLINGS, subschemas_in

MAX_URI_CHARACTERS = 2_000_000
"""Characters of all URIs of one schema. Each is made of those around it, so that a short text can have long ones."""


class PointerNode(NamedTuple):
    """The location of a subschema: the node of the schema around it, and the steps from there."""

    parent: PointerNode | None
    steps: Path

    @property
    def path(self) -> Path:
        """The steps from the root."""
        nodes: list[PointerNode] = []
        node: PointerNode | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return tuple(step for node in reversed(nodes) for step in node.steps)

    def __str__(self) -> str:
        """The JSON Pointer."""
        return pointer(self.path)


class LocatedSchema(NamedTuple):
    """A schema object, with its location and URIs."""

    schema: dict[str, Any]
    location: PointerNode | None
    """None for the root."""
    base: str
    """The base URI of its references."""
    identifier: str
    """The URI that it gives itself, as it is written; empty where it has none."""

    @property
    def path(self) -> Path:
        return self.location.path if self.location else ()

    @property
    def pointer(self) -> str:
        return str(self.location or "")


def located_schemas(schema: Any, draft: int) -> Iterator[LocatedSchema]:
    """Yield a parsed schema and all its subschemas, valid or not, and those that only a local `$ref` makes schemas.

    Where the URIs together have more than MAX_URI_CHARACTERS, the rest have none.
    """
    waiting: list[tuple[Any, PointerNode | None, str]] = [(schema, None, "")]
    referenced: list[str] = []
    seen: set[int] = set()
    characters = 0
    while waiting or referenced:
        if not waiting:
            target, path = local_target(schema, referenced.pop())
            if isinstance(target, dict) and id(target) not in seen:
                waiting.append((target, PointerNode(None, path), ""))
            continue
        value, location, base = waiting.pop()
        if not isinstance(value, dict):
            continue
        seen.add(id(value))
        identifier = "" if characters > MAX_URI_CHARACTERS else _identifier(value, draft)
        if identifier:
            base = resolve_uri(base, identifier)
            characters += len(base)
        yield LocatedSchema(value, location, base, identifier)
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            referenced.append(reference)
        below = [(child, PointerNode(location, steps), base) for steps, child in subschemas_in(value)]
        waiting += reversed(below)


def local_target(root: Any, reference: str) -> tuple[Any, Path]:
    """Return what a reference such as `#/$defs/a` leads to, and the steps; None where it leads nowhere."""
    return follow(root, unquote(reference[1:])) or (None, ())


def identifier_keyword(draft: int) -> str:
    """Return the keyword that gives a schema its URI."""
    return OLDER_SPELLINGS["$id"] if draft == jsonschema_rs.Draft4 else "$id"


def _identifier(schema: dict[str, Any], draft: int) -> str:
    """Return the URI that a schema gives itself; empty where it has none, or only an anchor."""
    given = schema.get(identifier_keyword(draft))
    if not isinstance(given, str) or given.startswith("#") or (draft <= jsonschema_rs.Draft7 and "$ref" in schema):
        return ""
    return given


def resolve_uri(base: str, uri: str) -> str:
    """Return a URI reference resolved against its base, without the fragment."""
    try:
        return urldefrag(urljoin(base, uri)).url
    except ValueError:  # not a URI, which the check of the schema reports
        return uri
