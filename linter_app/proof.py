"""Proof of inclusion: whether one schema accepts all that another does, however either is spelt."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from linter_app.dialects import InvalidSchema, draft_of

MAX_TEXT = 256 * 1024


def proven_to_accept(wider: Any, narrower: Any) -> bool:
    """Whether every instance valid under `narrower` is proven valid under `wider`.

    False says nothing: the schemas may be too large, in different dialects, or beyond what can be proven.
    Formats count as assertions. References to other documents are never fetched.
    """
    try:
        if draft_of(wider) != draft_of(narrower) or len(json.dumps([wider, narrower])) > MAX_TEXT:
            return False
        canonical = [jsonschema_rs.canonicalize(schema, validate_formats=True) for schema in (wider, narrower)]
        return bool(canonical[0].covers(canonical[1]) == jsonschema_rs.canonical.Containment.YES)
    except (ValueError, InvalidSchema, RecursionError, jsonschema_rs.ReferencingError):
        return False
