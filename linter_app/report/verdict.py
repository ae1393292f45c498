"""The verdict: what changes mean under a policy, and whether the version bump allows them."""

from __future__ import annotations

from linter_app.changes import Change, Report
from linter_app.config import Config
from linter_app.rule_catalogue import RULES
from linter_app.semver import Version, allows_breaking, smallest_breaking, smallest_minor, smallest_patch


def report_of(
    changes: tuple[Change, ...],
    config: Config,
    *,
    equal: bool,
    current_version: str | None = None,
    proposed_version: str | None = None,
    warnings: tuple[str, ...] = (),
) -> Report:
    """Return the report on changes that have their levels for the mode: those of level `error` break or are undecided.

    `equal` says that both texts have exactly the same meaning, and `warnings` are added to those about the versions.
    Raises InvalidVersion.
    """
    changes = config.applied(changes)
    breaking = tuple(change for change in changes if change.decided and change.level == "error")
    undecided = tuple(change for change in changes if not change.decided and change.level == "error")
    grave = bool(breaking or (undecided and not config.undecided_passes))
    bump = "major" if grave else _bump(changes, equal)
    required_version = None
    problems: list[str] = []
    found_warnings = list(warnings)
    if current_version and proposed_version:
        current, proposed = Version.parse(current_version), Version.parse(proposed_version)
        if grave:
            required_version = smallest_breaking(current)
            bump = "minor" if current.major == 0 and not current.text.startswith("v") else bump
        if proposed <= current:
            problems.append(f"{proposed} is not greater than {current}")
        elif grave and not allows_breaking(current, proposed):
            problems.append(f"requires version {required_version}, but {proposed} is proposed")
        elif bump == "minor" and not grave and proposed < Version.parse(smallest_minor(current)):
            advice = f"compatible additions require at least {smallest_minor(current)}; proposed is {proposed}"
            (problems if config.require_minor else found_warnings).append(advice)
        elif bump == "patch" and proposed < Version.parse(smallest_patch(current)):
            found_warnings.append(
                f"a change of documentation requires at least {smallest_patch(current)}; proposed is {proposed}"
            )
    elif grave:
        problems.append(f"the step is {'breaking' if breaking else 'undecided'}")
    return Report(
        verdict="breaking" if breaking else "undecided" if undecided else "compatible",
        changes=changes,
        breaking=breaking,
        undecided=undecided,
        required_bump=bump,
        required_version=required_version,
        problems=tuple(problems),
        warnings=tuple(found_warnings),
    )


def _bump(changes: tuple[Change, ...], equal: bool) -> str | None:
    if any(RULES[change.rule].kind != "documentation" for change in changes):
        return "minor"
    return None if equal else "patch"
