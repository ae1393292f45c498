"""What requests of the Confluent API give: schemas, versions and parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from confluent_app.errors import INVALID_SCHEMA, INVALID_VERSION, ConfluentError
from confluent_app.schemas import (
    NUMBER_PROPERTY,
    VERSION_PROPERTY,
    ConfluentSchema,
    Reference,
    canonical_text,
    normalized_text,
)

LATEST = -1
MAX_NUMBER = 2**31 - 1
"""The greatest id and version, as the wire format has them."""
MAX_REFERENCES = 100


@dataclass(frozen=True)
class SchemaRequest:
    """A schema in the body of a request."""

    schema: ConfluentSchema
    has_metadata: bool
    has_rules: bool
    id: int | None
    """The id that an import gives."""
    number: int | None
    """The number of the version that an import gives."""
    version: str | None
    """The requested version of the contract."""

    def normalized(self) -> SchemaRequest:
        """Return the request with the members of its schema in order, and so its references."""
        references = tuple(sorted(self.schema.references, key=lambda each: (each.name, each.subject, each.version)))
        schema = replace(self.schema, text=normalized_text(self.schema.text), references=references)
        return replace(self, schema=schema)


def read_schema(data: Any) -> SchemaRequest:
    """Return the schema of a request. Raises ConfluentError."""
    if not isinstance(data, dict):
        raise ConfluentError(422, "The request body must be a JSON object with schema and schemaType")
    kind = data.get("schemaType") or "AVRO"
    if kind != "JSON":
        given = "schemaType is missing, which means AVRO" if not data.get("schemaType") else f"{kind!r:.40} was given"
        raise ConfluentError(
            INVALID_SCHEMA, f"Invalid schema type: this registry has JSON only, and {given}; send schemaType JSON"
        )
    text = data.get("schema")
    if not isinstance(text, str) or not text.strip():
        raise ConfluentError(INVALID_SCHEMA, "Empty schema: the member schema must be the text of a JSON Schema")
    metadata, rules = _metadata(data.get("metadata")), _rule_set(data.get("ruleSet"))
    properties = metadata.get("properties", {}) if metadata else {}
    version = properties.pop(VERSION_PROPERTY, None)
    properties.pop(NUMBER_PROPERTY, None)
    canonical_text(text)  # refuses what is not JSON
    schema = ConfluentSchema(text, _references(data.get("references")), _filled(metadata), _filled(rules))
    return SchemaRequest(
        schema,
        metadata is not None,
        rules is not None,
        _positive(data.get("id"), "id"),
        _positive(data.get("version"), "version"),
        version,
    )


def _filled(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an object without its empty members, or None if nothing is left."""
    return {name: member for name, member in (value or {}).items() if member} or None


def _positive(value: Any, name: str) -> int | None:
    """Return an id or a number, or None where it is left to the registry."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value in (0, -1)):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_NUMBER:
        raise ConfluentError(422, f"The member {name} must be a whole number from 1 to {MAX_NUMBER}")
    return value


def _references(value: Any) -> tuple[Reference, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_REFERENCES:
        raise ConfluentError(422, f"The member references must be a list of at most {MAX_REFERENCES} references")
    found = []
    for each in value:
        name, subject, version = (
            (each.get(member) for member in ("name", "subject", "version"))
            if isinstance(each, dict)
            else (None, None, None)
        )
        if not isinstance(name, str) or not name or not isinstance(subject, str) or not subject:
            raise ConfluentError(INVALID_SCHEMA, "Invalid schema: a reference needs name, subject and version")
        if isinstance(version, bool) or not isinstance(version, int):
            raise ConfluentError(
                INVALID_SCHEMA, f"Invalid schema: the reference {name!r:.80} needs a version, a number"
            )
        found.append(Reference(name, subject, version))
    return tuple(found)


def _metadata(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    wrong = ConfluentError(
        422,
        "The member metadata must be an object with properties (texts by name), tags (lists of texts by path) and "
        "sensitive (a list of texts)",
    )
    if not isinstance(value, dict) or not value.keys() <= {"properties", "tags", "sensitive"}:
        raise wrong
    properties: Any = value.get("properties") or {}
    tags: Any = value.get("tags") or {}
    sensitive: Any = value.get("sensitive") or []
    if not isinstance(properties, dict) or not all(isinstance(each, str) for each in properties.values()):
        raise wrong
    if not isinstance(tags, dict) or not all(_is_texts(each) for each in tags.values()) or not _is_texts(sensitive):
        raise wrong
    return {"properties": dict(properties), "tags": tags, "sensitive": sensitive}


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _rule_set(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    kinds = ("migrationRules", "domainRules", "encodingRules")
    if not isinstance(value, dict) or not all(
        name in (*kinds, "enableAt") and (name == "enableAt" or member is None or _is_rules(member))
        for name, member in value.items()
    ):
        raise ConfluentError(422, f"The member ruleSet must be an object of lists of named rules: {', '.join(kinds)}")
    return dict(value)


def _is_rules(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and isinstance(each.get("name"), str) for each in value
    )


def read_version(text: str) -> int:
    """Return the number that a path names; LATEST for `latest` and -1. Raises ConfluentError."""
    if text in ("latest", "-1"):
        return LATEST
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MAX_NUMBER:
        raise ConfluentError(
            INVALID_VERSION,
            f"The specified version {text!r:.40} is not a valid version id: it is a number from 1 to {MAX_NUMBER}, "
            'or "latest"',
        )
    return int(text)
