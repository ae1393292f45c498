"""What a schema accepts that a narrower version of it does not."""

from __future__ import annotations

from typing import Any

from linter_app.compare.comparison import Comparison
from linter_app.normalize.alternatives import undescribed_name
from linter_app.normalize.normalized import DISJUNCTIVE, Conjunction, NormalizedSchema, normalize
from linter_app.normalize.schema_node import SchemaNode
from linter_app.schema.documents import Subschema, refers
from linter_app.schema.json_text import json_equal, json_hashable
from linter_app.schema.json_types import ALL_TYPES, types_of
from linter_app.schema.vocabulary import DEFINITIONS, DRAFT2020, REFERENCES, Kind, keywords_of, names_of

MAX_LEVELS = 5
"""Levels of objects through which it is followed what is gained."""
MAX_NAMES = 100
"""Names of properties that are distinguished from all others, where a map gains something."""
_DESCRIBED = frozenset({"properties", "required", "additionalProperties"})
_ABOUT_NAMES = frozenset({"minProperties", "maxProperties"})
_ADDED: tuple[tuple[str, Any], ...] = (("not", False), ("type", sorted(ALL_TYPES)))
"""Keywords of which it is known what is gained where they differ, and what stands for their absence."""
_SAY_NOTHING = names_of(Kind.ANNOTATION, Kind.IDENTIFIER, Kind.CONTENT) | DEFINITIONS
_LISTS = frozenset({"enum", "const", "type", "$ref"})
_RESTS = frozenset({"patternProperties", "unevaluatedProperties", "dependentSchemas", *DISJUNCTIVE})
"""Keywords by which a schema may say something of properties that it does not describe by name."""
_ANYTHING: dict[str, Any] = {}
Others = list[NormalizedSchema] | None


def gained(
    comparison: Comparison,
    narrow: Conjunction,
    wide: Conjunction,
    others: Others,
    levels: int = MAX_LEVELS,
) -> list[dict[str, Any]]:
    """Return schemas of which one holds for each value that `wide` accepts and `narrow` does not.

    They name the property that must be there, and what holds for its value. Where nothing is known, it is one schema
    that always holds. `others` are the schemas that may exclude the values; None where they are not known.
    """
    before, after = normalize(narrow), normalize(wide)
    if any(not _RESTS.isdisjoint(each.keywords) for each in others or ()):
        others = None
    nodes = [[node for node in each.nodes if _assertions(node) - {"$ref"}] for each in (before, after)]
    if before.unresolved or after.unresolved or not levels:
        return [_ANYTHING]
    if before.refuses_all or all(_assertions(node) <= {"type", "$ref"} for node in nodes[0]):
        return [{"type": sorted(ALL_TYPES - before.types)}]
    if before.listed is not None and after.listed is not None and all(_assertions(node) <= _LISTS for node in nodes[0]):
        known = set(map(json_hashable, before.listed))
        return [{"enum": [value for value in after.listed if json_hashable(value) not in known]}]
    if len(nodes[0]) != 1 or len(nodes[1]) != 1:
        return [_ANYTHING]
    one, other = nodes[0][0], nodes[1][0]
    rest = [{key: node.schema[key] for key in _assertions(node) - _DESCRIBED} for node in (one, other)]
    refused, types = ([each.pop(keyword, default) for each in rest] for keyword, default in _ADDED)
    if not json_equal(*rest) or not rest[0].keys() <= _ABOUT_NAMES or refers(refused):
        return [_ANYTHING]
    found: list[dict[str, Any]] = [] if json_equal(*refused) else [{"allOf": [refused[0]]}]
    if more := types_of(types[1]) - types_of(types[0]):
        found.append({"type": sorted(more)})
    found += [{"type": "object", "not": {"required": [name]}} for name in before.required if name not in after.required]
    old, new = (node.schema.get("properties", {}) for node in (one, other))
    was_open = one.schema.get("additionalProperties", True) is True
    is_closed = other.schema.get("additionalProperties") is False
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            parts = one.at("properties", name), other.at("properties", name)
            found += _gained_in(comparison, name, *parts, others, levels)
        elif (name in new and not was_open) or (name in old and not is_closed):
            found.append({"type": "object", "required": [name]})
    return found + _gained_by_rest(comparison, one, other, others, levels)


def _assertions(node: SchemaNode) -> set[str]:
    """Return the keywords that may refuse something."""
    known = keywords_of(DRAFT2020)
    return {keyword for keyword in node.schema if keyword in known or keyword in REFERENCES} - _SAY_NOTHING


def _gained_in(
    comparison: Comparison, name: str, before: Subschema, after: Subschema, others: Others, levels: int
) -> list[dict[str, Any]]:
    """Return what is gained in one property, as schemas of the object."""
    if _is_same(comparison, before, after):
        return []
    within = None if others is None else [each.normalized_property(name) for each in others]
    inner = gained(comparison, (before,), (after,), within, levels - 1)
    return [{"type": "object", "required": [name], "properties": {name: each}} for each in inner]


def _gained_by_rest(
    comparison: Comparison, before: SchemaNode, after: SchemaNode, others: Others, levels: int
) -> list[dict[str, Any]]:
    """Return what is gained in the properties that are not described: of a map, in all of them."""
    keyword = "additionalProperties"
    if before.schema.get(keyword, True) is True:
        return []
    if keyword not in after.schema:
        return [_ANYTHING]
    parts = before.at(keyword), after.at(keyword)
    if _is_same(comparison, *parts):
        return []
    own = before.schema.get("properties", {}).keys() | after.schema.get("properties", {}).keys()
    names = {name for each in others or () for name in each.properties} - own
    if others is None or len(names) > MAX_NAMES:
        return [_ANYTHING]
    # One name stands for all that none of the others describes.
    names.add(undescribed_name(names | own))
    return [schema for name in sorted(names) for schema in _gained_in(comparison, name, *parts, others, levels)]


def _is_same(comparison: Comparison, one: Subschema, other: Subschema) -> bool:
    both = (one, other) if one.document is comparison.old else (other, one)
    return comparison.equality.same_meaning(*both)
