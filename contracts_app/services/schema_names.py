"""The names in a contract that a search finds: fields of a schema, and what a WIT text declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from contracts_app.bundles import ContractBundle
from contracts_app.services.references import dialect_of
from contracts_app.services.schema_fields import type_of
from linter_app.schema.identifiers import located_schemas
from linter_app.schema.json_pointers import pointer

MAX_NAMES = 20_000
"""Names of one version that are found."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ID = r"%?[A-Za-z][A-Za-z0-9-]*"
_PACKAGE = re.compile(rf"\bpackage\s+({_ID}(?::{_ID})+(?:@[0-9A-Za-z.+-]+)?)")
_DECLARED = re.compile(
    rf"\b(interface|world|record|variant|enum|flags|resource|type)\s+({_ID})|({_ID})\s*:\s*(?:static\s+)?(?:async\s+)?func\b"
)


class FoundName(NamedTuple):
    """A name, with what it stands for."""

    kind: str
    """`field`, `definition`, `package`, `interface`, `function`, `type` or another word of WIT."""
    name: str
    path: str
    """Where it is, for people: `order.items[].sku`."""
    pointer: str = ""
    """The JSON Pointer of a field's schema."""
    type: str = ""
    required: bool = False


def names_in(bundle: ContractBundle) -> Iterator[FoundName]:
    """Yield the names in a version, at most MAX_NAMES."""
    found = _all_names(bundle)
    for _, name in zip(range(MAX_NAMES), found, strict=False):
        yield name


def _all_names(bundle: ContractBundle) -> Iterator[FoundName]:
    if bundle.json_schema is not None:
        yield from _fields(bundle.json_schema)
    if bundle.wit is not None:
        yield from _declared(bundle.wit)


def _fields(text: str) -> Iterator[FoundName]:
    try:
        schema = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return  # stored by another program; `verify_contracts` reports it
    for each in located_schemas(schema, dialect_of(schema)):
        properties = each.schema.get("properties")
        if not isinstance(properties, dict):
            continue
        required = each.schema.get("required")
        needed = set(map(str, required)) if isinstance(required, list) else set()
        before = _path(each.path)
        for name, member in properties.items():
            at = each.pointer + pointer(["properties", name])
            kind = type_of(member) if isinstance(member, dict) else "anything"
            yield FoundName("field", name, f"{before}.{name}".lstrip("."), at, kind, name in needed)


def _path(steps: tuple[Any, ...]) -> str:
    """Return the path of a subschema as people write it: without the keywords on the way."""
    shown = ""
    rest = list(map(str, steps))
    while rest:
        keyword = rest.pop(0)
        if keyword in ("properties", "patternProperties") and rest:
            shown += f".{rest.pop(0)}"
        elif keyword in ("$defs", "definitions") and rest:
            shown = f"{keyword}.{rest.pop(0)}"
        elif keyword in ("items", "prefixItems", "additionalItems", "contains"):
            shown += "[]"
        elif keyword in ("additionalProperties", "unevaluatedProperties"):
            shown += ".*"
    return shown


def _declared(text: str) -> Iterator[FoundName]:
    plain = _COMMENT.sub(" ", text)
    for found in _PACKAGE.finditer(plain):
        yield FoundName("package", found[1], found[1])
    for found in _DECLARED.finditer(plain):
        kind, name = (found[1], found[2]) if found[1] else ("function", found[3])
        yield FoundName(kind, name, name)
