"""A schema and its dependencies as one document (JSON Schema 2020-12, Core 9.3.1).

Dependencies are read in the dialect of the schema that refers to them. If one would have another meaning there, the
reference is refused at publishing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from contracts_app.bundles import ContractBundle, Dependency, compact
from contracts_app.exceptions import TooExpensive
from contracts_app.services.memoize import memoize
from contracts_app.services.references import dialect_of, replace_uris, resources_of
from contracts_app.services.wit_packages import is_package
from contracts_app.services.work import linter
from contracts_app.storage import ContractStore
from linter_app import Config
from linter_app.schema.dialects import URIS, InvalidSchema
from linter_app.schema.identifiers import identifier_keyword
from linter_app.schema.json_text import loads
from linter_app.work_pool import WorkAborted

MAX_COMPOUND_CHARACTERS = 20_000_000
"""Characters of a schema and all its dependencies."""
Replacement = Callable[[Dependency], str | None]
"""Returns another text for a dependency's schema, or None."""
_IN_QUERY = ":/?@!$&'()*+,;=%"
# Keywords allowed next to a `$ref` up to draft 7, where all others are ignored.
_NEXT_TO_REFERENCE = ("$schema", "$id", "id", "definitions", "$defs", "title", "description", "$comment")


def compound_schema(
    bundle: ContractBundle, store: ContractStore, replacement: Replacement = lambda dependency: None
) -> str | None:
    """Return the schema's text with its dependencies under `$defs`, or `definitions` up to draft 7.

    A schema without dependencies is returned unchanged.
    """
    if bundle.json_schema is None or all(is_package(each.reference) for each in bundle.dependencies):
        return bundle.json_schema
    return compact(_whole(bundle, store, dialect_of(loads(bundle.json_schema)), replacement)).decode()


def dialect_difference(bundle: ContractBundle, store: ContractStore, draft: int) -> str | None:
    """Return why a version's schema has another meaning in this dialect than in its own, or None if it has the same."""
    schema = loads(bundle.json_schema or "true")
    own = dialect_of(schema)
    if own == draft or not isinstance(schema, dict):
        return None
    read = _whole(bundle, store, draft) | {"$schema": URIS[draft]}
    return _difference(compact(_whole(bundle, store, own)).decode(), compact(read).decode())


@memoize(256)
def _difference(meant: str, read: str) -> str | None:
    """Return where the second text is not a valid schema, or differs in meaning from the first; None if both agree."""
    config = Config(mode="full", strict_open_objects=True, budget_ms=0)
    try:
        linter().check_schema(read)
        found = linter().compare(meant, read, config)
    except InvalidSchema as error:
        return str(error)
    except WorkAborted as aborted:
        raise _too_expensive(aborted.reason) from None
    if not found.within_limits:
        raise _too_expensive(found.changes[-1].message)
    for change in found.changes:
        if change.level != "error":
            continue
        return f"at {change.old_pointer or change.new_pointer or 'the root'}, {change.message}"
    return None


def _too_expensive(reason: str) -> TooExpensive:
    return TooExpensive(f"Whether a dependency has the same meaning in another dialect was {reason}; use one dialect")


def _whole(
    bundle: ContractBundle, store: ContractStore, draft: int, replacement: Replacement = lambda dependency: None
) -> Any:
    embedded: dict[str, Any] = {}
    root = _embedded(bundle, store, draft, embedded, replacement, [0])
    if not embedded:
        return root
    keyword = "$defs" if draft > jsonschema_rs.Draft7 else "definitions"
    root = _extensible(root, draft)
    definitions = root.get(keyword, {})
    if not isinstance(definitions, dict):
        return root  # the check of that version will refuse it
    definitions = dict(definitions)
    for name, schema in embedded.items():
        while name in definitions:  # only the URI matters
            name += "_"
        definitions[name] = schema
    return root | {keyword: definitions}


def _embedded(
    bundle: ContractBundle,
    store: ContractStore,
    draft: int,
    embedded: dict[str, Any],
    replacement: Replacement,
    size: list[int],
    uri: str = "",
) -> Any:
    """Return the bundle's schema with its references replaced by URIs of exact versions, and add what they refer to to
    `embedded`. `size` has one item, the characters so far.

    A schema that is given a URI loses its own, and the identifiers of its parts become parts of the new one, because
    another dependency may embed another resource under the same URI.
    """
    size[0] += len(bundle.json_schema or "")
    if size[0] > MAX_COMPOUND_CHARACTERS:
        raise TooExpensive(
            f"The schema of {bundle.name}/{bundle.version} and all that refers to it have more than "
            f"{MAX_COMPOUND_CHARACTERS} characters together; refer to less",
            limit=MAX_COMPOUND_CHARACTERS,
        )
    schema = loads(bundle.json_schema or "true")
    led: dict[str, str] = {}
    for each in bundle.dependencies:
        if is_package(each.reference):
            continue
        name = f"{each.name}@{each.version}"
        led[each.reference] = f"contract:{name}"
        if name in embedded:
            continue
        embedded[name] = True  # being built
        target = store.get(each.name, each.version)
        if (text := replacement(each)) is not None:
            target = replace(target, json_schema=text)
        made = _embedded(target, store, draft, embedded, replacement, size, f"contract:{name}")
        embedded[name] = _identified(made, f"contract:{name}", draft)
    parts: dict[str, str] = {}
    for part in resources_of(schema) if uri else ():
        parts[part.base] = f"{uri}?{quote(part.base, safe=_IN_QUERY)}" if part.location else uri
    replace_uris(schema, lambda written, resolved: parts.get(resolved) or led.get(written) or led.get(resolved), draft)
    return schema


def _identified(schema: Any, uri: str, draft: int) -> dict[str, Any]:
    """Return a schema with a URI, as a subschema of this dialect."""
    if isinstance(schema, bool):
        schema = {} if schema else {"not": {}}
    rest = {key: member for key, member in _extensible(schema, draft).items() if key not in ("$schema", "$id")}
    return {**rest, identifier_keyword(draft): uri}


def _extensible(schema: dict[str, Any], draft: int) -> dict[str, Any]:
    """Return an equal schema to which keywords can be added: up to draft 7, a `$ref` ignores those next to it."""
    if draft > jsonschema_rs.Draft7 or "$ref" not in schema:
        return schema
    kept = {key: member for key, member in schema.items() if key in _NEXT_TO_REFERENCE}
    return {**kept, "allOf": [{"$ref": schema["$ref"]}]}
