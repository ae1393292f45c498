"""How to break a schema: a function for each keyword, which tells the ways in which a value can violate it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from linter_app.documents import Source
from linter_app.json_text import identity
from linter_app.parts import ALL_TYPES, Part, types_of
from linter_app.witnesses.wanted import COUNTED, NUMERIC, Wanted

if TYPE_CHECKING:
    from linter_app.witnesses.draw import Draw

Literal = tuple[Source, bool]
"""A schema, and whether it shall be obeyed or broken."""


class Way(NamedTuple):
    """One way to break a keyword."""

    through: int
    """The `id` of the subschema that it leads through; 0 where it ends here."""
    keyword: str
    take: Callable[[], list[Literal]]
    """Adds to what is wanted; what is left over are further literals."""
    kinds: frozenset[str] = ALL_TYPES
    """The types of value that can go it."""
    done: bool = False
    """Whether what is wanted already breaks the keyword."""
    near: bool = False
    """Whether it leads through a property that is wanted anyway."""


class Case(NamedTuple):
    """A keyword of a part that shall be broken, and where the demands are gathered."""

    draw: Draw
    part: Part
    keyword: str
    wanted: Wanted

    @property
    def value(self) -> Any:
        return self.part.schema[self.keyword]

    def here(self, kind: tuple[str, ...], demand: Callable[[], Any]) -> Iterator[Way]:
        """The way to break this keyword itself, by a value of one of these types."""

        def take() -> list[Literal]:
            self.wanted.only(*kind)
            demand()
            return []

        yield Way(0, self.keyword, take, frozenset(kind))

    def already(self) -> Iterator[Way]:
        """The way that is gone already."""
        yield Way(0, self.keyword, list, done=True)

    def within(self, source: Source, kind: str, demand: Callable[[], Any]) -> Iterator[Way]:
        """The way that leads through a subschema, into an object or an array."""
        for way in self.here((kind,), demand):
            yield way._replace(through=id(source.schema))

    def instead(self, *literals: Literal, through: int | None = None) -> Iterator[Way]:
        """The way that passes the demand on to other schemas for the same value."""
        at = id(literals[0][0].schema) if through is None else through
        yield Way(at, self.keyword, lambda: list(literals))


def ways(draw: Draw, part: Part, keyword: str, wanted: Wanted) -> Iterator[Way]:
    """The ways to break one keyword of a part; none where it cannot be broken."""
    if keyword in _BREAKS:
        yield from _BREAKS[keyword](Case(draw, part, keyword, wanted))


def _type(case: Case) -> Iterator[Way]:
    types = types_of(case.value)
    if not types & case.wanted.types:
        return case.already()
    others = ALL_TYPES - types
    if "integer" in types and "number" not in types:
        others |= {"number"}  # one that is not an integer
    return case.here(tuple(others), lambda: None)


def _enum(case: Case) -> Iterator[Way]:
    values = case.value if case.keyword == "enum" else [case.value]
    wanted = case.wanted.values
    if wanted is not None and not {identity(value) for value in values} & {identity(value) for value in wanted}:
        return case.already()
    return case.here(tuple(ALL_TYPES), lambda: case.wanted.excluded.update(map(identity, values)))


def _lower(case: Case) -> Iterator[Way]:
    return case.here(NUMERIC, lambda: case.wanted.upper.append((case.value, case.keyword == "minimum")))


def _upper(case: Case) -> Iterator[Way]:
    return case.here(NUMERIC, lambda: case.wanted.lower.append((case.value, case.keyword == "maximum")))


def _multiple(case: Case) -> Iterator[Way]:
    return case.here(NUMERIC, lambda: case.wanted.not_multiples.append(case.value))


def _least(case: Case) -> Iterator[Way]:
    what = case.keyword[3:]
    return case.here((COUNTED[what],), lambda: case.wanted.at_most(what, case.value - 1))


def _most(case: Case) -> Iterator[Way]:
    what = case.keyword[3:]
    return case.here((COUNTED[what],), lambda: case.wanted.at_least(what, case.value + 1))


def _pattern(case: Case) -> Iterator[Way]:
    return case.here(("string",), lambda: case.wanted.not_patterns.append(case.value))


def _format(case: Case) -> Iterator[Way]:
    return case.here(("string",), lambda: case.wanted.not_formats.append(case.value))


def _unique(case: Case) -> Iterator[Way]:
    if case.value is True:
        yield from case.here(("array",), lambda: setattr(case.wanted, "repeated", True))


def _required(case: Case) -> Iterator[Way]:
    for name in case.value:
        if name in case.wanted.forbidden:
            yield from case.already()
        elif name not in case.wanted.required:
            yield from case.here(("object",), lambda name=name: case.wanted.forbidden.add(name))  # type: ignore[misc]


def _member(case: Case, name: str, source: Source) -> Iterator[Way]:
    def demand() -> None:
        case.wanted.required.add(name)
        case.wanted.members.append((name, source))

    if name not in case.wanted.forbidden:
        for way in case.within(source, "object", demand):
            yield way._replace(near=name in case.wanted.required)


def _properties(case: Case) -> Iterator[Way]:
    for name in case.value:
        yield from _member(case, name, case.part.at(case.keyword, name))


def _patterns(case: Case) -> Iterator[Way]:
    for regex in case.value:
        name = case.draw.name_matching(regex)
        if name is not None:
            yield from _member(case, name, case.part.at(case.keyword, regex))


def _rest(case: Case) -> Iterator[Way]:
    names = case.draw.fresh_names(case.part, case.wanted)
    if case.value is False and case.wanted.required & set(names) and case.wanted.types == {"object"}:
        yield from case.already()
    for name in names:
        yield from _member(case, name, case.part.at(case.keyword))


def _names(case: Case) -> Iterator[Way]:
    source = case.part.at(case.keyword)
    return case.within(source, "object", lambda: case.draw.bad_name(case.wanted, source))


def _item(case: Case, index: int, source: Source) -> Iterator[Way]:
    def demand() -> None:
        case.wanted.at_least("Items", index + 1)
        case.wanted.items.append((index, source))

    return case.within(source, "array", demand)


def _prefix(case: Case) -> Iterator[Way]:
    for index in range(len(case.value)):
        yield from _item(case, index, case.part.at(case.keyword, index))


def _items(case: Case) -> Iterator[Way]:
    index = len(case.part.schema.get("prefixItems", ())) + case.draw.dice.choice([0, 0, 0, 1, 2])
    return _item(case, index, case.part.at(case.keyword))


def _contains(case: Case) -> Iterator[Way]:
    source, least = case.part.at(case.keyword), case.part.schema.get("minContains", 1)
    if least:
        yield from case.within(source, "array", lambda: case.wanted.every_item.append(source))
    if least > 1:
        yield from case.here(("array",), lambda: case.wanted.at_most("Items", least - 1))
    if "maxContains" in case.part.schema:
        most = case.part.schema["maxContains"]
        yield from case.here(("array",), lambda: case.wanted.contained.append((source, most + 1)))


def _dependent_required(case: Case) -> Iterator[Way]:
    for name, others in case.value.items():
        for other in others:

            def demand(name: str = name, other: str = other) -> None:
                case.wanted.required.add(name)
                case.wanted.forbidden.add(other)

            if other not in case.wanted.required:
                yield from case.here(("object",), demand)


def _dependent_schemas(case: Case) -> Iterator[Way]:
    for name in case.value:
        source = case.part.at(case.keyword, name)

        def take(name: str = name, source: Source = source) -> list[Literal]:
            case.wanted.only("object")
            case.wanted.required.add(name)
            return [(source, False)]

        yield Way(id(source.schema), case.keyword, take, frozenset({"object"}))


def _branches(case: Case) -> list[Source]:
    return [case.part.at(case.keyword, index) for index in range(len(case.value))]


def _all_of(case: Case) -> Iterator[Way]:
    for source in _branches(case):
        yield from case.instead((source, False))


def _any_of(case: Case) -> Iterator[Way]:
    branches = _branches(case)
    aimed = (id(source.schema) for source in branches if id(source.schema) in case.draw.aim.way)
    yield from case.instead(*((source, False) for source in branches), through=next(aimed, 0))
    if case.keyword == "oneOf" and len(branches) > 1:
        yield from case.instead(*((source, True) for source in case.draw.dice.sample(branches, 2)), through=0)


def _not(case: Case) -> Iterator[Way]:
    return case.instead((case.part.at(case.keyword), True))


def _then(case: Case) -> Iterator[Way]:
    if "if" in case.part.schema:
        source = case.part.at(case.keyword)
        when = (case.part.at("if"), case.keyword == "then")
        yield from case.instead(when, (source, False), through=id(source.schema))


def _reference(case: Case) -> Iterator[Way]:
    target = case.part.target(case.keyword)
    if target is not None:
        yield from case.instead((target, False))


_BREAKS: dict[str, Callable[[Case], Iterator[Way]]] = {
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
    **dict.fromkeys(("$ref", "$dynamicRef", "$recursiveRef"), _reference),
}
