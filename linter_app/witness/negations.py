"""How to violate a schema: for each keyword, a function that yields the ways in which a value can violate it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Any, NamedTuple, Protocol

from linter_app.normalize.disjointness import Known, disjoint
from linter_app.normalize.normalized import constrains, normalize
from linter_app.normalize.schema_node import SchemaNode
from linter_app.patterns import literal
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_hashable
from linter_app.schema.json_types import ALL_TYPES, types_of
from linter_app.schema.vocabulary import REFERENCES
from linter_app.witness.constraints import COUNTED, NUMERIC, Constraints, Focus, Steps

MAX_COMPARED = 64
"""Alternatives of `oneOf` that are compared each with each, to find two that a value can satisfy."""
_MANY = frozenset({"required", "properties", "patternProperties", "allOf", "dependentRequired", "dependentSchemas"})
"""Keywords that can be violated in a way for each of their members."""
Literal = tuple[Subschema, bool]
"""A schema, and whether to satisfy or violate it."""


class Generator(Protocol):
    """What negations use of the instance generator."""

    rng: Random
    focus: Focus
    steps: Steps

    def name_matching(self, regex: str) -> str | None: ...
    def fresh_names(self, node: SchemaNode, constraints: Constraints) -> list[str]: ...
    def bad_name(self, constraints: Constraints, names: Subschema) -> None: ...


class Negation(NamedTuple):
    """One way to violate a keyword."""

    through: int
    """The `id` of the subschema that it leads through; 0 where it ends here."""
    keyword: str
    take: Callable[[], list[Literal]]
    """Add the constraints; return further literals."""
    kinds: frozenset[str] = ALL_TYPES
    """The types of value that can violate it so."""
    done: bool = False
    """Whether the constraints violate the keyword already."""
    near: bool = False
    """Whether it leads through a property that is required anyway."""
    far: bool = False
    """Whether it rarely succeeds: by satisfying two alternatives at once."""
    is_possible: Callable[[], bool] = lambda: True
    """Whether what is to be satisfied leaves it open, as far as is known: asked only for the way that is chosen."""


class NegatedKeyword(NamedTuple):
    """A keyword of a node that is to be violated, and where the constraints are collected."""

    generator: Generator
    node: SchemaNode
    keyword: str
    constraints: Constraints
    wanted: frozenset[int] | None = None
    """The subschemas through which a way must lead, by the `id` of each; None for all ways."""

    def is_wanted(self, schema: Any) -> bool:
        return self.wanted is None or id(schema) in self.wanted

    @property
    def value(self) -> Any:
        return self.node.schema[self.keyword]

    def here(self, kind: tuple[str, ...], demand: Callable[[], Any]) -> Iterator[Negation]:
        """Yield the way to violate this keyword itself, by a value of one of these types."""
        yield Negation(0, self.keyword, self._taking(kind, demand), frozenset(kind))

    def _taking(self, kind: tuple[str, ...], demand: Callable[[], Any]) -> Callable[[], list[Literal]]:
        def take() -> list[Literal]:
            self.constraints.only(*kind)
            demand()
            return []

        return take

    def already(self) -> Iterator[Negation]:
        """Yield the way that needs nothing more."""
        yield Negation(0, self.keyword, list, done=True)

    def within(
        self,
        subschema: Subschema,
        kind: str,
        demand: Callable[[], Any],
        is_possible: Callable[[], bool] = lambda: True,
        *,
        near: bool = False,
    ) -> Iterator[Negation]:
        """Yield the way that leads through a subschema, into an object or an array."""
        take, kinds = self._taking((kind,), demand), frozenset((kind,))
        yield Negation(id(subschema.schema), self.keyword, take, kinds, near=near, is_possible=is_possible)

    def is_kept(self, kept: Iterable[Subschema], *refused: Subschema) -> bool:
        """Return whether what is to be satisfied is known to satisfy one of the schemas that are to be violated."""
        is_same = self.generator.focus.is_same
        return any(is_same(one, other) for one in kept for other in refused)

    def instead(self, *literals: Literal, through: int | None = None) -> Iterator[Negation]:
        """Yield the way that passes the literal on to other schemas for the same value."""
        at = id(literals[0][0].schema) if through is None else through
        yield Negation(at, self.keyword, lambda: list(literals))


def negations(
    generator: Generator, node: SchemaNode, constraints: Constraints, wanted: frozenset[int] | None = None
) -> Iterator[Negation]:
    """Yield the ways to violate a node; with `wanted`, only those through one of these subschemas (`id`)."""
    for keyword in node.schema:
        if keyword in (_BREAKS if wanted is None else _LEADING):
            for negation in _BREAKS[keyword](NegatedKeyword(generator, node, keyword, constraints, wanted)):
                if wanted is None or negation.through in wanted:
                    yield negation


def _type(negated: NegatedKeyword) -> Iterator[Negation]:
    types = types_of(negated.value)
    if not types & negated.constraints.types:
        return negated.already()
    others = ALL_TYPES - types
    if "integer" in types and "number" not in types:
        others |= {"number"}  # one that is not an integer
    return negated.here(tuple(others), lambda: None)


def _enum(negated: NegatedKeyword) -> Iterator[Negation]:
    values = negated.value if negated.keyword == "enum" else [negated.value]
    listed = set(map(json_hashable, values))
    kept = None if negated.constraints.values is None else set(map(json_hashable, negated.constraints.values))
    if kept is not None and listed.isdisjoint(kept):
        yield from negated.already()
    elif kept is None or not kept <= listed:
        yield from negated.here(tuple(ALL_TYPES), lambda: negated.constraints.excluded.update(listed))


def _lower(negated: NegatedKeyword) -> Iterator[Negation]:
    value, exclusive = negated.value, negated.keyword == "minimum"
    if not any(limit > value or (limit == value and (exclusive or out)) for limit, out in negated.constraints.lower):
        yield from negated.here(NUMERIC, lambda: negated.constraints.upper.append((value, exclusive)))


def _upper(negated: NegatedKeyword) -> Iterator[Negation]:
    value, exclusive = negated.value, negated.keyword == "maximum"
    if not any(limit < value or (limit == value and (exclusive or out)) for limit, out in negated.constraints.upper):
        yield from negated.here(NUMERIC, lambda: negated.constraints.lower.append((value, exclusive)))


def _multiple(negated: NegatedKeyword) -> Iterator[Negation]:
    return negated.here(NUMERIC, lambda: negated.constraints.not_multiples.append(negated.value))


def _least(negated: NegatedKeyword) -> Iterator[Negation]:
    what = negated.keyword[3:]
    if negated.value > negated.constraints.range(what)[0]:
        yield from negated.here((COUNTED[what],), lambda: negated.constraints.at_most(what, negated.value - 1))


def _most(negated: NegatedKeyword) -> Iterator[Negation]:
    what = negated.keyword[3:]
    if negated.value < negated.constraints.range(what)[1]:
        yield from negated.here((COUNTED[what],), lambda: negated.constraints.at_least(what, negated.value + 1))


def _pattern(negated: NegatedKeyword) -> Iterator[Negation]:
    return negated.here(("string",), lambda: negated.constraints.not_patterns.append(negated.value))


def _format(negated: NegatedKeyword) -> Iterator[Negation]:
    return negated.here(("string",), lambda: negated.constraints.not_formats.append(negated.value))


def _unique(negated: NegatedKeyword) -> Iterator[Negation]:
    if negated.value is True:
        yield from negated.here(("array",), lambda: setattr(negated.constraints, "repeated", True))


def _required(negated: NegatedKeyword) -> Iterator[Negation]:
    for name in negated.value:
        if name in negated.constraints.forbidden:
            yield from negated.already()
        elif name not in negated.constraints.required:
            yield from negated.here(("object",), lambda name=name: negated.constraints.forbidden.add(name))  # type: ignore[misc]


def constants(schema: Any) -> set[Hashable] | None:
    """Return `listed` in a form that can be compared."""
    values = listed(schema)
    return {json_hashable(value) for value in values} if values is not None else None


def listed(schema: Any) -> list[Any] | None:
    """Return the values that a schema lists itself, or the one string that its pattern lets pass, or None."""
    if not isinstance(schema, dict):
        return None
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None and isinstance(schema.get("pattern"), str):
        text = literal(schema["pattern"])
        values = [text] if text is not None else None
    return values if isinstance(values, list) else None


def kept_constants(constraints: Constraints, name: str) -> set[Hashable] | None:
    """Return the values that a property may have by what is to be satisfied, where some schema lists them."""
    for node in constraints.nodes:
        described = node.schema.get("properties", ())
        if name in described and (kept := constants(described[name])) is not None:
            return kept
    return None


def _member(negated: NegatedKeyword, name: str, subschema: Subschema) -> Iterator[Negation]:
    constraints = negated.constraints
    if name in constraints.forbidden or not constrains((subschema,)):
        return

    def is_possible() -> bool:
        wanted = constants(subschema.schema)
        kept = kept_constants(constraints, name) if wanted is not None else None
        if wanted is not None and kept is not None and kept <= wanted:
            return False  # whatever value it has satisfies the schema
        said = [each for node in constraints.nodes for each in node.member(name)]
        # Otherwise it must not be there, or cannot be violated.
        return not any(each.schema is False for each in said) and not negated.is_kept(said, subschema)

    def demand() -> None:
        constraints.required.add(name)
        constraints.members.append((name, subschema))

    yield from negated.within(subschema, "object", demand, is_possible, near=name in constraints.required)


def _properties(negated: NegatedKeyword) -> Iterator[Negation]:
    for name, schema in negated.value.items():
        if negated.is_wanted(schema):
            yield from _member(negated, name, negated.node.at(negated.keyword, name))


def _patterns(negated: NegatedKeyword) -> Iterator[Negation]:
    for regex, schema in negated.value.items():
        name = negated.generator.name_matching(regex) if negated.is_wanted(schema) else None
        if name is not None:
            yield from _member(negated, name, negated.node.at(negated.keyword, regex))


def _rest(negated: NegatedKeyword) -> Iterator[Negation]:
    if not negated.is_wanted(negated.value) or not constrains((negated.node.at(negated.keyword),)):
        return
    names = negated.generator.fresh_names(negated.node, negated.constraints)
    if negated.value is False and negated.constraints.required & set(names) and negated.constraints.types == {"object"}:
        yield from negated.already()
    for name in names:
        yield from _member(negated, name, negated.node.at(negated.keyword))


def _names(negated: NegatedKeyword) -> Iterator[Negation]:
    subschema = negated.node.at(negated.keyword)
    return negated.within(subschema, "object", lambda: negated.generator.bad_name(negated.constraints, subschema))


def _item(negated: NegatedKeyword, index: int, subschema: Subschema) -> Iterator[Negation]:
    constraints = negated.constraints

    def is_possible() -> bool:
        said = [each for node in constraints.nodes for each in node.item(index)]
        return not negated.is_kept(said, subschema)

    def demand() -> None:
        constraints.at_least("Items", index + 1)
        constraints.items.append((index, subschema))

    if index < constraints.range("Items")[1] and constrains((subschema,)):
        yield from negated.within(subschema, "array", demand, is_possible)


def _prefix(negated: NegatedKeyword) -> Iterator[Negation]:
    for index, schema in enumerate(negated.value):
        if negated.is_wanted(schema):
            yield from _item(negated, index, negated.node.at(negated.keyword, index))


def _items(negated: NegatedKeyword) -> Iterator[Negation]:
    index = len(negated.node.schema.get("prefixItems", ())) + negated.generator.rng.choice([0, 0, 0, 1, 2])
    return _item(negated, index, negated.node.at(negated.keyword))


def _contains(negated: NegatedKeyword) -> Iterator[Negation]:
    subschema, least = negated.node.at(negated.keyword), negated.node.schema.get("minContains", 1)
    if least:
        yield from negated.within(subschema, "array", lambda: negated.constraints.every_item.append(subschema))
    if least > 1:
        yield from negated.here(("array",), lambda: negated.constraints.at_most("Items", least - 1))
    if "maxContains" in negated.node.schema:
        most = negated.node.schema["maxContains"]
        yield from negated.here(("array",), lambda: negated.constraints.contained.append((subschema, most + 1)))


def _dependent_required(negated: NegatedKeyword) -> Iterator[Negation]:
    for name, others in negated.value.items():
        for other in others:

            def demand(name: str = name, other: str = other) -> None:
                negated.constraints.required.add(name)
                negated.constraints.forbidden.add(other)

            if other not in negated.constraints.required:
                yield from negated.here(("object",), demand)


def _dependent_schemas(negated: NegatedKeyword) -> Iterator[Negation]:
    for name in negated.value:
        subschema = negated.node.at(negated.keyword, name)

        def take(name: str = name, subschema: Subschema = subschema) -> list[Literal]:
            negated.constraints.only("object")
            negated.constraints.required.add(name)
            return [(subschema, False)]

        yield Negation(id(subschema.schema), negated.keyword, take, frozenset({"object"}))


def _branches(negated: NegatedKeyword) -> list[Subschema]:
    return [negated.node.at(negated.keyword, index) for index in range(len(negated.value))]


def _all_of(negated: NegatedKeyword) -> Iterator[Negation]:
    for subschema in _branches(negated):
        yield from negated.instead((subschema, False))


def _any_of(negated: NegatedKeyword) -> Iterator[Negation]:
    branches = _branches(negated)
    together = [each for each in branches if each.key in negated.generator.focus.together]
    is_aim = len(together) == 2
    if not is_aim and not any(negated.is_wanted(each.schema) for each in branches):
        return
    if not negated.is_kept([node.subschema for node in negated.constraints.nodes], *branches):
        violated = negated.generator.focus.violated
        aimed = (id(subschema.schema) for subschema in branches if id(subschema.schema) in violated)
        # What can be violated in one way only comes first: the others have the choice.
        literals = ((subschema, False) for subschema in sorted(branches, key=_ways))
        yield from negated.instead(*literals, through=next(aimed, 0))
    if negated.keyword != "oneOf" or (negated.wanted is not None and not is_aim):
        return
    for two in [together] if is_aim else _overlapping(negated, branches):
        for negation in negated.instead(*((subschema, True) for subschema in two), through=0):
            yield negation._replace(far=not is_aim, through=two[0].key if is_aim else 0)


def _ways(subschema: Subschema) -> int:
    """Return in about how many ways a schema can be violated."""
    schema = subschema.schema
    if not isinstance(schema, dict):
        return 0
    return sum(len(value) if keyword in _MANY and value else 1 for keyword, value in schema.items())


def _overlapping(negated: NegatedKeyword, branches: list[Subschema]) -> list[Sequence[Subschema]]:
    """Return two alternatives that some value may satisfy together, any two of very many; none where none overlap."""
    rng = negated.generator.rng
    if len(branches) < 2 or len(branches) > MAX_COMPARED:
        return [rng.sample(branches, 2)] if len(branches) > 1 else []
    document, schema = negated.node.subschema.document, negated.node.schema
    found: list[tuple[Subschema, Subschema]] | None = document.kept(schema, "overlaps")
    if found is None:
        pairs = list(combinations(branches, 2))
        negated.generator.steps.take(len(pairs))
        known: Known = {}
        found = [pair for pair in pairs if not disjoint(normalize(pair[:1]), normalize(pair[1:]), known)]
        document.keep(schema, "overlaps", found)
    return [rng.choice(found)] if found else []


def _not(negated: NegatedKeyword) -> Iterator[Negation]:
    return negated.instead((negated.node.at(negated.keyword), True))


def _then(negated: NegatedKeyword) -> Iterator[Negation]:
    if "if" in negated.node.schema:
        subschema = negated.node.at(negated.keyword)
        when = (negated.node.at("if"), negated.keyword == "then")
        yield from negated.instead(when, (subschema, False), through=id(subschema.schema))


def _reference(negated: NegatedKeyword) -> Iterator[Negation]:
    target = negated.node.target(negated.keyword)
    if target is not None:
        yield from negated.instead((target, False))


_BREAKS: dict[str, Callable[[NegatedKeyword], Iterator[Negation]]] = {
    "type": _type,
    **dict.fromkeys(("enum", "const"), _enum),
    **dict.fromkeys(("minimum", "exclusiveMinimum"), _lower),
    **dict.fromkeys(("maximum", "exclusiveMaximum"), _upper),
    "multipleOf": _multiple,
    **{f"min{what}": _least for what in COUNTED},
    **{f"max{what}": _most for what in COUNTED},
    "pattern": _pattern,
    "format": _format,
    "uniqueItems": _unique,
    "required": _required,
    "properties": _properties,
    "patternProperties": _patterns,
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties"), _rest),
    "propertyNames": _names,
    "prefixItems": _prefix,
    **dict.fromkeys(("items", "unevaluatedItems"), _items),
    "contains": _contains,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "allOf": _all_of,
    **dict.fromkeys(("anyOf", "oneOf"), _any_of),
    "not": _not,
    **dict.fromkeys(("then", "else"), _then),
    **dict.fromkeys(REFERENCES, _reference),
}
_LEADING = (
    frozenset({"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"})
    | {"prefixItems", "items", "unevaluatedItems", "contains", "dependentSchemas", "allOf", "anyOf", "oneOf", "not"}
    | {"then", "else", *REFERENCES}
)
"""Keywords that can be violated through a subschema."""
