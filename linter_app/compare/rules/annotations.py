"""Annotations, which do not affect what instances are valid (JSON Schema Validation 8 and 9)."""

from __future__ import annotations

from typing import Any

from linter_app.compare.comparison import SchemaPair
from linter_app.compare.rules.values import short
from linter_app.normalize.normalized import NormalizedSchema
from linter_app.rule_catalogue import rule
from linter_app.schema.json_text import json_equal

DOCUMENTATION = rule(
    "documentation-changed",
    "none",
    "A title, description, comment or example changed.",
    {"title": "Order"},
    {"title": "An order"},
    kind="documentation",
)
DEFAULT = rule(
    "default-changed",
    "none",
    "The default changed: readers that fill it in interpret absent values differently.",
    {"default": 1},
    {"default": 2},
    level="warning",
)
DEPRECATED = rule(
    "deprecated-added",
    "none",
    "A schema was marked as deprecated: it still works, but should no longer be used.",
    {},
    {"deprecated": True},
    kind="deprecated",
)
RESTORED = rule("deprecated-removed", "none", "A schema is no longer marked as deprecated.", {"deprecated": True}, {})
ACCESS = rule(
    "access-changed",
    "none",
    "readOnly or writeOnly changed. Validation ignores both.",
    {},
    {"readOnly": True},
    level="warning",
)
CONTENT = rule(
    "content-changed",
    "none",
    "The declared content of a string changed (contentEncoding, contentMediaType, contentSchema). "
    "Validation ignores these keywords.",
    {"contentEncoding": "base64"},
    {"contentEncoding": "base32"},
    level="warning",
)
EXTENSIBLE = rule(
    "extensible-enum-changed",
    "none",
    "The known values of an extensible enum changed (x-extensible-enum), or what is extensible (x-extensible).",
    {"type": "string", "x-extensible-enum": ["a"]},
    {"type": "string", "x-extensible-enum": ["a", "b"]},
    kind="added",
)
_RULES = {
    **dict.fromkeys(("x-extensible-enum", "x-extensible"), EXTENSIBLE),
    **dict.fromkeys(("title", "description", "$comment", "examples", "example"), DOCUMENTATION),
    "default": DEFAULT,
    "deprecated": DEPRECATED,
    **dict.fromkeys(("readOnly", "writeOnly"), ACCESS),
    **dict.fromkeys(("contentEncoding", "contentMediaType", "contentSchema"), CONTENT),
}
KEYWORDS = frozenset(_RULES)
_FALSE_IS_ABSENT = ("deprecated", "readOnly", "writeOnly")


def _said(normalized: NormalizedSchema, keyword: str) -> list[Any]:
    return [value for value, _ in normalized.found(keyword) if not (value is False and keyword in _FALSE_IS_ABSENT)]


def compare(pair: SchemaPair) -> None:
    """Report annotations that differ."""
    for keyword in sorted((pair.old.keywords | pair.new.keywords) & KEYWORDS):
        old, new = _said(pair.old, keyword), _said(pair.new, keyword)
        if json_equal(old, new):
            continue
        which = RESTORED if keyword == "deprecated" and not new else _RULES[keyword]
        change = "was added" if not old else "was removed" if not new else "changed"
        detail = f" from {short(old[0])} to {short(new[0])}" if old and new and which is not DOCUMENTATION else ""
        before, after = (found[0] if found else None for found in (old, new))
        at = keyword if old else None, keyword if new else None
        pair.report(which, f"{keyword} {change}{detail}", *at, before, after)
