"""A schema as the Confluent API has it: a text with references, metadata and rules. A bundle holds all of that.

The text is the bundle's `jsonSchema`. What else was given stands in its descriptor, under `confluent`.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from confluent_app.errors import INVALID_SCHEMA, ConfluentError
from contracts_app.bundles import ContractBundle, compact
from contracts_app.services.memoize import memoize
from linter_app.schema.json_text import InvalidJSON, compact_exact, loads

DESCRIPTOR_MEMBER = "confluent"
_IMPLIED = '"$schema":"http://json-schema.org/draft-07/schema#",'
NUMBER_PROPERTY = "confluent:version"
VERSION_PROPERTY = "contract:version"
"""The property of the metadata that has the contract's version, and may ask for one."""


@dataclass(frozen=True)
class Reference:
    """What a `$ref` with this name means: a version of a subject."""

    name: str
    subject: str
    """As it was given: in the context of the schema unless it is qualified."""
    version: int

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "subject": self.subject, "version": self.version}


@dataclass(frozen=True)
class ConfluentSchema:
    """A schema, as two registrations must agree on it to be given one id."""

    text: str
    """JSON, as it was published."""
    references: tuple[Reference, ...] = ()
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    implied_dialect: bool = False
    """Whether it names no dialect, and is valid only in draft 7, which Confluent's clients take it for."""

    @classmethod
    def of(cls, bundle: ContractBundle) -> ConfluentSchema:
        """Return the schema of a published version."""
        given = bundle.descriptor.get(DESCRIPTOR_MEMBER) if isinstance(bundle.descriptor, dict) else None
        members = given if isinstance(given, dict) else {}
        references = tuple(Reference(**each) for each in members.get("references", ()))
        text, implied = bundle.json_schema or "true", members.get("impliedDialect") is True
        text = text.replace(_IMPLIED, "", 1) if implied else text
        return cls(text, references, members.get("metadata"), members.get("ruleSet"), implied)

    @property
    def properties(self) -> dict[str, str]:
        """The properties of the metadata."""
        found: dict[str, str] = (self.metadata or {}).get("properties") or {}
        return found

    @property
    def hash(self) -> str:
        """What schemas with the same id have in common, in hexadecimal digits."""
        members = [
            canonical_text(self.text),
            [each.to_json() for each in self.references],
            self.metadata,
            self.rule_set,
        ]
        return hashlib.sha256(compact(members)).hexdigest()

    @property
    def guid(self) -> str:
        """A UUID that is the same in every registry."""
        return str(uuid.UUID(self.hash[:32]))

    @property
    def names_no_dialect(self) -> bool:
        schema = loads(self.text)
        return isinstance(schema, dict) and bool(schema) and "$schema" not in schema

    @property
    def contract_text(self) -> str:
        """The text for the contract, whose readers must know the dialect."""
        return self.text.replace("{", "{" + _IMPLIED, 1) if self.implied_dialect else self.text

    def descriptor(self) -> dict[str, Any] | None:
        """Return the descriptor of the bundle; None if there is nothing besides the text."""
        members: dict[str, Any] = {
            "references": [each.to_json() for each in self.references],
            "metadata": self.metadata,
            "ruleSet": self.rule_set,
            "impliedDialect": self.implied_dialect,
        }
        given = {name: value for name, value in members.items() if value}
        return {DESCRIPTOR_MEMBER: given} if given else None

    def to_json(self) -> dict[str, Any]:
        """Return the members of a response; those that are empty are left out."""
        members: dict[str, Any] = {"schemaType": "JSON", "schema": self.text, "guid": self.guid}
        if self.references:
            members["references"] = [each.to_json() for each in self.references]
        if self.metadata:
            members["metadata"] = self.metadata
        if self.rule_set:
            members["ruleSet"] = self.rule_set
        return members


@memoize(512)
def canonical_text(text: str) -> str:
    """Return a schema's text without blanks: its members and numbers stand as they were written.

    Raises ConfluentError if it is not JSON.
    """
    try:
        loads(text)
    except InvalidJSON as error:
        raise ConfluentError(INVALID_SCHEMA, f"Invalid schema: it is not JSON: {error}") from None
    return compact_exact(text)


def normalized_text(text: str) -> str:
    """Return a schema's text with the members of each object in order of their names."""
    return compact(_sorted(loads(text))).decode()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
