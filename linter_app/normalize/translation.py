"""Whole schemas of older drafts, written as draft 2020-12 writes them."""

from __future__ import annotations

from typing import Any

from linter_app.normalize.schema_node import node_of
from linter_app.schema.dialects import Schema
from linter_app.schema.documents import Document, Subschema
from linter_app.schema.formats import is_asserted
from linter_app.schema.vocabulary import DEFINITIONS, DRAFT2020, Kind, keywords_of, subschemas_under

_LOST = ("$schema", "id", "additionalItems", "dependencies")


def in_newest_draft(schema: Schema) -> Any:
    """Return a schema in draft 2020-12 that accepts the same instances, without annotations.

    References to places that have another name there, such as an item of `items`, lead nowhere.
    """
    return schema.root if schema.draft == DRAFT2020 else _translated(Document(schema).root_subschema)


def _translated(subschema: Subschema) -> Any:
    if not isinstance(subschema.schema, dict):
        return subschema.schema
    node, known = node_of(subschema), keywords_of(DRAFT2020)
    made: dict[str, Any] = {}
    members = node.schema | {word: subschema.schema[word] for word in DEFINITIONS if word in subschema.schema}
    for keyword, value in members.items():
        if keyword in _LOST or keyword not in known or known[keyword].kind in (Kind.ANNOTATION, Kind.CONTENT):
            continue
        if keyword == "format" and not is_asserted(value, subschema.document.draft):
            continue
        below = {steps[1:]: child for steps, child in subschemas_under(keyword, value, known[keyword].kind)}
        children = {
            steps: _translated(Subschema(child, (*node.path(keyword), *steps), subschema.document))
            for steps, child in below.items()
        }
        if () in children:
            made[keyword] = children[()]
        elif isinstance(value, dict) and below:
            made[keyword] = value | {steps[0]: child for steps, child in children.items()}
        elif isinstance(value, list) and below:
            made[keyword] = [children.get((index,), item) for index, item in enumerate(value)]
        else:
            made[keyword] = value
    return made
