"""Parts: schema objects in the terms of draft 2020-12, whatever draft they are written in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from linter_app.change import Path
from linter_app.documents import Source
from linter_app.patterns import matches

ALL_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
# The draft that brought a keyword (as jsonschema_rs numbers drafts); before it, the word meant nothing.
_SINCE = {"const": 6, "contains": 6, "propertyNames": 6, "if": 7, "then": 7, "else": 7, "prefixItems": 20}
_SINCE |= dict.fromkeys(("dependentRequired", "dependentSchemas", "minContains", "maxContains"), 19)
_SINCE |= dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), 19) | {"$dynamicRef": 20}
# The draft that a keyword was last meant in.
_UNTIL = {"id": 4, "dependencies": 7, "additionalItems": 19, "$recursiveRef": 19, "$recursiveAnchor": 19}
_KNOWN = frozenset(
    {
        *("type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "pattern", "format", "items", "prefixItems", "additionalItems", "minItems"),
        *("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "unevaluatedItems", "properties"),
        *("patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames", "required"),
        *("minProperties", "maxProperties", "dependencies", "dependentRequired", "dependentSchemas", "allOf"),
        *("anyOf", "oneOf", "not", "if", "then", "else", "title", "description", "$comment", "default", "examples"),
        *("example", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema"),
        *("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$ref", "$dynamicRef"),
        *("$recursiveRef", "$defs", "definitions", "$vocabulary"),
    }
)


@cache
def keywords_of(draft: int) -> frozenset[str]:
    """The keywords that mean something in this draft, assertions and annotations."""
    return frozenset(word for word in _KNOWN if _SINCE.get(word, 0) <= draft <= _UNTIL.get(word, 99))


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

    def path(self, keyword: str) -> Path:
        """Where a keyword is written."""
        return (*self.source.path, self.spelt.get(keyword, keyword))

    def target(self, keyword: str) -> Source | None:
        """Where a reference leads; None where that is not known."""
        source = self.source
        return source.document.resolve(Source(self.schema, source.path, source.document), keyword)

    def member(self, name: str) -> list[Source]:
        """What this part asks of the value of a property, but for `unevaluatedProperties`."""
        found = [self.at("properties", name)] if name in self.schema.get("properties", ()) else []
        found += [self.at("patternProperties", p) for p in self.schema.get("patternProperties", ()) if matches(p, name)]
        if not found and "additionalProperties" in self.schema:
            found.append(self.at("additionalProperties"))
        return found

    def item(self, index: int) -> list[Source]:
        """What this part asks of the item at an index, but for `unevaluatedItems`."""
        if index < len(self.schema.get("prefixItems", ())):
            return [self.at("prefixItems", index)]
        return [self.at("items")] if "items" in self.schema else []


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
        # A number means nothing in draft 4; it may stand where no meta-schema looks.
        boolean = draft == 4 or isinstance(made.get(exclusive), bool)
        if boolean and made.pop(exclusive, None) is True and end in made:
            made[exclusive] = made.pop(end)
            spelt[exclusive] = end
    return made, spelt


def types_of(declared: Any) -> frozenset[str]:
    """The types that a `type` keyword names; `number` brings `integer` with it."""
    types = frozenset([declared] if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def apart(types: frozenset[str]) -> frozenset[str]:
    """The types without `integer` where `number` brings it with it."""
    return types - {"integer"} if "number" in types else types


def common_multiple(one: Fraction, other: Fraction) -> Fraction:
    """The least number that is a multiple of both."""
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))


def type_of(value: Any) -> str:
    """The JSON type of a parsed value; a float without fraction is an `integer` (Validation 6.1.1)."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if math.isfinite(value) and value == int(value) else "number"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
