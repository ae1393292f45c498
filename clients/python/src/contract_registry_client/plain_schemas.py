"""Compound schemas as generators of code read them: with local references, and names that can be types."""

from __future__ import annotations

import re
from typing import Any

from contract_registry_client.registry import JSON

_DATA = ("const", "enum", "default", "examples", "example")
"""Keywords whose values are no schemas."""


def module_name(contract: str) -> str:
    """Return a contract's name as a module has it: `order.created` is `order_created`."""
    return re.sub(r"[^a-z0-9]+", "_", contract.lower()).strip("_")


def plain_schema(compound: Any) -> Any:
    """Return a compound schema with its embedded contracts as plain definitions, referred to by `#/$defs/...`."""
    if not isinstance(compound, dict):
        return compound
    keyword = "definitions" if "$defs" not in compound else "$defs"
    definitions = compound.get(keyword)
    if not isinstance(definitions, dict):
        return compound
    embedded: dict[str, str] = {}
    taken = set(definitions)
    for schema in definitions.values():
        uri = _identifier(schema)
        if uri.startswith("contract:"):
            name = module_name(uri.removeprefix("contract:").partition("@")[0])
            while name in taken:  # two versions of one contract
                name += "_"
            taken.add(name)
            embedded[uri] = f"/{keyword}/{name}"
    plain: JSON = {name: _rewritten(member, embedded, "") for name, member in compound.items() if name != keyword}
    plain[keyword] = {}
    for key, schema in definitions.items():
        place = embedded.get(_identifier(schema), "")
        if place:
            schema = {name: member for name, member in schema.items() if name not in ("$id", "id")}
        plain[keyword][place.rpartition("/")[2] or key] = _rewritten(schema, embedded, place)
    return plain


def _identifier(schema: Any) -> str:
    found = (schema.get("$id") or schema.get("id")) if isinstance(schema, dict) else None
    return found if isinstance(found, str) else ""


def _rewritten(value: Any, embedded: dict[str, str], place: str) -> Any:
    """Return a part of a schema that stands at a place, with its references from the root of the document."""
    if isinstance(value, list):
        return [_rewritten(each, embedded, place) for each in value]
    if not isinstance(value, dict):
        return value
    rewritten: JSON = {}
    for name, member in value.items():
        if name == "$ref" and isinstance(member, str):
            whole, _, fragment = member.partition("#")
            if whole in embedded:
                member = f"#{embedded[whole]}{fragment}"
            elif not whole:
                member = f"#{place}{fragment}"
        elif name not in _DATA:
            member = _rewritten(member, embedded, place)
        rewritten[name] = member
    return rewritten
