"""The form of a publish request: exact fields, exact types, and nothing else."""

from __future__ import annotations

from typing import Any

from contracts_app.bundles import NAME_RULE, ContractBundle, compact, valid_name
from contracts_app.exceptions import MalformedContract
from linter_app.json_text import InvalidJSON, check_text
from linter_app.semver import InvalidVersion, Version

_TEXTS = ("name", "version", "description", "witPath", "descriptorPath", "wit")
FIELDS = (*_TEXTS, "jsonSchema", "descriptor")


def check_identity(name: Any, version: Any) -> None:
    """Raise MalformedContract unless these are a contract's name and version."""
    if not valid_name(name):
        raise MalformedContract(f"Invalid name {_shown(name)}: {NAME_RULE}", field="name")
    try:
        Version.parse(version)
    except InvalidVersion as error:
        raise MalformedContract(f"Invalid version: {error}", field="version") from None


def read_bundle(data: Any) -> ContractBundle:
    """The bundle that a request asks to publish. Raises MalformedContract, naming the field."""
    if not isinstance(data, dict):
        raise MalformedContract("The request body must be a JSON object")
    unknown = sorted(data.keys() - set(FIELDS))
    if unknown:
        shown = ", ".join(_shown(field) for field in unknown[:20])
        raise MalformedContract(f"Unknown fields: {shown}; known are {', '.join(FIELDS)}", fields=unknown[:20])
    for field in ("name", "version"):
        if data.get(field) is None:
            raise MalformedContract(f"The field {field} is missing", field=field)
    for field in _TEXTS:
        if not isinstance(data.get(field), (str, type(None))):
            raise MalformedContract(f"The field {field} must be a string", field=field)
    check_identity(data["name"], data["version"])
    schema = data.get("jsonSchema")
    if isinstance(schema, (dict, bool)):
        schema = compact(schema).decode()
    elif not isinstance(schema, (str, type(None))):
        raise MalformedContract("The field jsonSchema must be a string or a JSON object", field="jsonSchema")
    return ContractBundle(
        name=data["name"],
        version=data["version"],
        description=data.get("description"),
        json_schema=schema,
        wit_path=data.get("witPath"),
        descriptor_path=data.get("descriptorPath"),
        wit=data.get("wit"),
        descriptor=data.get("descriptor"),
    )


def _shown(value: Any) -> str:
    text = repr(value)
    try:
        check_text(text)
    except InvalidJSON:
        text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
