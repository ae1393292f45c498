"""JSON Schema dialects: which one a schema is written in, and properties that one pass over a parsed schema finds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

from linter_app.schema.json_types import objects_in
from linter_app.schema.spelling import RESPELLED, respelled
from linter_app.schema.vocabulary import REFERENCES, subschemas_in

DEFAULT = "https://json-schema.org/draft/2020-12/schema"
DRAFTS = {
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909,
    DEFAULT: jsonschema_rs.Draft202012,
}
"""The drafts by the URI of their meta-schema, as jsonschema_rs numbers them."""
URIS = {draft: uri for uri, draft in DRAFTS.items()}
SPECIFICATIONS: dict[int, Specification[Any]] = {
    jsonschema_rs.Draft4: DRAFT4,
    jsonschema_rs.Draft6: DRAFT6,
    jsonschema_rs.Draft7: DRAFT7,
    jsonschema_rs.Draft201909: DRAFT201909,
    jsonschema_rs.Draft202012: DRAFT202012,
}
"""The drafts as the library `referencing` describes them."""
_SPELLINGS = {
    f"{scheme}://{uri.partition('://')[2]}{end}": uri
    for uri in DRAFTS
    for scheme in ("http", "https")
    for end in ("", "#")
}
"""Each way to write the URI of a draft, with the one that the draft itself uses."""
_configured: dict[str, int] = {}
_LATEST = ("http://json-schema.org/schema#", "http://json-schema.org/schema", "https://json-schema.org/schema")
"""\"The latest\", as old tutorials write it: no draft is named."""
_NOTED = RESPELLED | {"$schema"}
"""Members of which one pass over a schema notes the objects that have them."""
# Only schemas with one of these keywords can be recognized as schemas of an older draft.
_DISTINCTIVE = frozenset({"exclusiveMinimum", "exclusiveMaximum", "items", "dependencies"})


@dataclass
class InvalidSchema(ValueError):
    """A schema that its dialect refuses; `pointer` is the JSON Pointer of the fault.

    `side` is `old` or `new`, where it is one of two that are compared. `others` has the JSON Pointer and the reason of
    each further fault that was found.
    """

    reason: str
    pointer: str = ""
    side: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.reason} (at {self.pointer or 'the root'})"


@dataclass(frozen=True, eq=False, slots=True)
class Schema:
    """A parsed schema, with what one pass over all of it gives."""

    root: Any
    member_names: frozenset[str]
    """The names of all members anywhere in it, keywords among them."""
    draft: int
    """The draft to read it in, as jsonschema_rs numbers it."""
    embeds: bool
    """Whether objects within it name another dialect."""
    names_dialects: bool
    """Whether objects within it name a dialect at all."""
    identifies: bool
    """Whether objects within it may have an identifier, too."""
    references: frozenset[str]
    """What is written in `$ref` anywhere in it, in data too."""
    objects: Set[int]
    """The objects in it that the caller may have elsewhere, too, by their `id`."""

    @property
    def refers(self) -> bool:
        """Whether it may contain a reference, so that equal texts may mean different things."""
        return not self.member_names.isdisjoint(REFERENCES)


def configure_dialects(dialects: Mapping[str, int]) -> None:
    """Give drafts to further URIs of `$schema`, for all schemas that this process reads from now on."""
    _configured.clear()
    _configured.update(dialects)


def read_schema(root: Any, dialects: Mapping[str, int] | None = None) -> Schema:
    """Pass over a parsed schema, valid or not, and return it as the drafts spell it.

    `dialects` has further URIs for `$schema`, each with its draft, besides those that are configured for the process.
    Objects that occur in several places become one object for each. Raises InvalidSchema on an unknown `$schema`.
    """
    aliases = {**_SPELLINGS, **{uri: URIS[draft] for uri, draft in {**_configured, **(dialects or {})}.items()}}
    if isinstance(root, dict) and root.get("$schema") in _LATEST:
        root = {keyword: value for keyword, value in root.items() if keyword != "$schema"}
    if isinstance(root, dict) and isinstance(dialect := root.get("$schema"), str) and dialect in aliases:
        root = {**root, "$schema": aliases[dialect]}
    names, noted, objects = _passed_over(root)
    if objects is None:
        return read_schema(json.loads(json.dumps(root)), dialects)
    draft = draft_of(root) if names.isdisjoint(_DISTINCTIVE) else guessed_draft_of(root)
    root, noted = respelled(root, draft, aliases, noted)
    own = {keyword for keyword in ("$id", "id") if isinstance(root, dict) and _has_text(root, keyword)}
    return Schema(
        root,
        frozenset(names),
        draft,
        embeds=any(_has_text(each, "$schema") and DRAFTS.get(each["$schema"], draft) != draft for each in noted),
        names_dialects=any(each is not root and _has_text(each, "$schema") for each in noted),
        identifies=any(sum(_has_text(each, keyword) for each in noted) > (keyword in own) for keyword in ("$id", "id")),
        references=frozenset(each["$ref"] for each in noted if _has_text(each, "$ref")),
        objects=objects,
    )


def _passed_over(root: Any) -> tuple[set[str], list[dict[str, Any]], set[int] | None]:
    """Return the names of all members, the objects with those of _NOTED, and the `id` of each object.

    None for these where an object is in several places.
    """
    names, seen, noted, count = set[str](), set[int](), list[dict[str, Any]](), 0
    for item in objects_in(root):
        names.update(item)
        seen.add(id(item))
        count += 1
        if not _NOTED.isdisjoint(item):
            noted.append(item)
    return names, noted, seen if len(seen) == count else None


def _has_text(schema: dict[str, Any], keyword: str) -> bool:
    return isinstance(schema.get(keyword), str)


def draft_of(schema: Any) -> int:
    """Return the draft that `$schema` names, or 2020-12 where it is absent. Raises InvalidSchema."""
    if not isinstance(schema, dict) or "$schema" not in schema:
        return jsonschema_rs.Draft202012
    dialect = schema["$schema"]
    if dialect in _LATEST:
        return jsonschema_rs.Draft202012
    if isinstance(dialect, str) and dialect in _configured:
        return _configured[dialect]
    if not isinstance(dialect, str) or dialect not in _SPELLINGS:
        known = ", ".join(DRAFTS)
        raise InvalidSchema(
            f"unknown dialect {dialect!r}; $schema must be one of {known}, or be given a draft by configuration",
            "/$schema",
        )
    return DRAFTS[_SPELLINGS[dialect]]


def guessed_draft_of(schema: Any) -> int:
    """Return the draft to read a schema in: `draft_of`, or without `$schema` the draft that its keywords show.

    A boolean `exclusiveMinimum` or `exclusiveMaximum` shows draft 4, a list under `items` or `dependencies` draft 7.
    Only subschemas count: data and unknown keywords show nothing. Raises InvalidSchema on an unknown `$schema`.
    """
    draft = draft_of(schema)
    if draft != jsonschema_rs.Draft202012 or not isinstance(schema, dict) or "$schema" in schema:
        return draft
    guess = draft
    waiting: list[Any] = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item.get("exclusiveMinimum"), bool) or isinstance(item.get("exclusiveMaximum"), bool):
            return jsonschema_rs.Draft4
        if isinstance(item.get("items"), list) or isinstance(item.get("dependencies"), dict):
            guess = jsonschema_rs.Draft7
        # An embedded schema with a dialect of its own shows nothing about what is around it.
        below = (child for _, child in subschemas_in(item))
        waiting.extend(child for child in below if isinstance(child, dict) and "$schema" not in child)
    return guess
