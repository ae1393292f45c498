"""The verdict: which facts break under a policy, and whether the version step may carry them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linter_app.change import MODES, SIDES, Change, Level, Mode, Report
from linter_app.diff import too_deep, walk
from linter_app.json_text import InvalidJSON, check_depth, same
from linter_app.proof import proven_to_accept
from linter_app.rules.catalogue import RULES
from linter_app.rules.objects import REQUIRED_PROPERTY_REMOVED
from linter_app.semver import Version, allows_breaking, smallest_breaking, smallest_minor
from linter_app.walk import Walk
from linter_app.witnesses.search import Search, open_search

BUDGET_MS = 200


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
    require_minor: bool = False,
) -> Report:
    """Judge the step from one JSON Schema to another.

    `old` and `new` are parsed, valid schemas (objects or booleans). `resources` maps URIs to schemas
    that references may lead to; nothing is fetched. `budget_ms` bounds the search for witnesses, 0
    leaves it out. With both versions given, the report also says whether the step between them may
    break; additions in a mere patch are a warning, with `require_minor` a problem.

    Raises ValueError on an unknown mode, InvalidVersion on a version that is none and InvalidSchema
    on an unknown `$schema`.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}")
    current = Version.parse(current_version) if current_version else None
    proposed = Version.parse(proposed_version) if proposed_version else None
    equal, changes = _judged(old, new, mode, strict_open_objects, budget_ms, resources or {})
    breaking = tuple(change for change in changes if change.decided and change.level == "error")
    undecided = tuple(change for change in changes if not change.decided and change.level == "error")
    verdict = "breaking" if breaking else "undecided" if undecided else "compatible"
    required_bump = None
    if breaking or undecided:
        required_bump = "major"
    elif any(RULES[change.rule].kind != "documentation" for change in changes):
        required_bump = "minor"
    elif not equal:
        required_bump = "patch"
    required_version = None
    enough = True
    problems: list[str] = []
    warnings: list[str] = []
    if current and proposed:
        if proposed <= current:
            enough = False
            problems.append(f"{proposed} is not greater than {current}")
        if breaking or undecided:
            required_version = smallest_breaking(current)
            if current.major == 0 and not current.text.startswith("v"):
                required_bump = "minor"
            if proposed > current and not allows_breaking(current, proposed):
                enough = False
                problems.append(f"needs {required_version}, you proposed {proposed}")
        elif required_bump == "minor" and proposed > current and not _at_least_minor(current, proposed):
            text = f"compatible additions ask for {smallest_minor(current)}, you proposed {proposed}"
            (problems if require_minor else warnings).append(text)
            enough = not require_minor
    elif breaking or undecided:
        problems.append(f"the step is {verdict}")
    return Report(
        verdict=verdict,  # type: ignore[arg-type]  # one of the three literals above
        changes=changes,
        breaking=breaking,
        undecided=undecided,
        required_bump=required_bump,
        required_version=required_version,
        bump_is_enough=enough,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _at_least_minor(current: Version, proposed: Version) -> bool:
    if current.text.startswith("v") or proposed.text.startswith("v"):
        return True  # vN has no minor part
    return (proposed.major, proposed.minor) > (current.major, current.minor)


def _judged(
    old: Any, new: Any, mode: Mode, strict: bool, budget_ms: float, resources: Mapping[str, Any]
) -> tuple[bool, tuple[Change, ...]]:
    """Whether both say the same, and the facts, each at its level: `error` where it breaks in this mode."""
    deadline = time.monotonic() + budget_ms / 1000
    sides = SIDES.get(mode, frozenset({mode}))
    try:
        check_depth([old, new])
    except InvalidJSON as error:
        return False, (replace(too_deep(str(error)), level="error" if sides else "info"),)
    if same(old, new) and not resources:
        return True, ()
    state = walk(old, new, strict, resources)
    stated = frozenset[str]().union(*(change.sides for change in state.changes if not _of_policy(change, strict)))
    open_sides = {side for side in sides & stated if not _proven(state, side)}
    searches: list[Search] = []
    if budget_ms > 0:
        opened = (open_search(state, side, deadline, resources) for side in sorted(open_sides))  # type: ignore[arg-type]
        searches = [search for search in opened if search is not None]
    facts = _with_witnesses(list(state.changes), searches, strict, deadline)
    return same(old, new), tuple(
        replace(change, level=_level(change, open_sides, mode, strict), place=None) for change in facts
    )


def _proven(state: Walk, side: str) -> bool:
    wider, narrower = (state.new, state.old) if side == "backward" else (state.old, state.new)
    return wider.draft == narrower.draft and proven_to_accept(wider.root, narrower.root, draft=wider.draft)


def _of_policy(change: Change, strict: bool) -> bool:
    """Whether the fact breaks by the seed's policy: no instance need break, but consumers rely on the property."""
    return change.rule == REQUIRED_PROPERTY_REMOVED.id and not strict


def _level(change: Change, open_sides: set[str], mode: Mode, strict: bool) -> Level:
    if _of_policy(change, strict):
        return "error" if mode != "none" else "info"
    if change.rule == REQUIRED_PROPERTY_REMOVED.id:
        # Strictly, an instance without the property is newly valid: old consumers break, new ones do not.
        return "error" if "forward" in open_sides else "info"
    return "error" if change.sides & open_sides else change.level


def _with_witnesses(changes: list[Change], searches: list[Search], strict: bool, deadline: float) -> list[Change]:
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
