"""Spellings that people use and validators refuse, written as the drafts define them.

Dialects with `http` for `https` or without `#`, references and identifiers that are not percent-encoded, identifiers
with a fragment, and regular expressions of JavaScript without the flag `u`, or with named groups as in Python.
Locations stay the same, except below a pattern of `patternProperties` that is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import regex

from linter_app.changes import Path
from linter_app.patterns.legacy import with_unicode_flag
from linter_app.schema.identifiers import located_schemas
from linter_app.schema.vocabulary import REFERENCES

RESPELLED = frozenset({"pattern", "patternProperties", "$id", "id", *REFERENCES})
"""Members that may have to be spelled otherwise; an embedded schema has an identifier next to its `$schema`."""
_URI = "!#$%&'()*+,-./:;=?@_~[]"
"""Characters that a URI reference may have, besides letters and digits (RFC 3986)."""
_NAMED_GROUP = regex.compile(r"(?<!\\)\(\?P<(?=\w)")
"""The beginning of a named group as Python and Go spell it."""


def respelled(
    root: Any, draft: int, dialects: Mapping[str, str], objects: list[dict[str, Any]]
) -> tuple[Any, list[dict[str, Any]]]:
    """Return a parsed schema in the spelling of the drafts, and the `objects` in it; only what changes is copied.

    `objects` are those with members of RESPELLED or `$schema`. `dialects` has the URI of a draft's meta-schema for
    other spellings of it.
    """
    changed = {id(each) for each in objects if next(_changes(each, dialects), None)}
    found = [each.path for each in located_schemas(root, draft) if id(each.schema) in changed] if changed else []
    copy = _Copy(root)
    for path in reversed(found):  # paths go through names that change, so what is below them comes first
        own = copy.at(path)
        own.update(dict(_changes(own, dialects)))
    return copy.root, [copy.made.get(id(each), each) for each in objects]


def replaced(root: dict[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return a parsed value in which others stand at these paths. Only what is around them is copied."""
    copy = _Copy(root)
    for path, value in values.items():
        copy.at(path[:-1])[path[-1]] = value
    return copy.root


def _changes(schema: dict[str, Any], dialects: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    dialect = schema.get("$schema")
    if isinstance(dialect, str) and dialects.get(dialect, dialect) != dialect:
        yield "$schema", dialects[dialect]
    for keyword in ("$id", "id"):
        identifier = schema.get(keyword)
        uri, _, fragment = (identifier if isinstance(identifier, str) else "").partition("#")
        if uri and (fragment or _encoded(uri) != uri):  # a fragment would be a place within another document
            yield keyword, _encoded(uri)
    for keyword in REFERENCES:
        reference = schema.get(keyword)
        if isinstance(reference, str) and (encoded := _encoded(reference)) != reference:
            yield keyword, encoded
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (written := _expression(pattern)) != pattern:
        yield "pattern", written
    patterns = schema.get("patternProperties")
    if isinstance(patterns, dict) and any(_expression(pattern) != pattern for pattern in patterns):
        yield "patternProperties", {_expression(pattern): value for pattern, value in patterns.items()}


@lru_cache(4096)
def _encoded(reference: str) -> str:
    uri, hash_, fragment = reference.partition("#")
    return quote(uri, safe=_URI) + hash_ + quote(fragment, safe=_URI.replace("#", "").replace("[", "").replace("]", ""))


@lru_cache(4096)
def _expression(pattern: str) -> str:
    if pattern.isalnum() or _is_expression(pattern):
        return pattern
    named = _NAMED_GROUP.sub("(?<", pattern)
    return next(filter(_is_expression, (with_unicode_flag(pattern), named, with_unicode_flag(named))), pattern)


def _is_expression(pattern: str) -> bool:
    # The newest drafts do not assert it.
    return bool(jsonschema_rs.meta.is_valid({"$schema": "http://json-schema.org/draft-07/schema#", "pattern": pattern}))


class _Copy:
    """A parsed value of which only what is changed is copied."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.made: dict[int, Any] = {}
        """The copies, by the `id` of what they are copies of."""
        self._own: set[int] = set()

    def at(self, path: Path) -> Any:
        """Return the copy of what is at a path, to be changed."""
        self.root = target = self._copied(self.root)
        for step in path:
            target[step] = target = self._copied(target[step])
        return target

    def _copied(self, value: Any) -> Any:
        if id(value) in self._own:
            return value
        made = value.copy()
        self.made[id(value)] = made
        self._own.add(id(made))
        return made
