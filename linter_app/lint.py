"""The verdict: which facts break under a policy, and whether the version step may carry them."""

from __future__ import annotations

from typing import Any

from linter_app.change import MODES, SIDES, Change, Mode, Report
from linter_app.diff import diff, too_deep
from linter_app.json_text import InvalidJSON, check_depth, same
from linter_app.proof import proven_to_accept
from linter_app.rules.objects import REQUIRED_PROPERTY_REMOVED
from linter_app.semver import Version, allows_breaking, smallest_breaking


def lint(
    old: Any,
    new: Any,
    *,
    mode: Mode = "backward",
    strict_open_objects: bool = False,
    current_version: str | None = None,
    proposed_version: str | None = None,
) -> Report:
    """Judge the step from one JSON Schema to another.

    `old` and `new` are parsed, valid schemas (objects or booleans). With both versions given, the
    report also says whether the step between them may break. Raises ValueError on an unknown mode and
    InvalidVersion on a version that is none.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not one of {', '.join(MODES)}")
    current = Version.parse(current_version) if current_version else None
    proposed = Version.parse(proposed_version) if proposed_version else None
    try:
        check_depth([old, new])
    except InvalidJSON as error:
        equal, changes, open_sides = False, (too_deep(str(error)),), SIDES.get(mode, frozenset({mode}))
    else:
        equal = same(old, new)
        changes = () if equal else diff(old, new, strict_open_objects=strict_open_objects)
        open_sides = _open_sides(old, new, changes, mode)
    breaking = tuple(change for change in changes if change.decided and _breaks(change, mode, open_sides))
    if strict_open_objects:
        breaking = tuple(change for change in breaking if _strictly(change, mode))
    undecided = tuple(change for change in changes if not change.decided and change.sides & open_sides)
    verdict = "breaking" if breaking else "undecided" if undecided else "compatible"
    required_bump = None
    if breaking or undecided:
        required_bump = "major"
    elif changes:
        required_bump = "minor"
    elif not equal:
        required_bump = "patch"
    required_version = None
    enough = True
    problems: list[str] = []
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
    )


def _open_sides(old: Any, new: Any, changes: tuple[Change, ...], mode: Mode) -> frozenset[str]:
    """The directions of the mode in which something may break: those stated, less those proven harmless."""
    stated = frozenset[str]().union(*(change.sides for change in changes)) & SIDES.get(mode, frozenset({mode}))
    proven = {
        side
        for side, wider, narrower in (("backward", new, old), ("forward", old, new))
        if side in stated and proven_to_accept(wider, narrower)
    }
    return stated - proven


def _breaks(change: Change, mode: Mode, open_sides: frozenset[str]) -> bool:
    if change.rule == REQUIRED_PROPERTY_REMOVED.id and mode != "none":
        # No instance need break: consumers rely on the property, says the policy.
        return True
    return bool(change.sides & open_sides)


def _strictly(change: Change, mode: Mode) -> bool:
    # Strictly, an instance without the property is newly valid: old consumers break, new ones do not.
    return change.rule != REQUIRED_PROPERTY_REMOVED.id or mode in ("forward", "full")
