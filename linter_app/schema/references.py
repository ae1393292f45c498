"""References that a schema cannot be validated by: to what is not available, and in a circle on one instance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linter_app.changes import Path
from linter_app.schema.circles import circular_reference
from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document, Subschema
from linter_app.schema.identifiers import located_schemas
from linter_app.schema.json_text import loads

MAX_WARNINGS = 20
UNRESOLVED, CIRCULAR = "unresolved-reference", "circular-reference"


@dataclass(frozen=True)
class SchemaWarning:
    """A fault of a valid schema; `rule` is UNRESOLVED or CIRCULAR."""

    rule: str
    pointer: str
    reference: str
    message: str

    def to_json(self) -> dict[str, str]:
        return {"rule": self.rule, "pointer": self.pointer, "reference": self.reference, "message": self.message}


def unavailable_references(document: Document) -> list[Path]:
    """Return the paths of the subschemas that refer to what is not available."""
    targets = document.local_targets
    if not document.refers or (targets is not None and None not in targets.values()):
        return []
    return [
        each.path
        for each in located_schemas(document.root, document.draft)
        if isinstance(each.schema.get("$ref"), str) and _leads_nowhere(document.root_subschema.at(*each.path))
    ]


def _leads_nowhere(subschema: Subschema) -> bool:
    return subschema.document.resolve(subschema, "$ref") is None


def with_answers(root: Any, answers: Mapping[Path, bool]) -> Any:
    """Return a schema in which what accepts everything, or nothing, stands for the reference at each of these paths."""
    root = json.loads(json.dumps(root))
    for path in sorted(answers, key=len, reverse=True):
        target = root
        for step in path[:-1]:
            target = target[step]
        if path:
            target[path[-1]] = _with_answer(target[path[-1]], answers[path])
        else:
            root = _with_answer(root, answers[path])
    return root


def _with_answer(schema: dict[str, Any], answer: bool) -> Any:
    rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    constant: dict[str, Any] = {} if answer else {"not": {}}  # draft 4 has no booleans
    return {**rest, "allOf": [constant, *rest.get("allOf", [])]}


def schema_warnings(text: str | bytes) -> tuple[SchemaWarning, ...]:
    """Return the warnings about the references of a valid schema's text, at most MAX_WARNINGS."""
    document = Document(read_schema(loads(text)))
    found: list[SchemaWarning] = []
    if (circle := circular_reference(document)) is not None:
        message = "it leads back to itself without going into the instance, so that it accepts everything"
        found.append(SchemaWarning(CIRCULAR, circle.pointer, str(circle.schema.get("$ref", "")), message))
    for path, schema in document.schemas():
        reference = schema.get("$ref") if document.refers else None
        subschema = document.root_subschema.at(*path)
        if isinstance(reference, str) and _leads_nowhere(subschema):
            message = f"{reference} is not available to the registry: instances cannot be validated by it"
            found.append(SchemaWarning(UNRESOLVED, f"{subschema.pointer}/$ref", reference, message))
    return tuple(sorted(found, key=lambda warning: warning.pointer)[:MAX_WARNINGS])
