"""Proof of inclusion: whether one schema accepts all that another does, however either is written."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import jsonschema_rs

from linter_app.normalize.translation import in_newest_draft
from linter_app.schema.dialects import Schema
from linter_app.schema.identifiers import local_target
from linter_app.schema.vocabulary import DRAFT2020, subschemas_in

MAX_CHARACTERS = 64 * 1024
"""Characters of both schemas up to which a proof is tried."""
MAX_COMBINATIONS = 256
MAX_MEMBERS = 100
"""Properties of all alternatives of one union."""


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
        if max(_Combinations(root, draft).worst for root, draft in schemas) > MAX_COMBINATIONS:
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


class _Combinations:
    """The combinations of alternatives at each location of a schema, which a proof must go through."""

    def __init__(self, root: Any, draft: int) -> None:
        self.root, self.draft = root, draft
        self.worst = 1
        """The combinations at the worst location."""
        self._known: dict[int, _Weight] = {}
        self._weight(root)

    def _weight(self, schema: Any) -> _Weight:
        if not isinstance(schema, dict):
            return _NOTHING
        if id(schema) not in self._known:
            self._known[id(schema)] = _NOTHING  # for a schema that contains itself
            self._known[id(schema)] = self._weighed(schema)
        return self._known[id(schema)]

    def _weighed(self, schema: dict[str, Any]) -> _Weight:
        count, names, sums, members = 1, len(schema.get("properties", ())), {"anyOf": 0, "oneOf": 0}, 0
        is_split = "anyOf" in schema or "patternProperties" in schema
        below = [(steps[0], child) for steps, child in subschemas_in(schema, self.draft)]
        if str(schema.get("$ref", "")).startswith("#/"):
            below.append(("allOf", local_target(self.root, schema["$ref"])[0]))
        for keyword, child in below:
            found = self._weight(child)
            if keyword == "allOf":
                count *= found.choices
                names += found.names
                is_split = is_split or found.is_split
            elif keyword in sums:
                sums[str(keyword)] += found.choices
                members += 1 + found.names
            elif keyword in ("not", "if", "then", "else"):
                count *= 2 * found.choices
        count *= max(sums["anyOf"], 1)
        if "oneOf" in schema:
            count *= max(sums["oneOf"] * len(schema["oneOf"]), 1)
        # Each property may be there or not, and match or not.
        total = count * 2 ** min(names, 20) if is_split else count
        self.worst = max(self.worst, total, MAX_COMBINATIONS + 1 if members > MAX_MEMBERS else 1)
        return _Weight(count, names, is_split)


class _Weight(NamedTuple):
    """What a schema contributes to the combinations of one around it: alternatives, the properties of an object, and
    whether each of these must be taken with and without.
    """

    choices: int
    names: int
    is_split: bool


_NOTHING = _Weight(1, 0, False)
