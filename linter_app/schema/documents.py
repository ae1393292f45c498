"""A schema document: the location of each subschema, and the targets of its references. Nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urldefrag

import referencing.exceptions
from jsonschema_specifications import REGISTRY
from referencing import Registry, Resource

from linter_app.changes import Path
from linter_app.schema import dialects
from linter_app.schema.dialects import Schema
from linter_app.schema.identifiers import identifier_keyword, local_target, located_schemas, resolve_uri
from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_types import objects_in
from linter_app.schema.vocabulary import (
    DEFINITIONS,
    REFERENCES,
    applicators_of,
    subschemas_in,
    subschemas_under,
)


class Reference(NamedTuple):
    """A reference as it is written, and the URI that it names.

    `is_elsewhere` says that it leads to another resource, of which the absolute URI is known but not the contents.
    """

    text: str
    uri: str
    is_elsewhere: bool

    def __str__(self) -> str:
        return self.uri.removesuffix("#") if self.is_elsewhere else self.text

    def is_same(self, other: Reference) -> bool:
        """Return whether both lead to the same schema, or both to none.

        A document without a URI is taken to be where the other is.
        """
        return self.uri == other.uri or (self.text == other.text and not (self.is_elsewhere and other.is_elsewhere))


@dataclass(eq=False, slots=True)  # not frozen: that makes each four times as slow to create
class Subschema:
    """One subschema as it is written, and its location."""

    schema: Any
    path: Path
    document: Document

    @property
    def key(self) -> int:
        """Identifies the subschema: the parsed object itself, as long as its document lives."""
        return id(self.schema)

    @property
    def pointer(self) -> str:
        """Its JSON Pointer; in a supplied resource, the URI with the pointer as its fragment."""
        return self.document.pointer(self.path)

    def at(self, *steps: str | int) -> Subschema:
        """Return the subschema that these steps lead to."""
        schema, path, document = self.schema, self.path, self.document
        for step in steps:
            schema, path = schema[step], (*path, step)
            if (embedded := document.embedded.get(id(schema))) is not None:
                path, document = (), embedded
        return Subschema(schema, path, document)

    def below(self, *, definitions: bool = False) -> Iterator[tuple[str, Subschema]]:
        """Yield the direct subschemas, each with the keyword that it is under; `definitions` only on request."""
        if not isinstance(self.schema, dict):
            return
        applicators = applicators_of(self.document.draft)
        for keyword, value in self.schema.items():
            if keyword in applicators and (definitions or keyword not in DEFINITIONS):
                for steps, child in subschemas_under(keyword, value, applicators[keyword]):
                    yield keyword, self.document.subschema(child, self.path + steps)


class Document:
    """A schema with the resources that its references may lead to (URI to parsed schema).

    An embedded schema that names another draft, and its own URI, is a document of its own within that `around` it.
    """

    def __init__(
        self,
        schema: Schema,
        resources: Mapping[str, Any] | None = None,
        uri: str = "",
        around: Subschema | None = None,
    ) -> None:
        self.schema = schema
        self.root = schema.root
        self.draft = schema.draft
        self.refers = schema.refers
        self.resources = resources or {}
        self._uri = uri
        self.around = around
        self._others: dict[str, Document] = {}
        self._kept: dict[tuple[int, Hashable], Any] = {}
        self._made: dict[str, dict[str, Any]] = {}
        self._targets: dict[tuple[str, str], Subschema | None] = {}
        self._bases: dict[Path, str] = {}

    def pointer(self, path: Path) -> str:
        if self.around is not None:
            return self.around.document.pointer(self.around.path + path)
        return f"{self._uri}#{pointer(path)}" if self._uri else pointer(path)

    @property
    def root_subschema(self) -> Subschema:
        return Subschema(self.root, (), self)

    def subschema(self, schema: Any, path: Path) -> Subschema:
        """Return a subschema of this document; the root of the document that is embedded there, if one is."""
        embedded = self.embedded.get(id(schema)) if self.embedded else None
        return Subschema(schema, path, self) if embedded is None else embedded.root_subschema

    @cached_property
    def embedded(self) -> dict[int, Document]:
        """The embedded documents, by the `id` of their root. Within an unknown dialect, the draft stays the same."""
        found: dict[int, Document] = {}
        waiting: list[tuple[Path, Any]] = [((), self.root)] if self.schema.embeds else []
        while waiting:
            path, schema = waiting.pop()
            draft = dialects.DRAFTS.get(str(schema.get("$schema")), self.draft) if isinstance(schema, dict) else 0
            named = isinstance(schema, dict) and isinstance(schema.get("$id", schema.get("id")), str)
            if path and named and draft != self.draft:
                within = replace(self.schema, root=schema, draft=draft)
                base = self._base(path[:-1])
                found[id(schema)] = Document(within, self.resources, base, Subschema(schema, path, self))
            else:
                waiting += [((*path, *steps), child) for steps, child in subschemas_in(schema)] if draft else []
        return found

    @cached_property
    def family(self) -> list[Document]:
        """This document and those that it is embedded in or embeds, innermost first."""
        if self.around is not None:
            return self.around.document.family
        documents = [self]
        for document in documents:
            documents += document.embedded.values()
        return documents[::-1]

    def _own(self, schema: dict[str, Any]) -> Subschema | None:
        """Return an object of this family of documents as a subschema."""
        for document in self.family:
            if id(schema) in document.paths:
                return Subschema(schema, document.paths[id(schema)], document)
        return None

    def keep(self, schema: dict[str, Any], purpose: Hashable, value: Any) -> Any:
        """Keep a value that is derived from `schema`, so that it is computed once and stays the same object."""
        return self._kept.setdefault((id(schema), purpose), value)

    def kept(self, schema: dict[str, Any], purpose: Hashable) -> Any:
        return self._kept.get((id(schema), purpose))

    def made(self, schema: dict[str, Any]) -> Subschema:
        """Return a schema that is made on the way, and written nowhere, as a subschema: one object for equal ones."""
        return Subschema(self._made.setdefault(json.dumps(schema), schema), (), self)

    # References

    def resolve(self, subschema: Subschema, keyword: str) -> Subschema | None:
        """Return the target of a reference, or None where it is not available or depends on the instance."""
        reference = subschema.schema[keyword]
        if not isinstance(reference, str):
            return None
        if keyword == "$recursiveRef" or (keyword == "$dynamicRef" and "#" in reference):
            return self._dynamic_target(subschema, keyword, reference)
        return self._static_target(subschema.path, reference)

    @cached_property
    def local_targets(self) -> dict[str, Subschema | None] | None:
        """The targets of all static references, in data too, by what is written; None where they have other bases."""
        if self._is_dynamic or self._identified or self.embedded or self.around is not None:
            return None
        return {reference: self._static_target((), reference) for reference in sorted(self.schema.references)}

    @cached_property
    def refers_to_definitions(self) -> bool:
        """Whether all references, in data too, are static and begin at the definitions of the root."""
        starts = tuple(f"#/{keyword}/" for keyword in DEFINITIONS)
        return not self._is_dynamic and all(each.startswith(starts) for each in self.schema.references)

    @property
    def _is_dynamic(self) -> bool:
        return not self.schema.member_names.isdisjoint({*REFERENCES} - {"$ref"})

    def reference(self, subschema: Subschema, keyword: str) -> Reference:
        """Return a reference of a subschema, as it is known without its target."""
        text, base = str(subschema.schema[keyword]), self._base(subschema.path)
        written, _, fragment = text.partition("#")
        uri = resolve_uri(base, written)
        return Reference(text, f"{uri}#{fragment}", bool(written) and ":" in base and uri not in self.registry)

    def dynamic_targets(self, subschema: Subschema, keyword: str) -> dict[str, Subschema]:
        """Return what a dynamic reference may lead to, by the URI of the resource; first what it names."""
        static = self._static_target(subschema.path, subschema.schema[keyword])
        if static is None:
            return {}
        return {self._base(static.path): static} | self._anchored(static, keyword, subschema.schema[keyword])

    def _static_target(self, path: Path, reference: str) -> Subschema | None:
        if (reference == "#" or reference.startswith("#/")) and not self._identified:
            if ("", reference) not in self._targets:
                target, steps = (self.root, ()) if reference == "#" else local_target(self.root, reference)
                found = Subschema(target, steps, self) if isinstance(target, (dict, bool)) else None
                found = (self._own(target) if self.embedded and isinstance(target, dict) else None) or found
                self._targets["", reference] = found
            return self._targets["", reference]
        base = self._base(path)
        key = (base, reference)
        if key not in self._targets:
            self._targets[key] = self._found(base, reference)
        return self._targets[key]

    def _found(self, base: str, reference: str) -> Subschema | None:
        try:
            contents = self.registry.resolver(base).lookup(reference).contents
        except (referencing.exceptions.Unresolvable, ValueError, TypeError, KeyError, AttributeError):
            return None
        return self._located(contents, resolve_uri(base, reference), reference)

    def _located(self, contents: Any, uri: str, reference: str) -> Subschema | None:
        if not isinstance(contents, (dict, bool)):
            return None
        if isinstance(contents, dict) and (own := self._own(contents)) is not None:
            return own
        if uri not in self._others:
            root = self.registry.contents(uri) if uri in self.registry else contents
            self._others[uri] = Document(dialects.read_schema(root), self.resources, uri)
        other = self._others[uri]
        return Subschema(contents, other.paths.get(id(contents), (urldefrag(reference).fragment,)), other)

    def _dynamic_target(self, subschema: Subschema, keyword: str, reference: str) -> Subschema | None:
        """Return the outermost target in dynamic scope, where it is the same on every way (Core 8.2.3.2)."""
        static = self._static_target(subschema.path, reference)
        anchored = self._anchored(static, keyword, reference)
        if static is None or not self._identified or len(anchored) < 2:
            return static
        return anchored.get(self._base(()))

    def _anchored(self, static: Subschema | None, keyword: str, reference: str) -> dict[str, Subschema]:
        """Return the subschemas that a dynamic reference may lead to instead, by the URIs of their resources."""
        anchor = "$recursiveAnchor" if keyword == "$recursiveRef" else "$dynamicAnchor"
        name = True if keyword == "$recursiveRef" else urldefrag(reference).fragment
        if static is None or not isinstance(static.schema, dict) or static.schema.get(anchor) != name:
            return {}
        return self._dynamic_anchors.get((anchor, name), {})

    @cached_property
    def _dynamic_anchors(self) -> dict[tuple[str, Any], dict[str, Subschema]]:
        """The subschemas with a dynamic anchor, by its keyword and name, and by the URI of the resource."""
        found: dict[tuple[str, Any], dict[str, Subschema]] = {}
        for each in located_schemas(self.root, self.draft):
            for keyword in ("$recursiveAnchor", "$dynamicAnchor"):
                if isinstance(name := each.schema.get(keyword), (str, bool)):
                    targets = found.setdefault((keyword, name), {})
                    targets.setdefault(self._base(each.path), self.root_subschema.at(*each.path))
        return found

    # Locations

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield every object in the document with its path, whether it is a schema or data: references lead to any."""
        waiting: list[tuple[Path, Any]] = [((), self.root)]
        while waiting:
            path, item = waiting.pop()
            if isinstance(item, dict):
                yield path, item
                waiting.extend(((*path, key), child) for key, child in item.items() if isinstance(child, (dict, list)))
            elif isinstance(item, list):
                waiting.extend(((*path, n), child) for n, child in enumerate(item) if isinstance(child, (dict, list)))

    @cached_property
    def paths(self) -> dict[int, Path]:
        return {id(schema): path for path, schema in self.schemas()}

    @cached_property
    def _identified(self) -> dict[Path, str]:
        """The embedded resources: path to `$id` (`id` in draft 4)."""
        if not self.schema.identifies:
            return {}
        return {
            each.path: each.identifier
            for each in located_schemas(self.root, self.draft)
            if each.path and each.identifier
        }

    def _base(self, path: Path) -> str:
        if not self._identified:
            return self._root_uri
        length = len(path)
        while length and path[:length] not in self._bases:
            length -= 1
        base = self._bases.setdefault(path[:length], self._root_uri)
        for longer in range(length + 1, len(path) + 1):
            if path[:longer] in self._identified:
                base = resolve_uri(base, self._identified[path[:longer]])
            self._bases[path[:longer]] = base
        return base

    @cached_property
    def _root_uri(self) -> str:
        keyword = identifier_keyword(self.draft)
        own = self.root.get(keyword) if isinstance(self.root, dict) else None
        if own is None and self.around is not None:
            own = self.root.get("$id")  # validators know an embedded schema of draft 4 by it, too
        return resolve_uri(self._uri, own) if isinstance(own, str) else self._uri

    @cached_property
    def registry(self) -> Registry[Any]:
        if self.around is not None:
            return self.around.document.registry

        def resource(contents: Any) -> Resource[Any]:
            draft = dialects.SPECIFICATIONS[dialects.guessed_draft_of(contents)]
            return draft.create_resource(contents)

        named = [(uri, resource(contents)) for uri, contents in self.resources.items()]
        # The root comes last: a resource supplied under its URI does not replace it.
        known: Registry[Any] = REGISTRY
        return known.with_resources([*named, (self._root_uri, resource(self.root))]).crawl()


def refers(value: Any) -> bool:
    """Return whether a value contains a reference, so that equal texts may mean different things."""
    return any(any(keyword in item for keyword in REFERENCES) for item in objects_in(value))
