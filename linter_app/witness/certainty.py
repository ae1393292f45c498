"""What the constraints gathered so far say about a schema: that the value will satisfy it, or will not, or neither."""

from __future__ import annotations

from typing import Any

from linter_app.normalize.schema_node import SchemaNode, node_of
from linter_app.schema.documents import Subschema
from linter_app.schema.json_types import types_of
from linter_app.schema.vocabulary import DRAFT2020, Kind, keywords_of
from linter_app.witness.constraints import Constraints
from linter_app.witness.negations import constants, kept_constants

MAX_LEVELS = 6
_SILENT = (Kind.ANNOTATION, Kind.IDENTIFIER, Kind.CONTENT, Kind.DEFINITIONS)


def certainty(subschema: Subschema, constraints: Constraints, levels: int = MAX_LEVELS) -> bool | None:
    """Return whether a value that meets the constraints satisfies a schema; None where that is open.

    Only what conditions and alternatives are written with is looked at: types, required properties and their constants.
    """
    if not isinstance(subschema.schema, dict):
        return bool(subschema.schema)
    if not levels:
        return None
    node = node_of(subschema)
    return _all([_of_keyword(node, keyword, constraints, levels - 1) for keyword in node.schema])


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _of_keyword(node: SchemaNode, keyword: str, constraints: Constraints, levels: int) -> bool | None:
    value, known = node.schema[keyword], keywords_of(DRAFT2020)
    is_object = constraints.types == {"object"}
    match keyword:
        case "type":
            types = types_of(value)
            return True if constraints.types <= types else None if constraints.types & types else False
        case "required" if is_object and isinstance(value, list):
            return _all([_is_there(name, constraints) for name in value])
        case "properties" if is_object:
            return _of_properties(node, value, constraints)
        case "not":
            inner = certainty(node.at(keyword), constraints, levels)
            return None if inner is None else not inner
        case "allOf" | "anyOf":
            found = [certainty(node.at(keyword, index), constraints, levels) for index in range(len(value))]
            return _all(found) if keyword == "allOf" else _any(found)
        case "$ref":
            target = node.target(keyword)
            return None if target is None else certainty(target, constraints, levels)
    return True if keyword not in known or known[keyword].kind in _SILENT else None


def _is_there(name: str, constraints: Constraints) -> bool | None:
    return False if name in constraints.forbidden else True if name in constraints.required else None


def _of_properties(node: SchemaNode, properties: dict[str, Any], constraints: Constraints) -> bool | None:
    speaking = [
        name for name in constraints.required - constraints.forbidden if not _says_nothing(properties.get(name, {}))
    ]
    found = [_of_constants(node.at("properties", name), name, constraints) for name in speaking]
    if False in found:
        return False
    others = properties.keys() - constraints.required - constraints.forbidden
    return True if None not in found and all(_says_nothing(properties[name]) for name in others) else None


def _says_nothing(schema: Any) -> bool:
    return schema is True or schema == {}


def _of_constants(subschema: Subschema, name: str, constraints: Constraints) -> bool | None:
    """Return whether the values that a required property may have are those that a schema lists."""
    wanted = constants(subschema.schema)
    kept = kept_constants(constraints, name) if wanted is not None else None
    if wanted is None or kept is None:
        return None
    return True if kept <= wanted else None if kept & wanted else False
