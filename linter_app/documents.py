"""A schema document: where a subschema stands, and what a reference in it leads to. Never fetches anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urldefrag

import referencing.exceptions
from jsonschema_specifications import REGISTRY
from referencing import Registry, Resource

from linter_app import dialects
from linter_app.change import Path
from linter_app.dialects import REFERENCES, Schema
from linter_app.identifiers import NAMES, identifies, joined
from linter_app.json_text import pointer

# The keywords whose subschemas judge the same instance as the schema that they stand in.
SAME_INSTANCE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """One subschema, as it is written, and its place."""

    schema: Any
    path: Path
    document: Document

    @property
    def key(self) -> int:
        """What tells it from others: the parsed text itself, as long as its document lives."""
        return id(self.schema)

    @property
    def pointer(self) -> str:
        """Its JSON Pointer; for a supplied resource, a URI with the pointer as fragment."""
        return self.document.pointer(self.path)

    def at(self, *steps: str | int) -> Source:
        """The subschema that these steps lead to."""
        schema = self.schema
        for step in steps:
            schema = schema[step]
        return Source(schema, self.path + steps, self.document)

    def inside(self, keyword: str) -> list[Source]:
        """What stands under a keyword: each member of a list or of a map of names, or the one subschema."""
        value = self.schema[keyword]
        if isinstance(value, list):
            return [self.at(keyword, index) for index in range(len(value))]
        if isinstance(value, dict) and keyword in NAMES:
            return [self.at(keyword, name) for name in value]
        return [self.at(keyword)] if isinstance(value, dict) else []


class Document:
    """A schema with the resources that its references may use (URI to parsed schema)."""

    def __init__(self, schema: Schema, resources: Mapping[str, Any] | None = None, uri: str = "") -> None:
        self.schema = schema
        self.root = schema.root
        self.draft = schema.draft
        self.refers = schema.refers
        self.resources = resources or {}
        self._uri = uri
        self._others: dict[str, Document] = {}
        self._kept: dict[tuple[int, str], Any] = {}

    def pointer(self, path: Path) -> str:
        return f"{self._uri}#{pointer(path)}" if self._uri else pointer(path)

    @property
    def source(self) -> Source:
        return Source(self.root, (), self)

    def keep(self, schema: dict[str, Any], what: str, made: Any) -> Any:
        """Hold on to something derived from `schema`, so that it is made once and stays the same object."""
        return self._kept.setdefault((id(schema), what), made)

    def kept(self, schema: dict[str, Any], what: str) -> Any:
        return self._kept.get((id(schema), what))

    def resolve(self, source: Source, keyword: str) -> Source | None:
        """Where a reference of `source` leads; None where that is not known here."""
        reference = source.schema[keyword]
        if not isinstance(reference, str):
            return None
        if keyword == "$recursiveRef" or (keyword == "$dynamicRef" and "#" in reference):
            return self._dynamic(source, keyword, reference)
        return self._static(source.path, reference)

    def _static(self, path: Path, reference: str) -> Source | None:
        if (reference == "#" or reference.startswith("#/")) and not self._identified:
            return self._local(reference)
        try:
            found = self._registry.resolver(self._base(path)).lookup(reference)
        except (referencing.exceptions.Unresolvable, ValueError, TypeError, KeyError, AttributeError):
            return None
        return self._placed(found.contents, found.resolver._base_uri, reference)

    def _local(self, reference: str) -> Source | None:
        target: Any = self.root
        path: list[str | int] = []
        for token in reference[2:].split("/") if len(reference) > 1 else []:
            token = unquote(token).replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and token in target:
                target = target[token]
                path.append(token)
            elif isinstance(target, list) and token.isdecimal() and int(token) < len(target):
                target = target[int(token)]
                path.append(int(token))
            else:
                return None
        return Source(target, tuple(path), self) if isinstance(target, (dict, bool)) else None

    def _placed(self, contents: Any, base: str, reference: str) -> Source | None:
        if not isinstance(contents, (dict, bool)):
            return None
        if id(contents) in self._paths and isinstance(contents, dict):
            return Source(contents, self._paths[id(contents)], self)
        uri = urldefrag(base).url or urldefrag(reference).url
        if uri not in self._others:
            root = self._registry.contents(uri) if uri in self._registry else contents
            self._others[uri] = Document(dialects.read_schema(root), self.resources, uri)
        other = self._others[uri]
        return Source(contents, other._paths.get(id(contents), (urldefrag(reference).fragment,)), other)

    @cached_property
    def circular(self) -> Source | None:
        """A reference that leads back to itself without going into the instance, which means nothing (Core 9.4.1)."""
        if not self.refers:
            return None
        done: set[int] = set()
        for source in self._used():
            if any(keyword in source.schema for keyword in REFERENCES) and (found := self._circle(source, done)):
                return found
        return None

    def _used(self) -> Iterator[Source]:
        """The subschemas that something leads to: definitions count where they are referred to."""
        seen: set[int] = set()
        waiting = [self.source]
        while waiting:
            source = waiting.pop()
            if not isinstance(source.schema, dict) or source.key in seen:
                continue
            seen.add(source.key)
            yield source
            for keyword in source.schema:
                if keyword in REFERENCES:
                    target = source.document.resolve(source, keyword)
                    waiting += [target] if target is not None else []
                elif keyword in ("$defs", "definitions") or keyword in dialects.VALUES:
                    continue
                else:
                    waiting += source.inside(keyword)

    def _circle(self, start: Source, done: set[int]) -> Source | None:
        open_now: set[int] = set()
        waiting: list[tuple[Source, bool]] = [(start, False)]
        while waiting:
            source, left = waiting.pop()
            if left:
                open_now.discard(source.key)
                done.add(source.key)
            elif source.key in open_now:
                return source
            elif source.key not in done:
                open_now.add(source.key)
                waiting += [(source, True), *((each, False) for each in source.document._applied(source))]
        return None

    def _applied(self, source: Source) -> Iterator[Source]:
        """The subschemas that judge the same instance."""
        for keyword in source.schema:
            found: list[Source | None] = []
            if keyword in REFERENCES:
                found = [self.resolve(source, keyword)]
            elif keyword in SAME_INSTANCE:
                found = [*source.inside(keyword)]
            yield from (each for each in found if each is not None and isinstance(each.schema, dict))

    def _dynamic(self, source: Source, keyword: str, reference: str) -> Source | None:
        """The outermost target in dynamic scope, where it is the same on every way (Core 8.2.3.2)."""
        static = self._static(source.path, reference)
        anchored = self._anchored(static, keyword, reference)
        if static is None or not self._identified or len(anchored) < 2:
            return static
        return anchored.get(self._base(()))

    def ways(self, source: Source, keyword: str) -> dict[str, Source]:
        """Where a dynamic reference without one target may lead, by the URI of the resource; first what it names."""
        static = self._static(source.path, source.schema[keyword])
        if static is None:
            return {}
        return {self._base(static.path): static} | self._anchored(static, keyword, source.schema[keyword])

    def _anchored(self, static: Source | None, keyword: str, reference: str) -> dict[str, Source]:
        """The places that a dynamic reference may lead to instead, by the URIs of their resources."""
        anchor = "$recursiveAnchor" if keyword == "$recursiveRef" else "$dynamicAnchor"
        name = True if keyword == "$recursiveRef" else urldefrag(reference).fragment
        if static is None or not isinstance(static.schema, dict) or static.schema.get(anchor) != name:
            return {}
        return self._dynamic_anchors.get((anchor, name), {})

    @cached_property
    def _dynamic_anchors(self) -> dict[tuple[str, Any], dict[str, Source]]:
        """The places that have such an anchor, by its keyword and name, and by the URI of the resource."""
        found: dict[tuple[str, Any], dict[str, Source]] = {}
        for path, schema in self.schemas():
            for keyword in ("$recursiveAnchor", "$dynamicAnchor"):
                if isinstance(name := schema.get(keyword), (str, bool)):
                    found.setdefault((keyword, name), {}).setdefault(self._base(path), self._at(path))
        return found

    def _at(self, path: Path) -> Source:
        return self.source.at(*path)

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every object in the document with its place, whether it is a schema or a value."""
        waiting: list[tuple[Path, Any]] = [((), self.root)]
        while waiting:
            path, item = waiting.pop()
            if isinstance(item, dict):
                yield path, item
                waiting.extend(((*path, key), child) for key, child in item.items() if isinstance(child, (dict, list)))
            elif isinstance(item, list):
                waiting.extend(((*path, n), child) for n, child in enumerate(item) if isinstance(child, (dict, list)))

    @cached_property
    def _paths(self) -> dict[int, Path]:
        return {id(schema): path for path, schema in self.schemas()}

    @cached_property
    def _identified(self) -> dict[Path, str]:
        """The embedded resources that rename themselves: place to `$id` (`id` in draft 4)."""
        keyword = identifies(self.draft)
        return {
            path: schema[keyword]
            for path, schema in self.schemas()
            if path and isinstance(schema.get(keyword), str) and not schema[keyword].startswith("#")
            if self.draft > 7 or "$ref" not in schema
        }

    def _base(self, path: Path) -> str:
        base = self._root_uri
        for length in range(1, len(path) + 1):
            if path[:length] in self._identified:
                base = joined(base, self._identified[path[:length]])
        return base

    @cached_property
    def _root_uri(self) -> str:
        keyword = identifies(self.draft)
        own = self.root.get(keyword) if isinstance(self.root, dict) else None
        return joined(self._uri, own) if isinstance(own, str) else self._uri

    @cached_property
    def _registry(self) -> Registry[Any]:
        def resource(contents: Any) -> Resource[Any]:
            draft = dialects.SPECIFICATIONS[dialects.guessed_draft_of(contents)]
            return draft.create_resource(contents)

        named = [(uri, resource(contents)) for uri, contents in self.resources.items()]
        # The root comes last: a resource supplied under its URI does not replace it.
        known: Registry[Any] = REGISTRY
        return known.with_resources([*named, (self._root_uri, resource(self.root))]).crawl()


def references_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Every reference within a parsed value: the keyword, and what it holds."""
    for item in dialects.objects_in(value):
        yield from ((keyword, item[keyword]) for keyword in REFERENCES if keyword in item)


def refers(value: Any) -> bool:
    """Whether a value holds a reference, so that equal texts may mean different things."""
    return next(references_in(value), None) is not None
