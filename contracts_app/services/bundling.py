"""A schema with all that it refers to in other contracts, as one document (JSON Schema 2020-12, Core 9.3.1).

What is referred to is read in the dialect of the schema that refers to it. Where it would mean something else there,
the reference is refused when it is published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from contracts_app.bundles import ContractBundle, Dependency, compact
from contracts_app.services.references import dialect_of, lead, resources_of, target_of
from contracts_app.services.remembering import remembering
from contracts_app.storage import ContractStorage
from linter_app import lint
from linter_app.checks import check_schema
from linter_app.dialects import URIS, InvalidSchema, read_schema
from linter_app.identifiers import identifies
from linter_app.json_text import loads

Instead = Callable[[Dependency], str | None]
"""Another text for a dependency's schema, or None."""
_IN_QUERY = ":/?@!$&'()*+,;=%"
# What may stand beside a `$ref` up to draft 7, where all else there is ignored.
_BESIDE_REFERENCE = ("$schema", "$id", "id", "definitions", "$defs", "title", "description", "$comment")


def self_contained(
    bundle: ContractBundle, storage: ContractStorage, instead: Instead = lambda dependency: None
) -> str | None:
    """The schema's text with all that it refers to under `$defs`, or `definitions` up to draft 7.

    A schema without dependencies is given as it is.
    """
    if bundle.json_schema is None or not any(target_of(each.reference) for each in bundle.dependencies):
        return bundle.json_schema
    return compact(_whole(bundle, storage, dialect_of(loads(bundle.json_schema)), instead)).decode()


def misreading(bundle: ContractBundle, storage: ContractStorage, draft: int) -> str | None:
    """Why a version's schema is another in this dialect than in its own; None where it means the same in both."""
    schema = loads(bundle.json_schema or "true")
    own = dialect_of(schema)
    if own == draft or not isinstance(schema, dict):
        return None
    read = _whole(bundle, storage, draft) | {"$schema": URIS[draft]}
    return _difference(compact(_whole(bundle, storage, own)).decode(), compact(read).decode())


@remembering(256)
def _difference(meant: str, read: str) -> str | None:
    """Where the second text is no schema, or another than the first; None where both mean the same."""
    schema = loads(read)
    try:
        check_schema(read_schema(schema))
        report = lint(loads(meant), schema, mode="full", strict_open_objects=True, budget_ms=0)
    except InvalidSchema as error:
        return str(error)
    for change in report.breaking + report.undecided:
        return f"at {change.old_pointer or change.new_pointer or 'the root'}, {change.message}"
    return None


def _whole(
    bundle: ContractBundle, storage: ContractStorage, draft: int, instead: Instead = lambda dependency: None
) -> Any:
    embedded: dict[str, Any] = {}
    root = _embedded(bundle, storage, draft, embedded, instead)
    if not embedded:
        return root
    keyword = "$defs" if draft > jsonschema_rs.Draft7 else "definitions"
    root = _beside(root, draft)
    definitions = root.get(keyword, {})
    if not isinstance(definitions, dict):
        return root  # which its check will refuse
    definitions = dict(definitions)
    for name, schema in embedded.items():
        while name in definitions:  # only the URI matters
            name += "_"
        definitions[name] = schema
    return root | {keyword: definitions}


def _embedded(
    bundle: ContractBundle,
    storage: ContractStorage,
    draft: int,
    embedded: dict[str, Any],
    instead: Instead,
    uri: str = "",
) -> Any:
    """The bundle's schema, its references led to URIs of exact versions; what they mean is put in `embedded`.

    With a URI of its own the schema gives up the one that it has, and those of its parts become parts of the new
    one: others may embed another resource under the same URI.
    """
    schema = loads(bundle.json_schema or "true")
    led: dict[str, str] = {}
    for each in bundle.dependencies:
        if not target_of(each.reference):
            continue
        name = f"{each.name}@{each.version}"
        led[each.reference] = f"contract:{name}"
        if name in embedded:
            continue
        embedded[name] = True  # being made
        target = storage.get(each.name, each.version)
        if (text := instead(each)) is not None:
            target = replace(target, json_schema=text)
        made = _embedded(target, storage, draft, embedded, instead, f"contract:{name}")
        embedded[name] = _identified(made, f"contract:{name}", draft)
    parts: dict[str, str] = {}
    for part in resources_of(schema) if uri else ():
        parts[part.base] = f"{uri}?{quote(part.base, safe=_IN_QUERY)}" if part.place else uri
    lead(schema, lambda written, joined: parts.get(joined, led.get(written)), draft)
    return schema


def _identified(schema: Any, uri: str, draft: int) -> dict[str, Any]:
    """A schema under a URI, as a subschema of this dialect."""
    if isinstance(schema, bool):
        schema = {} if schema else {"not": {}}
    rest = {key: member for key, member in _beside(schema, draft).items() if key not in ("$schema", "$id")}
    return {**rest, identifies(draft): uri}


def _beside(schema: dict[str, Any], draft: int) -> dict[str, Any]:
    """The same schema, beside whose keywords others may stand: up to draft 7 a `$ref` has none."""
    if draft > jsonschema_rs.Draft7 or "$ref" not in schema:
        return schema
    kept = {key: member for key, member in schema.items() if key in _BESIDE_REFERENCE}
    return {**kept, "allOf": [{"$ref": schema["$ref"]}]}
