"""Reading: what a conjunction of subschemas says at one place, in the terms of draft 2020-12.

A place is read together with its `allOf` members and `$ref` targets, so that it does not matter
on which of them a keyword stands. Older drafts' spellings become their 2020-12 equivalents.
"""

from __future__ import annotations

import marshal
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

from linter_app.dialects import REFERENCES
from linter_app.documents import Source
from linter_app.json_text import identity, same
from linter_app.parts import ALL_TYPES, Part, common_multiple, part_of, type_of, types_of

Conjunction = tuple[Source, ...]
"""Subschemas that must hold together; the empty one accepts everything."""

_FEW: dict[str, list[Any]] = {"boolean": [False, True], "null": [None]}
DISJUNCTIVE = ("anyOf", "oneOf", "if")
# What may or may not evaluate items and properties, as the instance is.
_CONDITIONAL = frozenset({"anyOf", "oneOf", "if", "dependentSchemas", "$dynamicRef", "$recursiveRef", "contains"})


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
        self.unresolved: dict[tuple[str, ...], dict[str, Source]] = {}
        """References without one target: as written, with the URIs they may lead to and the schemas there."""
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
                target = part.target(keyword)
                if target is None:
                    ways = part.source.document.ways(part.source, keyword)
                    self.unresolved[str(schema[keyword]), *ways] = ways
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
        types = self._declared
        if self.values is not None:
            types &= frozenset(map(type_of, self.values))
        for group in self.groups:
            if group.keyword != "if":
                types &= frozenset().union(*(_shallow_types(branch) for branch in group.branches))
        return frozenset() if self.refuses_all else types

    @cached_property
    def listed(self) -> list[Any] | None:
        """The listed values (`enum`, `const`) that the declared types admit; None where none are listed."""
        listed: list[Any] | None = None
        for part in self.parts:
            for values in ([part.schema["const"]] if "const" in part.schema else None, part.schema.get("enum")):
                if isinstance(values, list):
                    known = set(map(identity, values))
                    listed = values if listed is None else [value for value in listed if identity(value) in known]
        if listed is None:
            return None
        return [value for value in listed if type_of(value) in self._declared]

    @cached_property
    def values(self) -> list[Any] | None:
        """All values that the types and lists admit; None where they are not finitely many."""
        if self.listed is None and self._declared <= _FEW.keys():
            return [value for kind in sorted(self._declared) for value in _FEW[kind]]
        return self.listed

    @cached_property
    def _declared(self) -> frozenset[str]:
        return ALL_TYPES.intersection(*(types_of(declared) for declared, _ in self.found("type")))

    # Strings

    @cached_property
    def texts(self) -> frozenset[str]:
        """The patterns that strings must match."""
        return frozenset(value for value, _ in self.found("pattern"))

    @cached_property
    def lengths(self) -> tuple[float, float]:
        """The least and the most characters of a string."""
        least: float = max((value for value, _ in self.found("minLength")), default=0)
        return least, min((value for value, _ in self.found("maxLength")), default=math.inf)

    # Numbers

    @cached_property
    def divisor(self) -> Fraction:
        """What every number here is a multiple of; 0 where any number is accepted."""
        divisors = [Fraction(str(value)) for value, _ in self.found("multipleOf")]
        divisors += [] if "number" in self.types else [Fraction(1)]
        return reduce(common_multiple, divisors) if divisors else Fraction(0)

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
            if name is not None:
                said = part.member(name)
            elif regex in part.schema.get("patternProperties", ()):
                said = [part.at("patternProperties", str(regex))]
            else:
                said = [part.at("additionalProperties")] if "additionalProperties" in part.schema else []
            found += said
            evaluated.append(bool(said))
        return self._with_unevaluated("unevaluatedProperties", found, evaluated)

    def _with_unevaluated(self, keyword: str, found: list[Source], evaluated: list[bool]) -> Conjunction:
        for part, start, end in () if self.unclear_evaluation else self._unevaluated:
            if keyword in part.schema and not any(evaluated[start:end]):
                found.append(part.at(keyword))
                evaluated[start] = True
        return tuple(found)

    # Arrays

    @cached_property
    def prefix_length(self) -> int:
        return max((len(prefix) for prefix, _ in self.found("prefixItems")), default=0)

    def item(self, index: int) -> Conjunction:
        """What the item at this index must satisfy; at `prefix_length`, all later ones too."""
        said = [part.item(index) for part in self.parts]
        found = [source for each in said for source in each]
        return self._with_unevaluated("unevaluatedItems", found, list(map(bool, said)))


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


def _shallow_types(source: Source) -> frozenset[str]:
    view = _Shallow((source,))
    return frozenset() if view.refuses_all else view.types


class _Shallow(View):
    # Branches of branches are not looked into: their types may be any.
    groups: list[Group] = []  # type: ignore[assignment]  # in place of the cached property


def alike(old: Any, new: Any) -> bool:
    """As `same`, and faster where both are written alike."""
    if old != new:
        return False
    try:
        # Unlike Python's equality it tells true from 1. Version 2 is free of references, which depend on identities.
        return marshal.dumps(old, 2) == marshal.dumps(new, 2) or same(old, new)
    except ValueError:  # not of JSON's types exactly, as of a caller in Python
        return same(old, new)


def disjoint(one: View, other: View) -> bool:
    """Whether no value satisfies both, as far as types, listed values and told-apart properties show."""
    if not one.types & other.types:
        return True
    if one.values is not None and other.values is not None:
        return not any(alike(value, known) for value in one.values for known in other.values)
    if one.types | other.types != {"object"}:
        return False
    # Told apart by a property that one asks for and the other refuses, or that both ask for.
    return any(
        disjoint(View(one.property(name)), View(other.property(name)))
        for name in one.required.keys() | other.required.keys()
        if (name in one.required and name in other.required) or _refused(name, one) or _refused(name, other)
    )


def _refused(name: str, view: View) -> bool:
    return any(source.schema is False for source in view.property(name))
