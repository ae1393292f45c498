"""Coherence of a bundle: whether a WIT type and a JSON Schema of the same name describe the same data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from linter_app.changes import Change
from linter_app.normalize.normalized import NormalizedSchema, normalize
from linter_app.rule_catalogue import Rule, rule
from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document, Subschema
from linter_app.schema.json_types import reduced
from linter_app.wit.model import TypeItem, package_of
from linter_app.wit.text import declared_in
from linter_app.wit.tool import resolve


def _declared(what: str, purpose: str, wit: str, schema: Any) -> Rule:
    wit = f"package demo:shop;\n\ninterface types {{\n  {wit}\n}}\n"
    return rule(f"bundle-{what}", "none", purpose, wit, {"title": "Order", **schema}, level="warning")


_ID = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
NOT_IN_WIT = _declared(
    "field-not-in-wit",
    "A property of the JSON object has no field in the WIT record of the same name.",
    "record order { id: string }",
    {**_ID, "properties": {"id": {"type": "string"}, "note": {"type": "string"}}},
)
NOT_IN_SCHEMA = _declared(
    "field-not-in-schema",
    "A field of the WIT record has no property in the JSON object of the same name.",
    "record order { id: string, note: option<string> }",
    _ID,
)
OPTIONALITY = _declared(
    "optionality-differs",
    "A field is optional on one side only: an `option` in WIT; not required, or nullable, in the schema.",
    "record order { id: option<string> }",
    _ID,
)
LIST = _declared(
    "list-differs",
    "A field is a list on one side only.",
    "record order { id: list<string> }",
    _ID,
)
TYPE = _declared(
    "type-differs",
    "A field has different types on both sides (text, number, boolean).",
    "record order { id: u32 }",
    _ID,
)
ENUM = _declared(
    "enum-differs",
    "The cases of a WIT enum differ from the enum of the schema with the same name.",
    "enum order { open, paid }",
    {"enum": ["open", "shipped"]},
)
_SCALARS = {
    **{f"{sign}{bits}": {"integer"} for sign in "us" for bits in (8, 16, 32, 64)},
    **{f"f{bits}": {"integer", "number"} for bits in (32, 64)},
    "string": {"string"},
    "char": {"string"},
    "bool": {"boolean"},
}


@dataclass(frozen=True)
class _Named:
    """The named types of the WIT text and the named schemas, by the words of their names."""

    types: Mapping[str, TypeItem]
    schemas: Mapping[str, Subschema]


def check_bundle(schema: Any, wit: str, dependencies: Mapping[str, str] | None = None) -> tuple[Change, ...]:
    """Return where the schema and the WIT text of one bundle contradict each other, as warnings.

    Names match by their words (`OrderLine`, `order_line`, `order-line`); those of schemas are titles and names of
    definitions. In each change, `old_pointer` names the WIT item and `new_pointer` the subschema. Raises InvalidWIT,
    WITToolFailed.
    """
    package = package_of(resolve(wit, dependencies), declared_in(wit))
    types = {_words(name): each for interface in package.interfaces.values() for name, each in interface.types.items()}
    return tuple(_compared(_Named(types, _schemas(Document(read_schema(schema))))))


def _words(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return "-".join(re.findall(r"[a-z0-9]+", parted.lower()))


def _schemas(document: Document) -> dict[str, Subschema]:
    found: dict[str, Subschema] = {}
    for path, schema in document.schemas():
        names = [schema["title"]] if isinstance(schema.get("title"), str) else []
        if len(path) >= 2 and path[-2] in ("$defs", "definitions"):
            names.append(str(path[-1]))
        for name in names:
            if _words(name):
                found.setdefault(_words(name), document.root_subschema.at(*path))
    return found


def _compared(named: _Named) -> Iterator[Change]:
    for name in sorted(named.types.keys() & named.schemas.keys()):
        item, subschema = named.types[name], named.schemas[name]
        normalized = normalize((subschema,))
        if item.kind == "record":
            if "object" in normalized.types and normalized.properties:
                yield from _record(item, subschema, normalized, named)
        elif item.kind == "enum" and normalized.listed is not None:
            yield from _enum(item, subschema, normalized)


def _fact(which: Rule, message: str, wit: str, pointer: str, old: Any = None, new: Any = None) -> Change:
    return Change(which.id, f"/{wit}", pointer, "none", message, old, new, level=which.level)


def _enum(item: TypeItem, subschema: Subschema, normalized: NormalizedSchema) -> Iterator[Change]:
    values = {value for value in normalized.listed or () if isinstance(value, str)}
    cases, listed = {_words(name) for name in item.members}, {_words(value) for value in values}
    if cases != listed:
        only = [", ".join(sorted(left - right)) or "none" for left, right in ((cases, listed), (listed, cases))]
        message = f"enum {item.path!r} and the schema list different values: only in WIT {only[0]}; only here {only[1]}"
        yield _fact(ENUM, message, item.path, subschema.pointer, sorted(item.members), sorted(values))


def _record(item: TypeItem, subschema: Subschema, normalized: NormalizedSchema, named: _Named) -> Iterator[Change]:
    fields = {_words(name): (name, type_ or "") for name, type_ in item.members.items()}
    properties = {_words(name): name for name in normalized.properties}
    for name in sorted(properties.keys() - fields.keys()):
        at = normalized.properties[properties[name]].at("properties", properties[name]).pointer
        yield _fact(NOT_IN_WIT, f"property {properties[name]!r} has no field in record {item.path!r}", item.path, at)
    for name in sorted(fields.keys() - properties.keys()):
        field = f"{item.path}/{fields[name][0]}"
        yield _fact(
            NOT_IN_SCHEMA, f"field {fields[name][0]!r} of record {item.path!r} is no property", field, subschema.pointer
        )
    for name in sorted(fields.keys() & properties.keys()):
        member, type_ = fields[name]
        at = normalized.properties[properties[name]].at("properties", properties[name]).pointer
        value = normalize(normalized.property(properties[name]))
        required = properties[name] in normalized.required and "null" not in value.types
        yield from _field(f"{item.path}/{member}", type_, at, value, required, named)


def _field(path: str, type_: str, at: str, value: NormalizedSchema, required: bool, named: _Named) -> Iterator[Change]:
    optional = type_.startswith("option<")
    inner = type_[len("option<") : -1] if optional else type_
    if optional == required:
        said = "is always present" if required else "may be absent or null"
        yield _fact(OPTIONALITY, f"field {path!r} is {type_}, and the property {said}", path, at, type_, required)
    types = value.types - {"null"}
    is_list = inner.startswith("list<") and inner != "list<u8>"  # bytes are a string in JSON
    if is_list != ("array" in types) and not inner.startswith("tuple<"):
        yield _fact(
            LIST, f"field {path!r} is {inner}, and the property is {_shown(types)}", path, at, inner, sorted(types)
        )
    elif inner in _SCALARS and not types & _SCALARS[inner]:
        yield _fact(
            TYPE, f"field {path!r} is {inner}, and the property is {_shown(types)}", path, at, inner, sorted(types)
        )
    elif value.listed is not None and value.conjunction:
        enum = named.types.get(_words(inner.rpartition("/")[2]))
        if enum is not None and enum.kind == "enum":
            yield from _enum(enum, value.first, value)


def _shown(types: frozenset[str]) -> str:
    return " or ".join(sorted(reduced(types))) or "nothing"
