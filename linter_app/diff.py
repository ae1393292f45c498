"""The facts about two schemas, without a verdict. Pure; never fetches anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linter_app.change import Change
from linter_app.documents import Document
from linter_app.walk import UNDECIDED, Walk, compare


def diff(
    old: Any, new: Any, *, strict_open_objects: bool = False, resources: Mapping[str, Any] | None = None
) -> tuple[Change, ...]:
    """All facts about the step from `old` to `new` (parsed, valid JSON Schemas).

    `resources` maps URIs to the schemas that references may lead to. Raises InvalidSchema where
    `$schema` names an unknown dialect.
    """
    return tuple(walk(old, new, strict_open_objects, resources).changes)


def walk(old: Any, new: Any, strict_open_objects: bool, resources: Mapping[str, Any] | None) -> Walk:
    """Walk both schemas. The facts are in `changes`."""
    state = Walk(Document(old, resources), Document(new, resources), strict_open_objects)
    try:
        compare(state, (state.old.source,), (state.new.source,), None, 0)
        while state.later:
            former, latter, parent, sides = state.later.pop()
            compare(state, former, latter, parent, 0, sides)
    except RecursionError:
        state.changes.append(too_deep("the schemas are too deep to compare"))
    if state.old.circular or state.new.circular:
        state.changes = [replace(change, decided=False) for change in state.changes]
    for document in (state.old, state.new):
        if (circle := document.circular) is not None:
            message = "a reference leads back to itself without going into the instance, which has no meaning"
            at = circle.pointer if document is state.old else None, circle.pointer if document is state.new else None
            state.changes.append(Change(UNDECIDED.id, at[0], at[1], "both", message, decided=False))
    told: dict[Any, Change] = {}
    for change in state.changes:
        told.setdefault((change.rule, change.old_pointer, change.new_pointer, change.message), change)
    state.changes = list(told.values())
    return state


def too_deep(reason: str) -> Change:
    """The one fact about schemas that are too deep to walk."""
    return Change(UNDECIDED.id, "", "", "both", reason, decided=False)
