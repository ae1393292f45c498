"""Reading: what a conjunction of subschemas says at one place, in the terms of draft 2020-12.

A place is read together with its `allOf` members and `$ref` targets, so that it does not matter
on which of them a keyword stands. Older drafts' spellings become their 2020-12 equivalents.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from linter_app.change import Path
from linter_app.documents import REFERENCES, Source
from linter_app.json_text import identity, same
from linter_app.patterns import matches

Conjunction = tuple[Source, ...]
"""Subschemas that must hold together; the empty one accepts everything."""

ALL_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
DISJUNCTIVE = ("anyOf", "oneOf", "if")
# What may or may not evaluate items and properties, as the instance is.
_CONDITIONAL = frozenset({"anyOf", "oneOf", "if", "dependentSchemas", "$dynamicRef", "$recursiveRef", "contains"})
# The draft that brought a keyword (as jsonschema_rs numbers drafts); before it, the word meant nothing.
_SINCE = {"const": 6, "contains": 6, "propertyNames": 6, "if": 7, "then": 7, "else": 7, "prefixItems": 20}
_SINCE |= dict.fromkeys(("dependentRequired", "dependentSchemas", "minContains", "maxContains"), 19)
_SINCE |= dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), 19) | {"$dynamicRef": 20}
_RENAMED = frozenset({"items", "additionalItems", "dependencies", "exclusiveMinimum", "exclusiveMaximum", "$ref"})
_RENAMED |= {"$recursiveRef", *_SINCE}


@dataclass(eq=False, slots=True)
class Part:
    """One schema object of a conjunction, in 2020-12 terms, and how its own draft spells them."""

    schema: dict[str, Any]
    source: Source
    spelt: dict[str, str]

    def at(self, keyword: str, *steps: str | int) -> Source:
        """The subschema under a keyword (2020-12's name for it)."""
        child = self.schema[keyword]
        for step in steps:
            child = child[step]
        return Source(child, (*self.source.path, self.spelt.get(keyword, keyword), *steps), self.source.document)

    def path(self, keyword: str, *steps: str | int) -> Path:
        return (*self.source.path, self.spelt.get(keyword, keyword), *steps)


def part_of(source: Source) -> Part:
    """Read a schema object in 2020-12 terms. The result is made once for a document."""
    schema: dict[str, Any] = source.schema
    if _RENAMED.isdisjoint(schema):
        return Part(schema, source, {})
    document = source.document
    kept = document.kept(schema, "modern") or document.keep(schema, "modern", _modern(schema, document.draft))
    return Part(kept[0], source, kept[1])


def _modern(schema: dict[str, Any], draft: int) -> tuple[dict[str, Any], dict[str, str]]:
    if draft <= 7 and "$ref" in schema:
        return {"$ref": schema["$ref"]}, {}  # what stands beside it is ignored (draft 7 Core 8.3)
    made = {keyword: value for keyword, value in schema.items() if draft >= _SINCE.get(keyword, 0)}
    if draft != 19:
        made.pop("$recursiveRef", None)
    spelt: dict[str, str] = {}
    rest = made.pop("additionalItems", None) if draft < 20 else None
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        spelt["prefixItems"] = "items"
        if rest is not None:
            made["items"] = rest
            spelt["items"] = "additionalItems"
    if draft <= 7 and "dependencies" in made:
        for name, wanted in made.pop("dependencies").items():
            keyword = "dependentRequired" if isinstance(wanted, list) else "dependentSchemas"
            spelt[keyword] = "dependencies"
            made.setdefault(keyword, {})[name] = wanted
    for end in ("minimum", "maximum"):
        exclusive = "exclusive" + end.capitalize()
        if isinstance(made.get(exclusive), bool):
            if made.pop(exclusive) and end in made:
                made[exclusive] = made.pop(end)
                spelt[exclusive] = end
    return made, spelt


@dataclass(eq=False, slots=True)
class Group:
    """Alternatives of one part: `anyOf`, `oneOf`, or the two ways through `if`."""

    keyword: str
    part: Part
    branches: list[Source]


class View:
    """What a conjunction says: its parts, flattened through references and `allOf`."""

    def __init__(self, conjunction: Conjunction) -> None:
        self.conjunction = conjunction
        self.parts: list[Part] = []
        self.refuses_all = False
        self.unresolved: list[tuple[str, Source]] = []
        self._unevaluated: list[tuple[Part, int, int]] = []
        seen: set[int] = set()
        for source in conjunction:
            self._flatten(source, seen)
        self.keywords: frozenset[str] = frozenset().union(*(part.schema.keys() for part in self.parts))

    def _flatten(self, source: Source, seen: set[int]) -> None:
        schema = source.schema
        if not isinstance(schema, dict):
            self.refuses_all = self.refuses_all or schema is False
            return
        if id(schema) in seen:
            return  # what leads back to itself says nothing more
        seen.add(id(schema))
        start = len(self.parts)
        part = part_of(source)
        self.parts.append(part)
        schema = part.schema
        for keyword in REFERENCES:
            if keyword in schema:
                target = part.source.document.resolve(source, keyword)
                if target is None:
                    self.unresolved.append((str(schema[keyword]), source))
                else:
                    self._flatten(target, seen)
        for index in range(len(schema.get("allOf", ()))):
            self._flatten(part.at("allOf", index), seen)
        for keyword in ("anyOf", "oneOf"):
            if len(schema.get(keyword, ())) == 1:
                self._flatten(part.at(keyword, 0), seen)
        if schema.get("not") in (True, {}):
            self.refuses_all = True
        if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:
            self._unevaluated.append((part, start, len(self.parts)))

    def found(self, keyword: str) -> Iterator[tuple[Any, Part]]:
        """Each value of a keyword, with the part that it stands on."""
        for part in self.parts:
            if keyword in part.schema:
                yield part.schema[keyword], part

    def sources(self, keyword: str) -> Conjunction:
        """The subschemas under a keyword."""
        return tuple(part.at(keyword) for _, part in self.found(keyword))

    @cached_property
    def first(self) -> Source:
        return self.conjunction[0] if self.conjunction else self.parts[0].source

    @cached_property
    def groups(self) -> list[Group]:
        """The alternatives; lists of one member are read as if they were `allOf`."""
        groups = []
        for part in self.parts:
            for keyword in ("anyOf", "oneOf"):
                if len(part.schema.get(keyword, ())) > 1:
                    branches = [part.at(keyword, index) for index in range(len(part.schema[keyword]))]
                    groups.append(Group(keyword, part, branches))
            if "if" in part.schema and ("then" in part.schema or "else" in part.schema):
                groups.append(Group("if", part, _ways(part)))
        return groups

    @cached_property
    def unclear_evaluation(self) -> bool:
        """Whether what `unevaluated...` applies to hangs on the instance, not on the schema alone."""
        return any(
            len(part.schema[keyword]) > 1 if keyword in ("anyOf", "oneOf") else True
            for _, start, end in self._unevaluated
            for part in self.parts[start:end]
            for keyword in _CONDITIONAL & part.schema.keys()
        )

    # Types and values

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that may be accepted; `number` brings `integer` with it (Validation 6.1.1)."""
        types = ALL_TYPES
        for part in self.parts:
            types &= _types_on(part.schema)
        if self.values is not None:
            types &= frozenset(map(type_of, self.values))
        for group in self.groups:
            if group.keyword != "if":
                types &= frozenset().union(*(_shallow_types(branch) for branch in group.branches))
        return frozenset() if self.refuses_all else types

    @cached_property
    def values(self) -> list[Any] | None:
        """The listed values (`enum`, `const`) that the declared types admit; None where any value is."""
        listed: list[Any] | None = None
        for part in self.parts:
            for values in ([part.schema["const"]] if "const" in part.schema else None, part.schema.get("enum")):
                if isinstance(values, list):
                    known = set(map(identity, values))
                    listed = values if listed is None else [value for value in listed if identity(value) in known]
        if listed is None:
            return None
        declared = ALL_TYPES
        for part in self.parts:
            declared &= _declared(part.schema)
        return [value for value in listed if type_of(value) in declared]

    # Objects

    @cached_property
    def required(self) -> dict[str, Part]:
        return {name: part for names, part in reversed(list(self.found("required"))) for name in _list(names)}

    @cached_property
    def properties(self) -> dict[str, Part]:
        """The described properties, each with the first part that describes it."""
        return {name: part for names, part in reversed(list(self.found("properties"))) for name in names}

    @cached_property
    def patterns(self) -> dict[str, Part]:
        return {regex: part for found, part in reversed(list(self.found("patternProperties"))) for regex in found}

    def property(self, name: str) -> Conjunction:
        """What the value of a property of this name must satisfy."""
        return self._member(name, None)

    def rest(self) -> Conjunction:
        """What the value of a property must satisfy whose name nothing describes."""
        return self._member(None, None)

    def matching(self, regex: str) -> Conjunction:
        """What a property must satisfy whose name matches this pattern and is not described otherwise."""
        return self._member(None, regex)

    def _member(self, name: str | None, regex: str | None) -> Conjunction:
        found: list[Source] = []
        evaluated: list[bool] = []
        for part in self.parts:
            before = len(found)
            schema = part.schema
            if name is not None and name in schema.get("properties", ()):
                found.append(part.at("properties", name))
            for pattern in schema.get("patternProperties", ()):
                if pattern == regex or (name is not None and matches(pattern, name)):
                    found.append(part.at("patternProperties", pattern))
            if len(found) == before and "additionalProperties" in schema:
                found.append(part.at("additionalProperties"))
            evaluated.append(len(found) > before)
        for part, start, end in () if self.unclear_evaluation else self._unevaluated:
            if "unevaluatedProperties" in part.schema and not any(evaluated[start:end]):
                found.append(part.at("unevaluatedProperties"))
                evaluated[start] = True
        return tuple(found)

    def holes(self, name: str) -> list[Part]:
        """The open parts where this name is neither described nor matched: nothing was said of it."""
        return self.parts if not self.property(name) else []

    # Arrays

    @cached_property
    def prefix_length(self) -> int:
        return max((len(prefix) for prefix, _ in self.found("prefixItems")), default=0)

    def item(self, index: int) -> Conjunction:
        """What the item at this index must satisfy; at `prefix_length`, all later ones too."""
        found: list[Source] = []
        evaluated: list[bool] = []
        for part in self.parts:
            before = len(found)
            if index < len(part.schema.get("prefixItems", ())):
                found.append(part.at("prefixItems", index))
            elif "items" in part.schema:
                found.append(part.at("items"))
            evaluated.append(len(found) > before)
        for part, start, end in () if self.unclear_evaluation else self._unevaluated:
            if "unevaluatedItems" in part.schema and not any(evaluated[start:end]):
                found.append(part.at("unevaluatedItems"))
                evaluated[start] = True
        return tuple(found)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _ways(part: Part) -> list[Source]:
    """The two ways through `if`, as schemas of their own."""
    document, schema, path = part.source.document, part.schema, part.source.path
    made = document.kept(schema, "ways")
    if made is None:
        when, then, otherwise = schema["if"], schema.get("then", True), schema.get("else", True)
        made = document.keep(schema, "ways", ({"allOf": [when, then]}, {"allOf": [{"not": when}, otherwise]}))
    return [Source(way, path, document) for way in made]


def _types_on(schema: dict[str, Any]) -> frozenset[str]:
    types = _declared(schema)
    if "const" in schema:
        types &= {type_of(schema["const"])}
    return types


def _declared(schema: dict[str, Any]) -> frozenset[str]:
    declared = schema.get("type")
    if declared is None:
        return ALL_TYPES
    types = frozenset([declared] if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def _shallow_types(source: Source) -> frozenset[str]:
    view = _Shallow((source,))
    return frozenset() if view.refuses_all else view.types


class _Shallow(View):
    # Branches of branches are not looked into: their types may be any.
    groups: list[Group] = []  # type: ignore[assignment]  # in place of the cached property


def type_of(value: Any) -> str:
    """The JSON type of a parsed value; a float without fraction is an `integer` (Validation 6.1.1)."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if math.isfinite(value) and value == int(value) else "number"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def alike(old: Any, new: Any) -> bool:
    """Whether two parsed values are the same text, but for the order of members; faster than `same`."""
    return bool(old == new) and (repr(old) == repr(new) or same(old, new))


def disjoint(one: View, other: View) -> bool:
    """Whether no value satisfies both, as far as types, listed values and told-apart properties show."""
    if not one.types & other.types:
        return True
    if one.values is not None and other.values is not None:
        return not any(alike(value, known) for value in one.values for known in other.values)
    if one.types | other.types != {"object"}:
        return False
    # Told apart by a property that both ask for.
    return any(
        disjoint(View(one.property(name)), View(other.property(name)))
        for name in one.required.keys() & other.required.keys()
        if one.property(name) and other.property(name)
    )
