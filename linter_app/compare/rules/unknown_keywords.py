"""Keywords that have no meaning in JSON Schema, or not in the draft of the schema (Core 4.3.1)."""

from __future__ import annotations

from typing import Any

from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import NormalizedSchema
from linter_app.rule_catalogue import rule
from linter_app.schema.json_text import json_equal
from linter_app.schema.vocabulary import keywords_of

KEYWORDS = None  # any other

UNKNOWN = rule(
    "unknown-keyword-changed",
    "none",
    "A keyword that this draft of JSON Schema does not define changed. Validators ignore it; check its spelling.",
    {"type": "integer", "multiple": 2},
    {"type": "integer", "multiple": 4},
    kind="documentation",
)


def compare(pair: SchemaPair) -> None:
    """Report keywords without a meaning that differ."""
    old, new = _unknown(pair.old), _unknown(pair.new)
    for keyword in sorted(old.keys() | new.keys()):
        if keyword in old and keyword in new and json_equal(old[keyword], new[keyword]):
            continue
        verb = "added" if keyword not in old else "removed" if keyword not in new else "changed"
        message = f"{keyword!r}, which means nothing in this draft, was {verb}"
        pair.report(UNKNOWN, message, *pair.where(keyword), old.get(keyword), new.get(keyword))


def _unknown(normalized: NormalizedSchema) -> dict[str, Any]:
    return {
        keyword: value
        for node in reversed(normalized.nodes)
        if not (schema := node.subschema.schema).keys() <= (known := keywords_of(node.subschema.document.draft).keys())
        for keyword, value in schema.items()
        if keyword not in known
    }
