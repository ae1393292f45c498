"""The keywords of JSON Schema, as data: what each one is, and in which drafts it has a meaning.

Every module that goes through a schema asks this table. A keyword that is not in it, or that the draft at hand does
not have, is an annotation (2020-12, Core 4.3.1): its value is data, and no schema is looked for in it.

To add a keyword, add its row here, a rule module in `linter_app/compare/rules/` and a case in `tests/linter/cases/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

DRAFT4, DRAFT6, DRAFT7, DRAFT2019, DRAFT2020 = DRAFTS = (4, 6, 7, 19, 20)
"""The drafts, as jsonschema_rs numbers them."""


class Kind(Enum):
    """What a keyword does."""

    ONE = "applicator of one subschema"
    LIST = "applicator of a list of subschemas"
    MAP = "applicator of subschemas by name"
    ONE_OR_LIST = "applicator of one subschema, or of a list of them"
    MAP_OR_NAMES = "applicator of subschemas by name, or lists of names"
    DEFINITIONS = "subschemas by name that apply only where a reference leads to them"
    REFERENCE = "reference to a schema"
    ASSERTION = "assertion"
    ANNOTATION = "annotation"
    CONTENT = "annotation whose value is a schema"
    IDENTIFIER = "identifier"


class Keyword(NamedTuple):
    """One row: a keyword between two drafts, both included."""

    name: str
    kind: Kind
    since: int = DRAFT4
    until: int = DRAFT2020
    in_place: bool = False
    """Whether its subschemas apply to the same instance as the schema that it stands in."""
    conditional: bool = False
    """Whether it depends on the instance which of its subschemas apply."""
    described: tuple[int, int] | None = None
    """The drafts whose meta-schema describes its value, where they are not the ones that give it a meaning."""


_ONE, _LIST, _MAP, _ASSERTION = Kind.ONE, Kind.LIST, Kind.MAP, Kind.ASSERTION

TABLE: tuple[Keyword, ...] = (
    # Core
    Keyword("$schema", Kind.IDENTIFIER),
    Keyword("id", Kind.IDENTIFIER, until=DRAFT4),
    Keyword("$id", Kind.IDENTIFIER, since=DRAFT6),
    Keyword("$anchor", Kind.IDENTIFIER, since=DRAFT2019),
    Keyword("$recursiveAnchor", Kind.IDENTIFIER, since=DRAFT2019, until=DRAFT2019),
    Keyword("$dynamicAnchor", Kind.IDENTIFIER, since=DRAFT2020),
    Keyword("$vocabulary", Kind.IDENTIFIER, since=DRAFT2019),
    Keyword("$comment", Kind.ANNOTATION),
    Keyword("$ref", Kind.REFERENCE, in_place=True),
    Keyword("$recursiveRef", Kind.REFERENCE, since=DRAFT2019, until=DRAFT2019, in_place=True, conditional=True),
    Keyword("$dynamicRef", Kind.REFERENCE, since=DRAFT2020, in_place=True, conditional=True),
    # Many schemas of draft 7 use the newer name, and references lead there.
    Keyword("$defs", Kind.DEFINITIONS, described=(DRAFT2019, DRAFT2020)),
    Keyword("definitions", Kind.DEFINITIONS),
    # Applicators for the same instance
    Keyword("allOf", _LIST, in_place=True),
    Keyword("anyOf", _LIST, in_place=True, conditional=True),
    Keyword("oneOf", _LIST, in_place=True, conditional=True),
    Keyword("not", _ONE, in_place=True),
    Keyword("if", _ONE, since=DRAFT7, in_place=True, conditional=True),
    Keyword("then", _ONE, since=DRAFT7, in_place=True),
    Keyword("else", _ONE, since=DRAFT7, in_place=True),
    Keyword("dependentSchemas", _MAP, since=DRAFT2019, in_place=True, conditional=True),
    Keyword("dependencies", Kind.MAP_OR_NAMES, until=DRAFT7, in_place=True, described=(DRAFT4, DRAFT2020)),
    # Applicators for items and properties
    Keyword("items", Kind.ONE_OR_LIST, until=DRAFT2019),
    Keyword("items", _ONE, since=DRAFT2020),
    Keyword("prefixItems", _LIST, since=DRAFT2020),
    Keyword("additionalItems", _ONE, until=DRAFT2019),
    Keyword("unevaluatedItems", _ONE, since=DRAFT2019),
    Keyword("contains", _ONE, since=DRAFT6, conditional=True),
    Keyword("properties", _MAP),
    Keyword("patternProperties", _MAP),
    Keyword("additionalProperties", _ONE),
    Keyword("unevaluatedProperties", _ONE, since=DRAFT2019),
    Keyword("propertyNames", _ONE, since=DRAFT6),
    # Assertions
    Keyword("type", _ASSERTION),
    Keyword("enum", _ASSERTION),
    Keyword("const", _ASSERTION, since=DRAFT6),
    Keyword("multipleOf", _ASSERTION),
    Keyword("minimum", _ASSERTION),
    Keyword("maximum", _ASSERTION),
    Keyword("exclusiveMinimum", _ASSERTION),
    Keyword("exclusiveMaximum", _ASSERTION),
    Keyword("minLength", _ASSERTION),
    Keyword("maxLength", _ASSERTION),
    Keyword("pattern", _ASSERTION),
    Keyword("format", _ASSERTION),
    Keyword("minItems", _ASSERTION),
    Keyword("maxItems", _ASSERTION),
    Keyword("uniqueItems", _ASSERTION),
    Keyword("minContains", _ASSERTION, since=DRAFT2019),
    Keyword("maxContains", _ASSERTION, since=DRAFT2019),
    Keyword("minProperties", _ASSERTION),
    Keyword("maxProperties", _ASSERTION),
    Keyword("required", _ASSERTION),
    Keyword("dependentRequired", _ASSERTION, since=DRAFT2019),
    # Annotations. They are read in every draft: one that a draft does not have is an annotation all the same.
    Keyword("title", Kind.ANNOTATION),
    Keyword("description", Kind.ANNOTATION),
    Keyword("default", Kind.ANNOTATION),
    Keyword("examples", Kind.ANNOTATION),
    Keyword("example", Kind.ANNOTATION),
    Keyword("deprecated", Kind.ANNOTATION),
    Keyword("readOnly", Kind.ANNOTATION),
    Keyword("writeOnly", Kind.ANNOTATION),
    # Not of JSON Schema: enums and unions that readers must expect to grow.
    Keyword("x-extensible-enum", Kind.ANNOTATION),
    Keyword("x-extensible", Kind.ANNOTATION),
    Keyword("contentEncoding", Kind.ANNOTATION),
    Keyword("contentMediaType", Kind.ANNOTATION),
    Keyword("contentSchema", Kind.CONTENT, described=(DRAFT2019, DRAFT2020)),
)

# Which older spelling draft 2020-12 has replaced, by the newer name.
OLDER_SPELLINGS: Mapping[str, str] = {
    "$id": "id",
    "$defs": "definitions",
    "$dynamicRef": "$recursiveRef",
    "$dynamicAnchor": "$recursiveAnchor",
    "prefixItems": "items",
    "dependentRequired": "dependencies",
    "dependentSchemas": "dependencies",
}

Step = tuple[str | int, ...]
_ONE_VALUE = frozenset({Kind.ONE, Kind.ONE_OR_LIST, Kind.CONTENT})
_SUBSCHEMAS = _ONE_VALUE | {Kind.LIST, Kind.MAP, Kind.MAP_OR_NAMES, Kind.DEFINITIONS}
_BY_NAME = frozenset({Kind.MAP, Kind.MAP_OR_NAMES, Kind.DEFINITIONS})


@cache
def keywords_of(draft: int) -> Mapping[str, Keyword]:
    """The keywords that have a meaning in a draft, by name."""
    return {each.name: each for each in TABLE if each.since <= draft <= each.until}


@cache
def names_of(*kinds: Kind, draft: int | None = None) -> frozenset[str]:
    """The names of the keywords of some kinds, in one draft or in any."""
    return frozenset(
        each.name for each in TABLE if each.kind in kinds and (draft is None or each.since <= draft <= each.until)
    )


@cache
def applicators_of(draft: int | None = None) -> Mapping[str, Kind]:
    """The keywords whose values hold subschemas, definitions included, each with its kind.

    Without a draft: those of every draft, for schemas whose draft is not known yet.
    """
    found: dict[str, Kind] = {}
    for each in TABLE if draft is None else keywords_of(draft).values():
        if each.kind in _SUBSCHEMAS:
            found.setdefault(each.name, each.kind)
    return found


@cache
def described_applicators(draft: int) -> Mapping[str, Kind]:
    """The keywords whose values the meta-schema of a draft describes as subschemas, each with its kind."""
    return {
        each.name: each.kind
        for each in TABLE
        if each.kind in _SUBSCHEMAS
        for since, until in [each.described or (each.since, each.until)]
        if since <= draft <= until
    }


REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
"""The keywords that refer to a schema, in the order in which they are followed."""
IN_PLACE = frozenset(each.name for each in TABLE if each.in_place) - frozenset(REFERENCES)
"""The keywords whose subschemas apply to the same instance as the schema that they stand in."""
CONDITIONAL = frozenset(each.name for each in TABLE if each.conditional)
"""The keywords of which it depends on the instance whether a subschema applies, and evaluates items and properties."""
NAMED = names_of(Kind.MAP, Kind.MAP_OR_NAMES, Kind.DEFINITIONS)
"""The keywords whose members have names of any sort, which are no keywords."""
DEFINITIONS = names_of(Kind.DEFINITIONS)
CHANGED_SPELLINGS = frozenset(
    {each.name for each in TABLE if each.since > DRAFT4 or each.until < DRAFT2020}
    | {"exclusiveMinimum", "exclusiveMaximum", "$ref"}
)
"""The keywords that are not written, or do not mean, the same in every draft."""


def subschemas_in(schema: Mapping[str, Any], draft: int | None = None) -> Iterator[tuple[Step, Any]]:
    """The direct subschemas of a schema object: the steps that lead to each, and its value.

    Values that cannot be subschemas, such as a string under `items`, are left out. Without a draft, the keywords of
    every draft count.
    """
    applicators = applicators_of(draft)
    for keyword, value in schema.items():
        if keyword in applicators:
            yield from subschemas_under(keyword, value, applicators[keyword])


def subschemas_under(keyword: str, value: Any, kind: Kind) -> Iterator[tuple[Step, Any]]:
    """The subschemas in the value of one applicator."""
    if isinstance(value, dict) and kind in _BY_NAME:
        yield from (((keyword, name), member) for name, member in value.items() if isinstance(member, (dict, bool)))
    elif isinstance(value, list) and kind in (Kind.LIST, Kind.ONE_OR_LIST):
        yield from (((keyword, index), item) for index, item in enumerate(value) if isinstance(item, (dict, bool)))
    elif isinstance(value, (dict, bool)) and kind in _ONE_VALUE:
        yield (keyword,), value
