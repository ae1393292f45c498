"""Compare two schemas: run the rules over every pair of subschemas, and collect the changes without a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from linter_app.changes import Change, direction_of
from linter_app.compare import subsumption
from linter_app.compare.comparison import UNDECIDED, Comparison
from linter_app.compare.rules import RULE_MODULES, unknown_keywords
from linter_app.compare.rules import annotations as annotation_rules
from linter_app.schema.circles import circular_reference
from linter_app.schema.documents import Document

# Subsumption comes first: what it proves to be covered is not reported by the rules.
STEPS = ((None, subsumption.narrow_directions), *((module.KEYWORDS, module.compare) for module in RULE_MODULES))

DOCUMENTATION_STEPS = (annotation_rules.compare, unknown_keywords.compare)


def compare_documents(
    old: Document, new: Document, *, strict_open_objects: bool, readers_ignore: bool = False
) -> Comparison:
    """Compare two schema documents. The changes are in `changes` of the result.

    What is not reached within MAX_PAIRS is undecided.
    """
    comparison = Comparison(old, new, strict_open_objects, STEPS, DOCUMENTATION_STEPS, readers_ignore=readers_ignore)
    try:
        comparison.compare((old.root_subschema,), (new.root_subschema,))
        while comparison.deferred:
            former, latter, parent, directions = comparison.deferred.pop()
            comparison.compare(former, latter, parent, 0, directions)
    except RecursionError:
        comparison.changes.append(undecided("the schemas are too deep to compare"))
    if circular_reference(old) or circular_reference(new):
        comparison.changes = [replace(change, decided=False) for change in comparison.changes]
    for document in (old, new):
        if (circle := circular_reference(document)) is not None:
            message = "a reference leads back to itself without going into the instance, which has no meaning"
            at = circle.pointer if document is old else None, circle.pointer if document is new else None
            comparison.changes.append(Change(UNDECIDED.id, at[0], at[1], "both", message, decided=False))
    if comparison.omitted_directions:
        direction = direction_of(comparison.omitted_directions)
        message = "there are more changes than can be listed: compare smaller schemas"
        comparison.changes.append(replace(undecided(message), direction=direction))
    comparison.changes = _merged(comparison.changes)
    return comparison


def _merged(changes: list[Change]) -> list[Change]:
    """Report each change once, although its subschemas were reached on several ways."""
    merged: dict[Any, Change] = {}
    for change in changes:
        key = change.rule, change.old_pointer, change.new_pointer, change.message
        merged[key] = _union(merged[key], change) if key in merged else change
    return list(merged.values())


def _union(one: Change, other: Change) -> Change:
    """One change reported twice: it breaks every direction that either of them breaks."""
    if one.directions >= other.directions:
        return one
    if one.directions <= other.directions:
        return other
    directions = one.directions | other.directions
    return replace(one, direction=direction_of(directions), decided=one.decided and other.decided)


def undecided(reason: str) -> Change:
    """The change that says that two schemas as a whole could not be compared."""
    return Change(UNDECIDED.id, "", "", "both", reason, decided=False)
