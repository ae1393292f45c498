"""What the constraints gathered so far say about a schema: that the value will satisfy it, or will not, or neither."""

from __future__ import annotations

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
            return _all([_of_property(node.at(keyword, name), name, constraints) for name in value])
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


def _of_property(subschema: Subschema, name: str, constraints: Constraints) -> bool | None:
    if name in constraints.forbidden or subschema.schema is True or subschema.schema == {}:
        return True
    wanted = constants(subschema.schema) if name in constraints.required else None
    kept = kept_constants(constraints, name) if wanted is not None else None
    if wanted is None or kept is None:
        return None
    return True if kept <= wanted else None if kept & wanted else False
