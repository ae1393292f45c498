"""What is around alternatives: a schema without some of its groups."""

from __future__ import annotations

from typing import Any

from linter_app.normalize.normalized import Conjunction, Group, NormalizedSchema, constrains
from linter_app.schema.documents import Subschema
from linter_app.schema.vocabulary import REFERENCES


def without_groups(normalized: NormalizedSchema, groups: list[Group]) -> Conjunction | None:
    """Return a schema as a conjunction without some of its groups; None where what applies depends on them."""
    if (normalized.unclear_evaluation and groups) or normalized.unresolved:
        return None
    dropped: dict[int, set[str]] = {}
    for group in groups:
        dropped.setdefault(id(group.node.schema), set()).add(group.keyword)
    base = []
    for node in normalized.nodes:
        without = dropped.get(id(node.schema), set()) | {"allOf", *REFERENCES}
        # Single alternatives are among the nodes already.
        without |= {word for word in ("anyOf", "oneOf") if len(node.schema.get(word, ())) == 1}
        if "if" in without:
            without |= {"then", "else"}
        base.append(_without(node.subschema, node.schema, without))
    return tuple(each for each in base if constrains((each,)))


def _without(subschema: Subschema, schema: dict[str, Any], keywords: set[str]) -> Subschema:
    if subschema.document.draft <= 7 and "$ref" in schema:
        return Subschema(True, subschema.path, subschema.document)  # its siblings are ignored
    if keywords.isdisjoint(schema):
        return subschema
    what = "less " + " ".join(sorted(keywords & schema.keys()))
    document = subschema.document
    made = document.kept(subschema.schema, what)
    if made is None:
        made = {keyword: value for keyword, value in subschema.schema.items() if keyword not in keywords}
        document.keep(subschema.schema, what, made)
    return Subschema(made, subschema.path, document)
