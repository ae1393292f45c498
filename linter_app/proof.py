"""Proof of inclusion: whether one schema accepts all that another does, however either is spelt."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

QUICK_TEXT, MAX_TEXT = 16 * 1024, 64 * 1024
"""Characters of both schemas up to which a proof is a matter of moments, and up to which it is tried at all."""
MAX_WAYS = 256


def proven_to_accept(wider: Any, narrower: Any, *, draft: int, max_text: int = MAX_TEXT) -> bool:
    """Whether every instance valid under `narrower` is proven valid under `wider`, both in one draft.

    False says nothing: the schemas may be too large, or beyond what can be proven. Formats count as
    assertions. References to other documents are never fetched.
    """
    try:
        if len(json.dumps([wider, narrower])) > max_text or max(_ways(wider), _ways(narrower)) > MAX_WAYS:
            return False
        canonical = [
            jsonschema_rs.canonicalize(schema, validate_formats=True, draft=None if _says_draft(schema) else draft)
            for schema in (wider, narrower)
        ]
        return bool(canonical[0].covers(canonical[1]) == jsonschema_rs.canonical.Containment.YES)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError, jsonschema_rs.canonical.CanonicalizationError):
        return False


def _says_draft(schema: Any) -> bool:
    return isinstance(schema, dict) and "$schema" in schema


def _ways(schema: Any) -> int:
    """How many combinations of alternatives the worst place holds, which is what a proof must go through."""
    worst = 1

    def here(schema: Any) -> int:
        nonlocal worst
        if not isinstance(schema, dict):
            return 1
        count = 1
        for keyword, value in schema.items():
            match keyword:
                case "allOf" if isinstance(value, list):
                    for member in value:
                        count *= here(member)
                case "anyOf" if isinstance(value, list):
                    count *= sum(map(here, value))
                case "oneOf" if isinstance(value, list):
                    count *= sum(map(here, value)) * max(len(value), 1)
                case "not" | "if" | "then" | "else":
                    count *= 2 * here(value)
                case "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas":
                    for member in value.values() if isinstance(value, dict) else ():
                        here(member)
                case _ if isinstance(value, (dict, list)):
                    for member in value if isinstance(value, list) else [value]:
                        here(member)
            worst = max(worst, count)
        return count

    here(schema)
    return worst
