"""Judging a step: the facts, the proof or the witness of each, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linter_app import iri
from linter_app.change import Change, Level, Mode, NotInTime, Report
from linter_app.checks import check_shape
from linter_app.config import BUDGET_MS, Config
from linter_app.dialects import Schema, read_schema
from linter_app.diff import too_deep, walk
from linter_app.documents import Document
from linter_app.effort import bearable
from linter_app.json_text import InvalidJSON, check_depth, same
from linter_app.proof import MAX_TEXT, QUICK_TEXT, proven_to_accept
from linter_app.rules import comparisons
from linter_app.rules.objects import REQUIRED_PROPERTY_REMOVED
from linter_app.verdict import report_of
from linter_app.walk import Walk
from linter_app.wit.diff import diff_wit
from linter_app.witnesses.search import Search, open_search

comparisons()  # it imports the rules: here, and not within the first comparison, which may have no time


def lint(
    old: Any,
    new: Any,
    *,
    mode: Mode = "backward",
    strict_open_objects: bool = False,
    current_version: str | None = None,
    proposed_version: str | None = None,
    budget_ms: float = BUDGET_MS,
    resources: Mapping[str, Any] | None = None,
    config: Config | None = None,
) -> Report:
    """Judge the step from one JSON Schema to another.

    `old` and `new` are parsed, valid schemas (objects or booleans). `resources` maps URIs to schemas
    that references may lead to; nothing is fetched. `budget_ms` bounds the search for witnesses, 0
    leaves it out. With both versions given, the report also says whether the step between them may
    break. A `config` replaces mode, strictness and budget, and brings levels and accepted breaks.

    Raises ValueError on an unknown mode, InvalidVersion on a version that is none and InvalidSchema
    on an unknown `$schema` or a malformed schema.
    """
    config = config or Config(mode=mode, strict_open_objects=strict_open_objects, budget_ms=budget_ms)
    equal = False
    try:
        check_depth([old, new])
    except InvalidJSON as error:
        changes: tuple[Change, ...] = (replace(too_deep(str(error)), level="error" if config.sides else "info"),)
    else:
        schemas = read_schema(old), read_schema(new)
        for schema in (*schemas, *map(read_schema, (resources or {}).values())):
            check_shape(schema)
        equal = same(old, new)
        changes = facts_between(*schemas, config, resources)
    return report_of(changes, config, equal=equal, current_version=current_version, proposed_version=proposed_version)


def plainly_compatible(old: Schema, new: Schema, config: Config, *, seconds: float) -> tuple[Change, ...] | None:
    """The facts that `facts_between` finds, where a walk of at most `seconds` shows that nothing breaks; else None.

    Nothing is proven, and no witness is looked for.
    """
    try:
        state = walk(Document(old), Document(new), config.strict_open_objects, seconds, in_time=True)
    except NotInTime:
        return None
    broken = frozenset[str]().union(*(change.sides for change in state.changes))
    if broken & config.sides or any(_of_policy(change, False) for change in state.changes):
        return None
    return tuple(state.changes)


def lint_wit(
    old: str,
    new: str,
    *,
    mode: Mode = "backward",
    old_dependencies: Mapping[str, str] | None = None,
    new_dependencies: Mapping[str, str] | None = None,
    current_version: str | None = None,
    proposed_version: str | None = None,
    config: Config | None = None,
) -> Report:
    """Judge the step from one WIT package to another, as `lint` does for schemas.

    Backward breaks components made for the old text on hosts of the new one, forward the other way
    round. Dependencies map a label to the text of a package that is used. Raises InvalidWIT,
    WITToolFailed, InvalidVersion, and ValueError on an unknown mode.
    """
    config = config or Config(mode=mode)
    changes = tuple(
        replace(change, level="error" if change.sides & config.sides else change.level)
        for change in diff_wit(old, new, old_dependencies=old_dependencies, new_dependencies=new_dependencies)
    )
    return report_of(
        changes, config, equal=old == new, current_version=current_version, proposed_version=proposed_version
    )


def facts_between(
    old: Schema, new: Schema, config: Config, resources: Mapping[str, Any] | None = None
) -> tuple[Change, ...]:
    """The facts of a step, each at its level: `error` where it breaks in this mode.

    Both must have been read by `json_text.loads` and have passed `checks.check_shape`, and so the resources.
    """
    strict, sides = config.strict_open_objects, config.sides
    resources = resources or {}
    if not resources and same(old.root, new.root):
        return ()
    state = walk(Document(old, resources), Document(new, resources), strict)
    stated = frozenset[str]().union(*(change.sides for change in state.changes if not _of_policy(change, strict)))
    open_sides = {side for side in sides & stated if not _proven(state, side, QUICK_TEXT)}
    if open_sides and config.budget_ms > 0:
        iri.prepare_for(old.root, new.root, *resources.values())
    deadline = time.monotonic() + config.budget_ms / 1000
    searches: list[Search] = []
    if config.budget_ms > 0:
        opened = (open_search(state, side, deadline, resources) for side in sorted(open_sides))  # type: ignore[arg-type]
        searches = [search for search in opened if search is not None]
    facts = _with_witnesses(list(state.changes), searches, deadline)
    for search in searches:
        # A proof about large schemas takes long, so it comes after the search, where that found nothing.
        unshown = not any(change.witness and change.witness.direction == search.side for change in facts)
        if unshown and _proven(state, search.side, MAX_TEXT):
            open_sides.remove(search.side)
    return tuple(replace(change, level=_level(change, open_sides, config), place=None) for change in facts)


def _proven(state: Walk, side: str, limit: int) -> bool:
    wider, narrower = (state.new, state.old) if side == "backward" else (state.old, state.new)
    if not (bearable(wider) and bearable(narrower)):
        return False
    if wider.draft != narrower.draft:
        return False
    return proven_to_accept(wider.root, narrower.root, draft=wider.draft, max_text=limit)


def _of_policy(change: Change, strict: bool) -> bool:
    """Whether the fact breaks by the seed's policy: no instance need break, but consumers rely on the property."""
    return change.rule == REQUIRED_PROPERTY_REMOVED.id and not strict


def _level(change: Change, open_sides: set[str], config: Config) -> Level:
    if _of_policy(change, config.strict_open_objects):
        return "error" if config.sides else "info"
    return "error" if change.sides & open_sides else change.level


def _with_witnesses(changes: list[Change], searches: list[Search], deadline: float) -> list[Change]:
    """The facts, with an instance each where one is found in time; a fact so proven is decided."""
    for search in searches:
        concerned = [n for n, change in enumerate(changes) if search.side in change.sides and not change.witness]
        for left, index in zip(range(len(concerned), 0, -1), concerned, strict=True):
            now = time.monotonic()
            if now > deadline:
                break
            change = changes[index]
            found = search.witness(change, now + (deadline - now) / min(left, 8), 400)
            if found:
                changes[index] = replace(change, witness=found, decided=True)
        if concerned and not any(changes[index].witness for index in concerned):
            # Steered nowhere in particular, a break may show that is due to several facts together.
            found = search.witness(None, deadline, 4000)
            if found:
                changes[concerned[0]] = replace(changes[concerned[0]], witness=found, decided=True)
    return changes
