"""The bindings as an AsyncAPI 3.0 document: a channel for each, with the schema of its messages.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs

from contracts_app.bindings import Binding
from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractNotFound, TooExpensive
from contracts_app.services.compound_schemas import MAX_COMPOUND_CHARACTERS, compound_schema
from contracts_app.services.references import dialect_of
from contracts_app.services.search import resolve
from contracts_app.storage import ContractStore
from linter_app.schema.identifiers import identifier_keyword, located_schemas, resolve_uri
from linter_app.schema.json_pointers import tokens_of
from linter_app.schema.json_text import loads

_DRAFTS = {
    jsonschema_rs.Draft4: "draft-04",
    jsonschema_rs.Draft6: "draft-06",
    jsonschema_rs.Draft7: "draft-07",
    jsonschema_rs.Draft201909: "2019-09",
    jsonschema_rs.Draft202012: "2020-12",
}
_ANCHORS = ("$anchor", "$dynamicAnchor")
_DYNAMIC = ("$dynamicRef", "$recursiveRef")
_CLOUDEVENT = ("specversion", "id", "source", "type")
_JSON, _CLOUDEVENTS = "application/json", "application/cloudevents+json"


class NotPortable(ValueError):
    """A schema has a reference that cannot be written as a JSON Pointer."""


def asyncapi_document(bindings: Iterable[Binding], store: ContractStore) -> dict[str, Any]:
    """Return an AsyncAPI 3.0 document of these bindings, with the versions that their ranges mean now.

    A message is without a payload, and its description says why, where the contract has no version in the range or no
    JSON Schema, or where the schema cannot be carried. Raises TooExpensive, StorageUnavailable.
    """
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    size = 0
    for binding in bindings:
        message: dict[str, Any] = {"name": binding.contract, "title": binding.contract, "contentType": _JSON}
        try:
            version = resolve(store.index(binding.contract), binding.contract, binding.range).version
            bundle = store.get(binding.contract, version)
            message |= {"summary": bundle.description} if bundle.description else {}
            message |= {"x-contract": {"name": bundle.name, "version": version, "digest": bundle.digest}}
            key = re.sub(r"[^\w.-]", "_", f"{bundle.name}-{version}")
            if key not in schemas:
                text = compound_schema(bundle, store)
                size += len(text or "")
                if size > MAX_COMPOUND_CHARACTERS:
                    raise TooExpensive(
                        f"The schemas of these bindings have more than {MAX_COMPOUND_CHARACTERS} characters together; "
                        "choose bindings by their subject",
                        limit=MAX_COMPOUND_CHARACTERS,
                    )
                schemas[key] = _multi_format(bundle, text, key)
            message |= _placed(binding, schemas[key]["schemaFormat"], key)
        except (ContractNotFound, NotPortable) as reason:
            message["description"] = str(reason)
        messages[binding.name] = message
        channels[binding.name] = _channel(binding)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Messages on NATS subjects",
            "version": f"{store.index('binding').last_of_family('binding')}",
        },
        "defaultContentType": _JSON,
        "channels": channels,
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(binding: Binding) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    tokens = binding.subject.split(".")
    for number, token in enumerate(tokens):
        if token in ("*", ">"):
            name = f"token{number + 1}" if token == "*" else "rest"
            parameters[name] = {"description": f"One token of the subject{' or more' if token == '>' else ''}"}
            tokens[number] = f"{{{name}}}"
    return {
        "address": ".".join(tokens),
        **({"description": binding.description} if binding.description else {}),
        **({"parameters": parameters} if parameters else {}),
        "messages": {binding.name: {"$ref": f"#/components/messages/{binding.name}"}},
        "bindings": {"nats": {}},
        "x-binding": binding.to_json(),
    }


def _placed(binding: Binding, schema_format: str, key: str) -> dict[str, Any]:
    """Return the members of a message that say where in it the value of the schema is."""
    if binding.location == "body":
        return {"payload": {"$ref": f"#/components/schemas/{key}"}}
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{key}/schema"}
    if binding.location == "cloudevents-binary":
        headers = {f"ce-{name}": {"type": "string"} for name in _CLOUDEVENT}
        described = {"type": "object", "properties": headers, "required": list(headers)}
        return {"payload": {"$ref": f"#/components/schemas/{key}"}, "headers": described}
    if binding.location == "cloudevents":
        members = {name: {"type": "string"} for name in _CLOUDEVENT}
        schema = {"type": "object", "properties": {**members, "data": schema}, "required": [*members, "data"]}
        return {"contentType": _CLOUDEVENTS, "payload": {"schemaFormat": schema_format, "schema": schema}}
    for token in reversed(tokens_of(binding.pointer)):
        schema = {"type": "object", "properties": {token: schema}, "required": [token]}
    return {"payload": {"schemaFormat": schema_format, "schema": schema}}


def _multi_format(bundle: ContractBundle, text: str | None, key: str) -> dict[str, Any]:
    if text is None:
        raise NotPortable(f"{bundle.name}/{bundle.version} has no JSON Schema")
    schema = loads(text)
    draft = dialect_of(schema)
    try:
        located = relocate(schema, draft, f"/components/schemas/{key}/schema")
    except NotPortable as reason:
        where = f"/registry/contracts/{bundle.name}/{bundle.version}/schema"
        raise NotPortable(f"The schema cannot be part of another document, read it at {where}: {reason}") from None
    return {"schemaFormat": f"application/schema+json;version={_DRAFTS[draft]}", "schema": located}


def relocate(schema: Any, draft: int, prefix: str) -> Any:
    """Return a parsed schema, changed in place, for a place in another document, where it has the same meaning.

    Each reference becomes a JSON Pointer from that document's root. From 2019-09 on it then is alone in its object,
    since most tools ignore what is next to a reference. Identifiers and anchors are removed. Raises NotPortable.
    """
    every = list(located_schemas(schema, draft))
    roots: dict[str, str | None] = {"": ""}
    anchors: dict[tuple[str, str], str] = {}
    for each in every:
        if each.identifier:
            roots.setdefault(each.base, each.pointer)
        # Up to draft 7, an identifier that is only a fragment is an anchor.
        for keyword in (*_ANCHORS, identifier_keyword(draft)):
            if isinstance(name := each.schema.get(keyword), str):
                anchors.setdefault((each.base, name.removeprefix("#")), each.pointer)
    for each in every:
        item = each.schema
        for keyword in _DYNAMIC:
            if keyword in item:
                raise NotPortable(f"{keyword} at {each.pointer or 'the root'} depends on what refers to it")
        for keyword in (*_ANCHORS, "$recursiveAnchor", identifier_keyword(draft)):
            if isinstance(item.get(keyword), bool | str):
                del item[keyword]
        if each.location is not None:
            item.pop("$schema", None)
        if isinstance(reference := item.get("$ref"), str):
            whole, _, fragment = reference.partition("#")
            base, fragment = resolve_uri(each.base, whole), unquote(fragment)
            within = roots.get(base)
            if within is not None and fragment and not fragment.startswith("/"):
                within, fragment = anchors.get((base, fragment)), ""
            if within is None:
                raise NotPortable(f"{reference} at {each.pointer or 'the root'} leads out of the schema")
            target = "#" + quote(prefix + within + fragment, safe="/~!$&'()*+,;=:@?")
            if draft <= jsonschema_rs.Draft7 or len(item) == 1:
                item["$ref"] = target
            else:
                del item["$ref"]
                item["allOf"] = [*item.get("allOf", ()), {"$ref": target}]
    return schema
