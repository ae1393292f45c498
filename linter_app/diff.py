"""The facts about two schemas, without a verdict. Pure; never fetches anything."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linter_app.change import Change, direction_of
from linter_app.dialects import read_schema
from linter_app.documents import Document
from linter_app.walk import UNDECIDED, Walk, compare

WALK_SECONDS = 2.0


def diff(
    old: Any, new: Any, *, strict_open_objects: bool = False, resources: Mapping[str, Any] | None = None
) -> tuple[Change, ...]:
    """All facts about the step from `old` to `new` (parsed, valid JSON Schemas).

    `resources` maps URIs to the schemas that references may lead to. Raises InvalidSchema where
    `$schema` names an unknown dialect.
    """
    former, latter = (Document(read_schema(schema), resources) for schema in (old, new))
    return tuple(walk(former, latter, strict_open_objects).changes)


def walk(
    old: Document, new: Document, strict_open_objects: bool, seconds: float = WALK_SECONDS, *, in_time: bool = False
) -> Walk:
    """Walk both schemas. The facts are in `changes`.

    What is not reached within `seconds` is undecided, or with `in_time` raises NotInTime.
    """
    state = Walk(old, new, strict_open_objects, time.monotonic() + seconds, in_time)
    try:
        compare(state, (old.source,), (new.source,), None, 0)
        while state.later:
            former, latter, parent, sides = state.later.pop()
            compare(state, former, latter, parent, 0, sides)
    except RecursionError:
        state.changes.append(too_deep("the schemas are too deep to compare"))
    if old.circular or new.circular:
        state.changes = [replace(change, decided=False) for change in state.changes]
    for document in (old, new):
        if (circle := document.circular) is not None:
            message = "a reference leads back to itself without going into the instance, which has no meaning"
            at = circle.pointer if document is old else None, circle.pointer if document is new else None
            state.changes.append(Change(UNDECIDED.id, at[0], at[1], "both", message, decided=False))
    if state.untold:
        message = "there are more changes than can be told: compare smaller parts"
        state.changes.append(Change(UNDECIDED.id, "", "", direction_of(state.untold), message, decided=False))
    told: dict[Any, Change] = {}
    for change in state.changes:
        key = change.rule, change.old_pointer, change.new_pointer, change.message
        told[key] = _either(told[key], change) if key in told else change
    state.changes = list(told.values())
    return state


def _either(one: Change, other: Change) -> Change:
    """A fact that was stated twice, of places that are met on several ways: it breaks what it breaks on either."""
    if one.sides >= other.sides:
        return one
    if one.sides <= other.sides:
        return other
    return replace(one, direction=direction_of(one.sides | other.sides), decided=one.decided and other.decided)


def too_deep(reason: str) -> Change:
    """The one fact about schemas that are too deep to walk."""
    return Change(UNDECIDED.id, "", "", "both", reason, decided=False)
