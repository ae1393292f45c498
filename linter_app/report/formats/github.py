"""Workflow commands that GitHub shows as annotations on the changed lines."""

from __future__ import annotations

from collections.abc import Sequence

from linter_app.printable import printable
from linter_app.report.changelog import describe_witness
from linter_app.report.step import Step

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(steps: Sequence[Step]) -> str:
    """Return one command for each change and each problem."""
    lines = []
    for step in steps:
        file = _property(printable(str(step.new_path)))
        for change, line in step.changes_with_lines():
            message = printable(change.message) + (
                f"\nFor example, {describe_witness(change)}" if change.witness else ""
            )
            properties = f"file={file},line={line},title={_property(change.rule)}"
            lines.append(f"::{_COMMANDS[step.level_of(change)]} {properties}::{_data(message)}")
        lines += [
            f"::error file={file},line=1,title=version::{_data(printable(problem))}" for problem in step.report.problems
        ]
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
