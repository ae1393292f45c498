"""The URIs by which a schema and the resources embedded in it are known (JSON Schema 2020-12, Core 8.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urljoin

import jsonschema_rs

from linter_app.dialects import MAPS
from linter_app.json_text import pointer

DATA = ("const", "enum", "default", "examples", "example")
"""The keywords whose values are data, in which nothing is a schema."""
NAMES = MAPS | {"dependencies"}
"""The keywords whose members have names of any sort, `default` or `$ref` among them."""
MOST_CHARACTERS = 2_000_000
"""Of all URIs of one schema together. Each is made of those above it, so that a short text can have long ones."""


class Place(NamedTuple):
    """Where a subschema stands: within another, under a key."""

    above: Place | None
    key: str | int

    def __str__(self) -> str:
        """Its JSON Pointer."""
        steps: list[str | int] = []
        place: Place | None = self
        while place is not None:
            steps.append(place.key)
            place = place.above
        return pointer(steps[::-1])


class Subschema(NamedTuple):
    """An object that stands where a schema may."""

    schema: dict[str, Any]
    place: Place | None
    """None for the root."""
    base: str
    """The URI that references in it are joined with."""
    identifier: str
    """The URI that it gives itself, as it is written; empty where it has none."""

    @property
    def pointer(self) -> str:
        return str(self.place or "")


def subschemas(schema: Any, draft: int) -> Iterator[Subschema]:
    """Every object within a parsed schema that stands where a schema may, whether it is a valid one or not.

    Where the URIs together have more than MOST_CHARACTERS, the rest have none.
    """
    waiting: list[tuple[Any, Place | None, str, bool]] = [(schema, None, "", False)]
    characters = 0
    while waiting:
        value, place, base, named = waiting.pop()
        if isinstance(value, dict):
            if not named:
                identifier = "" if characters > MOST_CHARACTERS else _identifier(value, draft)
                if identifier:
                    base = joined(base, identifier)
                    characters += len(base)
                yield Subschema(value, place, base, identifier)
            waiting += [
                (member, Place(place, key), base, key in NAMES and not named)
                for key, member in reversed(value.items())
                if isinstance(member, (dict, list)) and (named or key not in DATA)
            ]
        elif isinstance(value, list):
            members = [*enumerate(value)]
            waiting += [
                (member, Place(place, index), base, False)
                for index, member in reversed(members)
                if isinstance(member, (dict, list))
            ]


def too_long(schema: Any, draft: int) -> str | None:
    """The JSON Pointer of the resource with which the URIs have more than MOST_CHARACTERS; None where they have not."""
    characters = 0
    for each in subschemas(schema, draft):
        characters += len(each.base) if each.identifier else 0
        if characters > MOST_CHARACTERS:
            return each.pointer
    return None


def identifies(draft: int) -> str:
    """The keyword that gives a schema its URI."""
    return "id" if draft == jsonschema_rs.Draft4 else "$id"


def _identifier(schema: dict[str, Any], draft: int) -> str:
    """The URI that a schema gives itself; empty where it has none, or no more than the name of a place."""
    given = schema.get(identifies(draft))
    if not isinstance(given, str) or given.startswith("#") or (draft <= jsonschema_rs.Draft7 and "$ref" in schema):
        return ""
    return given


def joined(base: str, uri: str) -> str:
    """A URI reference as its base leads it, without fragment."""
    try:
        return urldefrag(urljoin(base, uri)).url
    except ValueError:  # no URI, which the check of the content tells
        return uri
