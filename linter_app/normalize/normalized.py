"""Normalized schemas: what a conjunction of subschemas requires, in the terms of draft 2020-12.

A subschema is read together with its `allOf` members and `$ref` targets, so that it does not matter in which of them a
keyword is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

from linter_app.normalize.schema_node import SchemaNode, node_of
from linter_app.patterns import literal, matches
from linter_app.schema.documents import Reference, Subschema
from linter_app.schema.formats import FORMATS, is_asserted
from linter_app.schema.json_text import json_hashable
from linter_app.schema.json_types import ALL_TYPES, type_of, types_of
from linter_app.schema.vocabulary import CONDITIONAL, DRAFT2020, REFERENCES, Kind, keywords_of

Conjunction = tuple[Subschema, ...]
"""Subschemas that must all be valid; the empty conjunction accepts everything."""

_LISTS = frozenset({"enum", "const"})
_FEW: dict[str, list[Any]] = {"boolean": [False, True], "null": [None]}
MAX_LEVELS = 16
"""Levels of alternatives within each other that are looked at for their types."""
DISJUNCTIVE = ("anyOf", "oneOf", "if")
_FLATTENED = frozenset({*REFERENCES, "allOf", "anyOf", "oneOf", "not", "unevaluatedProperties", "unevaluatedItems"})
"""Keywords that may say more of the same value."""
_SILENT = (Kind.ANNOTATION, Kind.IDENTIFIER, Kind.CONTENT, Kind.DEFINITIONS)


@dataclass(eq=False)
class Group:
    """The alternatives of one node: `anyOf`, `oneOf`, or the two branches of `if`."""

    keyword: str
    node: SchemaNode
    branches: list[Subschema]
    _accepts_all: bool | None = None

    @property
    def accepts_all(self) -> bool:
        """Whether one of `anyOf` accepts every value, such as an extension that nothing is said of."""
        if self._accepts_all is None:
            self._accepts_all = False  # as far as is known while a union that contains itself is looked at
            alternatives = self.branches if self.keyword == "anyOf" else ()
            self._accepts_all = any(normalize((branch,)).accepts_all for branch in alternatives)
        return self._accepts_all

    def types(self, levels: int) -> frozenset[str]:
        """Return the types that the alternatives may accept, as far as these levels of alternatives show."""
        if self.keyword == "oneOf" and sum(not constrains((branch,)) for branch in self.branches) > 1:
            return frozenset()  # every value satisfies two of them
        return frozenset().union(*(_types_of_branch(branch, levels) for branch in self.branches))

    @cached_property
    def listed(self) -> list[Any] | None:
        """All values of alternatives that list them one by one; None where one of them does not."""
        values: list[Any] = []
        for branch in self.branches:
            listed = normalize((branch,)).listed
            if listed is None:
                return None
            values += listed
        return values


def normalize(conjunction: Conjunction) -> NormalizedSchema:
    """Return the normalized form of a conjunction, computed once."""
    if not conjunction:
        return NormalizedSchema(conjunction)
    for each in conjunction:
        if isinstance(each.schema, bool):
            return NormalizedSchema(conjunction)  # `true` is one object wherever it is written
    first = conjunction[0]
    # Documents are part of the key: both schemas may share Python objects whose references differ. So are paths: a
    # branch of a condition is a schema that is made of others.
    purpose: Hashable = ("normalized", first.path)
    if len(conjunction) > 1:
        purpose = purpose, *((id(each.document), each.key) for each in conjunction[1:])
    known: NormalizedSchema | None = first.document.kept(first.schema, purpose)
    if known is None:
        known = first.document.keep(first.schema, purpose, NormalizedSchema(conjunction))
    return known


class NormalizedSchema:
    """The nodes of a conjunction, flattened through references and `allOf`."""

    levels = MAX_LEVELS

    def __init__(self, conjunction: Conjunction) -> None:
        self.conjunction = conjunction
        self.nodes: list[SchemaNode] = []
        self.refuses_all = False
        self.unresolved: dict[Reference, dict[str, Subschema]] = {}
        """References without one target, and the schemas that they may lead to, by their URIs."""
        self.unevaluated: list[tuple[SchemaNode, int, int]] = []
        """The nodes with `unevaluated...`, and the range of the nodes that it is about."""
        self._properties: dict[str, NormalizedSchema] = {}
        if len(conjunction) > 1:
            self._merge([normalize((subschema,)) for subschema in conjunction])
        elif conjunction:
            self._flatten(conjunction[0], set())
        self.keywords: frozenset[str] = frozenset().union(*(node.schema.keys() for node in self.nodes))

    def _flatten(self, subschema: Subschema, seen: set[int]) -> None:
        schema = subschema.schema
        if not isinstance(schema, dict):
            self.refuses_all = self.refuses_all or schema is False
            return
        if id(schema) in seen:
            return  # a schema that contains itself adds nothing
        seen.add(id(schema))
        start = len(self.nodes)
        node = node_of(subschema)
        self.nodes.append(node)
        schema = node.schema
        if _FLATTENED.isdisjoint(schema):
            return
        for keyword in REFERENCES:
            if keyword in schema:
                target = node.target(keyword)
                if target is None:
                    document = node.subschema.document
                    reference = document.reference(node.subschema, keyword)
                    self.unresolved[reference] = document.dynamic_targets(node.subschema, keyword)
                else:
                    self._flatten(target, seen)
        for index in range(len(schema.get("allOf", ()))):
            self._flatten(node.at("allOf", index), seen)
        for keyword in ("anyOf", "oneOf"):
            if len(schema.get(keyword, ())) == 1:
                self._flatten(node.at(keyword, 0), seen)
        refused = schema.get("not")
        if refused in (True, {}):
            self.refuses_all = True
        elif isinstance(refused, dict) and refused.keys() == {"not"}:
            self._flatten(node.at("not", "not"), seen)
        if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:
            self.unevaluated.append((node, start, len(self.nodes)))

    def _merge(self, parts: list[NormalizedSchema]) -> None:
        """Take over the nodes of several conjunctions, each only once."""
        seen: set[int] = set()
        for part in parts:
            positions = []
            for node in part.nodes:
                positions.append(len(self.nodes))
                if id(node.subschema.schema) not in seen:
                    seen.add(id(node.subschema.schema))
                    self.nodes.append(node)
            positions.append(len(self.nodes))
            self.unevaluated += [(node, positions[start], positions[end]) for node, start, end in part.unevaluated]
            self.unresolved |= part.unresolved
            self.refuses_all = self.refuses_all or part.refuses_all

    def found(self, keyword: str) -> Iterator[tuple[Any, SchemaNode]]:
        """Yield each value of a keyword, with the node that it is written in."""
        if keyword in self.keywords:
            yield from ((node.schema[keyword], node) for node in self.nodes if keyword in node.schema)

    def subschemas(self, keyword: str) -> Conjunction:
        """Return the subschemas under a keyword."""
        return tuple(node.at(keyword) for _, node in self.found(keyword))

    @cached_property
    def first(self) -> Subschema:
        return self.conjunction[0] if self.conjunction else self.nodes[0].subschema

    @cached_property
    def groups(self) -> list[Group]:
        """The alternatives; lists of one member are read as if they were `allOf`."""
        if CONDITIONAL.isdisjoint(self.keywords):
            return []
        return [group for node in self.nodes if not CONDITIONAL.isdisjoint(node.schema) for group in _groups_of(node)]

    @cached_property
    def unclear_evaluation(self) -> bool:
        """Whether it depends on the instance, and not on the schema alone, what `unevaluated...` applies to."""
        return any(
            len(node.schema[keyword]) > 1 if keyword in ("anyOf", "oneOf") else True
            for _, start, end in self.unevaluated
            for node in self.nodes[start:end]
            for keyword in CONDITIONAL & node.schema.keys()
        )

    @property
    def accepts_all(self) -> bool:
        """Whether every value is accepted, as far as annotations, references and alternatives show."""
        if self.refuses_all or self.unresolved or any(map(_is_asserted, self.keywords - {"anyOf"})):
            return False
        return all(group.accepts_all for group in self.groups)

    def is_extensible(self, keyword: str) -> bool:
        """Return whether readers must expect an `enum` or a union to grow (`x-extensible`)."""
        return any(node.schema.get("x-extensible") is True for _, node in self.found(keyword))

    # Types and values

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that may be accepted; `number` includes `integer` (Validation 6.1.1)."""
        types = self._declared
        if self.values is not None:
            types &= frozenset(map(type_of, self.values))
        for group in self.groups:
            types &= group.types(self.levels)
        if "not" in self.keywords:
            types -= frozenset() if self.forbidden.keys().isdisjoint(self.required) else {"object"}
            for refused, _ in self.found("not"):
                types &= _types_refusable(refused)
        return frozenset() if self.refuses_all else types

    @cached_property
    def listed(self) -> list[Any] | None:
        """The listed values (`enum`, `const`) of the declared types; None where none are listed."""
        listed: list[Any] | None = None
        for node in () if _LISTS.isdisjoint(self.keywords) else self.nodes:
            for values in ([node.schema["const"]] if "const" in node.schema else None, node.schema.get("enum")):
                if isinstance(values, list):
                    known = set(map(json_hashable, values))
                    listed = values if listed is None else [value for value in listed if json_hashable(value) in known]
        if listed is None:
            return None
        return [value for value in listed if type_of(value) in self._declared]

    @cached_property
    def values(self) -> list[Any] | None:
        """All values of the types and lists; None where they are infinitely many."""
        if self.listed is None and self._declared <= _FEW.keys():
            return [value for kind in sorted(self._declared) for value in _FEW[kind]]
        return self.listed

    @cached_property
    def possible(self) -> list[Any] | None:
        """All values, also where they are one string that a pattern such as `^a$` lets pass; None where unknown."""
        if self.values is None and self._declared == {"string"}:
            return next(([text] for text in map(literal, sorted(self.texts)) if text is not None), None)
        return self.values

    @cached_property
    def refused(self) -> set[Hashable]:
        """The values that are listed under `not`, as `json_hashable` returns them."""
        found: set[Hashable] = set()
        for schema, _ in self.found("not"):
            if isinstance(schema, dict) and schema.keys() <= {"enum", "const", "type"} and len(schema) == 1:
                values = [schema["const"]] if "const" in schema else schema.get("enum", [])
                found |= set(map(json_hashable, values))
        return found

    def refuses(self, value: Any) -> bool:
        """Return whether a value is refused, as far as types, `not` with listed values, patterns and lengths show."""
        if type_of(value) not in self._declared or json_hashable(value) in self.refused:
            return True
        if not isinstance(value, str):
            return False
        least, most = self.lengths
        return not least <= len(value) <= most or any(matches(pattern, value) is False for pattern in self.texts)

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
        """The minimum and maximum length of a string, those of its formats included."""
        formats = [
            FORMATS[name] for name, node in self.found("format") if is_asserted(name, node.subschema.document.draft)
        ]
        least: list[float] = [value for value, _ in self.found("minLength")] + [each.shortest for each in formats]
        most = [value for value, _ in self.found("maxLength")] + [each.longest for each in formats]
        return max(least, default=0), min(most, default=math.inf)

    # Numbers

    @property
    def is_whole(self) -> bool:
        """Whether every accepted number is an integer."""
        return "number" not in self.types or (self.divisor != 0 and self.divisor.denominator == 1)

    @cached_property
    def divisor(self) -> Fraction:
        """The divisor of every accepted number; 0 where any number is accepted."""
        divisors = [Fraction(str(value)) for value, _ in self.found("multipleOf")]
        divisors += [] if "number" in self.types else [Fraction(1)]
        return reduce(common_multiple, divisors) if divisors else Fraction(0)

    # Objects

    @cached_property
    def required(self) -> dict[str, SchemaNode]:
        return {name: node for names, node in reversed(list(self.found("required"))) for name in _list(names)}

    @cached_property
    def allowed(self) -> Set[str] | None:
        """The names of properties outside of which an object must not have any; None where it may have others."""
        closed = [
            node.schema.get("properties", {}).keys()
            for refused, node in self.found("additionalProperties")
            if refused is False and "patternProperties" not in node.schema
        ]
        return set(closed[0]).intersection(*closed) if closed else None

    @cached_property
    def names(self) -> tuple[Set[str], Set[str] | None]:
        """The names that every object must have, and those outside of which it must not have any (None: it may), by
        what is written here and in all alternatives of a union.
        """
        required, allowed = set(self.required), self.allowed
        for group in self.groups:
            branches = [each for each in map(normalize, zip(group.branches)) if "object" in each.types]
            if group.keyword == "if" or not branches:
                continue
            required |= set(branches[0].required).intersection(*(each.required for each in branches[1:]))
            closed = [each.allowed for each in branches]
            if all(names is not None for names in closed):
                union = set[str]().union(*(names or () for names in closed))
                allowed = union if allowed is None else allowed & union
        return required, allowed

    @cached_property
    def tags(self) -> dict[str, frozenset[Hashable]]:
        """The required properties that have listed values, with these values as `json_hashable` returns them."""
        listed = {name: self.normalized_property(name).listed for name in self.required}
        return {name: frozenset(map(json_hashable, values)) for name, values in listed.items() if values is not None}

    @cached_property
    def properties(self) -> dict[str, SchemaNode]:
        """The described properties, each with the first node that describes it."""
        return {name: node for names, node in reversed(list(self.found("properties"))) for name in names}

    @cached_property
    def patterns(self) -> dict[str, SchemaNode]:
        return {regex: node for found, node in reversed(list(self.found("patternProperties"))) for regex in found}

    def normalized_property(self, name: str) -> NormalizedSchema:
        """Return the normalized form of what applies to a property, computed once."""
        if name not in self._properties:
            self._properties[name] = normalize(self.property(name))
        return self._properties[name]

    def property(self, name: str) -> Conjunction:
        """Return what the value of a property must satisfy."""
        return self._member(name, None)

    def rest(self) -> Conjunction:
        """Return what the value of a property must satisfy whose name is not described."""
        return self._member(None, None)

    def matching(self, regex: str) -> Conjunction:
        """Return what a property must satisfy whose name matches this pattern and is not described otherwise."""
        return self._member(None, regex)

    @cached_property
    def forbidden(self) -> dict[str, SchemaNode]:
        """The properties that no object may have, as `{"not": {"required": ["name"]}}` says it."""
        return {
            refused["required"][0]: node
            for refused, node in self.found("not")
            if isinstance(refused, dict) and refused.keys() == {"required"} and len(_list(refused["required"])) == 1
        }

    def _member(self, name: str | None, regex: str | None) -> Conjunction:
        found: list[Subschema] = []
        evaluated: list[bool] = []
        if "not" in self.keywords and name is not None and name in self.forbidden:
            found.append(Subschema(False, self.forbidden[name].path("not"), self.first.document))
        for node in self.nodes:
            if name is not None:
                said = node.member(name)
            elif regex in node.schema.get("patternProperties", ()):
                said = [node.at("patternProperties", str(regex))]
            else:
                said = [node.at("additionalProperties")] if "additionalProperties" in node.schema else []
            found += said
            evaluated.append(bool(said))
        return self._with_unevaluated("unevaluatedProperties", found, evaluated)

    def _with_unevaluated(self, keyword: str, found: list[Subschema], evaluated: list[bool]) -> Conjunction:
        for node, start, end in () if self.unclear_evaluation else self.unevaluated:
            if keyword in node.schema and not any(evaluated[start:end]):
                found.append(node.at(keyword))
                evaluated[start] = True
        return tuple(found)

    def requires(self, name: str, levels: int = 4) -> bool:
        """Return whether every object needs a property, by what is written here or in every alternative."""
        return name in self.required or self._in_all_alternatives(name, levels, NormalizedSchema.requires)

    def describes(self, name: str, levels: int = 4) -> bool:
        """Return whether a property of every object is described, here or in every alternative."""
        return name in self.properties or self._in_all_alternatives(name, levels, NormalizedSchema.describes)

    def _in_all_alternatives(self, name: str, levels: int, holds: Callable[[NormalizedSchema, str, int], bool]) -> bool:
        for group in self.groups if levels else ():
            found = [normalize((branch,)) for branch in group.branches]
            if all("object" not in each.types or holds(each, name, levels - 1) for each in found):
                return True
        return False

    # Arrays

    @cached_property
    def prefix_length(self) -> int:
        return max((len(prefix) for prefix, _ in self.found("prefixItems")), default=0)

    def item(self, index: int) -> Conjunction:
        """Return what the item at this index must satisfy; at `prefix_length`, all later ones too."""
        said = [node.item(index) for node in self.nodes]
        found = [subschema for each in said for subschema in each]
        return self._with_unevaluated("unevaluatedItems", found, list(map(bool, said)))


class OwnKeywords(NormalizedSchema):
    """A subschema alone, without its references and `allOf`."""

    def _flatten(self, subschema: Subschema, seen: set[int]) -> None:
        self.nodes.append(node_of(subschema))


def constrains(conjunction: Conjunction) -> bool:
    """Return whether a conjunction may refuse anything, or only says `true` or annotations."""
    return not all(map(_says_nothing, conjunction))


def _says_nothing(subschema: Subschema) -> bool:
    schema = subschema.schema
    if not isinstance(schema, dict):
        return schema is True
    known = keywords_of(subschema.document.draft)
    return all(keyword not in known or known[keyword].kind in _SILENT for keyword in schema)


def _is_asserted(keyword: str) -> bool:
    """Return whether a keyword may refuse something itself: not by what is flattened."""
    known = keywords_of(DRAFT2020)
    return keyword in known and known[keyword].kind not in (*_SILENT, Kind.REFERENCE) and keyword != "allOf"


def common_multiple(one: Fraction, other: Fraction) -> Fraction:
    """Return the least number that is a multiple of both."""
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_OF_ONE_TYPE = {
    "object": (
        {"required", "properties", "patternProperties", "additionalProperties", "propertyNames", "minProperties"}
        | {"maxProperties", "dependentRequired", "dependentSchemas"}
    ),
    "array": {"items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"},
    "string": {"pattern", "minLength", "maxLength"},
}
"""Keywords that accept all values of the other types."""


def _types_refusable(refused: Any) -> frozenset[str]:
    """Return the types of which a schema may refuse a value: only those remain where it is negated."""
    if isinstance(refused, dict) and refused:
        for kind, keywords in _OF_ONE_TYPE.items():
            if refused.keys() <= keywords:
                return frozenset({kind})
    return ALL_TYPES


def _groups_of(node: SchemaNode) -> list[Group]:
    """Return the alternatives of one node, made once."""
    document, schema = node.subschema.document, node.schema
    purpose = ("groups", node.subschema.path)
    groups: list[Group] | None = document.kept(schema, purpose)
    if groups is None:
        groups = []
        for keyword in ("anyOf", "oneOf"):
            if len(schema.get(keyword, ())) > 1:
                branches = [node.at(keyword, index) for index in range(len(schema[keyword]))]
                groups.append(Group(keyword, node, branches))
        if "if" in schema and ("then" in schema or "else" in schema):
            groups.append(Group("if", node, _if_branches(node)))
        document.keep(schema, purpose, groups)
    return groups


def _if_branches(node: SchemaNode) -> list[Subschema]:
    """Return the two branches of `if`, as schemas."""
    document, schema, path = node.subschema.document, node.schema, node.subschema.path
    made = document.kept(schema, "if branches")
    if made is None:
        when, then, otherwise = schema["if"], schema.get("then", True), schema.get("else", True)
        made = document.keep(schema, "if branches", ({"allOf": [when, then]}, {"allOf": [{"not": when}, otherwise]}))
    return [Subschema(branch, path, document) for branch in made]


def negation(subschema: Subschema) -> Subschema:
    """Return the schema that accepts what this one refuses."""
    if isinstance(subschema.schema, bool):
        return Subschema(not subschema.schema, subschema.path, subschema.document)
    document = subschema.document
    made = document.keep(subschema.schema, "negation", {"not": subschema.schema})
    return Subschema(made, subschema.path, document)


def _types_of_branch(subschema: Subschema, levels: int) -> frozenset[str]:
    """Return the types that an alternative may accept; those of its own alternatives too, to some levels."""
    if not isinstance(subschema.schema, dict):
        return ALL_TYPES if subschema.schema else frozenset()
    if not levels:
        return ALL_TYPES
    known: list[frozenset[str]] | None = subschema.document.kept(subschema.schema, "types of an alternative")
    if known is None:
        # One that contains itself may have any type, as far as is known while it is looked at.
        known = subschema.document.keep(subschema.schema, "types of an alternative", [ALL_TYPES])
        known[0] = _Alternative((subschema,), levels - 1).types
    return known[0]


class _Alternative(NormalizedSchema):
    def __init__(self, conjunction: Conjunction, levels: int) -> None:
        super().__init__(conjunction)
        self.levels = levels
