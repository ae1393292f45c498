"""Proof of inclusion: whether one schema accepts all that another does, however either is written."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from linter_app.normalize.translation import in_newest_draft
from linter_app.schema.dialects import Schema
from linter_app.schema.vocabulary import DRAFT2020, subschemas_in

MAX_CHARACTERS = 64 * 1024
"""Characters of both schemas up to which a proof is tried."""
MAX_COMBINATIONS = 256


def is_proven_inclusion(wider: Schema, narrower: Schema) -> bool:
    """Return whether every instance valid under `narrower` is proven valid under `wider`.

    False decides nothing: the schemas may be too large, or beyond what can be proven. Formats count as assertions.
    References to other documents are not fetched.
    """
    try:
        schemas = [(each.root, each.draft) for each in (wider, narrower)]
        if len(json.dumps([root for root, _ in schemas])) > MAX_CHARACTERS:
            return False
        if wider.draft != narrower.draft:
            schemas = [(in_newest_draft(each), DRAFT2020) for each in (wider, narrower)]
        if max(_max_combinations(root, draft) for root, draft in schemas) > MAX_COMBINATIONS:
            return False
        canonical = [
            jsonschema_rs.canonicalize(root, validate_formats=True, draft=None if _names_draft(root) else draft)
            for root, draft in schemas
        ]
        return bool(canonical[0].covers(canonical[1]) == jsonschema_rs.canonical.Containment.YES)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError, jsonschema_rs.canonical.CanonicalizationError):
        return False


def _names_draft(schema: Any) -> bool:
    return isinstance(schema, dict) and "$schema" in schema


def _max_combinations(schema: Any, draft: int) -> int:
    """Return the combinations of alternatives at the worst location, which a proof must go through."""
    worst = 1

    def combinations(schema: Any) -> int:
        nonlocal worst
        if not isinstance(schema, dict):
            return 1
        count, sums = 1, {"anyOf": 0, "oneOf": 0}
        for (keyword, *_), child in subschemas_in(schema, draft):
            found = combinations(child)
            if keyword == "allOf":
                count *= found
            elif keyword in sums:
                sums[str(keyword)] += found
            elif keyword in ("not", "if", "then", "else"):
                count *= 2 * found
        if "patternProperties" in schema:  # each property may match, or not
            count *= 2 ** min(len(schema.get("properties", ())), 20)
        count *= max(sums["anyOf"], 1)
        if "oneOf" in schema:
            count *= max(sums["oneOf"] * len(schema["oneOf"]), 1)
        worst = max(worst, count)
        return count

    combinations(schema)
    return worst
