"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from linter_app.changes import Change, Report
from linter_app.printable import printable
from linter_app.report.changelog import describe_witness
from linter_app.report.step import Step

Paint = Callable[[str, str], str]
"""Colours a text for its meaning: `breaking`, `undecided`, `compatible` or `dim`."""


def render(steps: Sequence[Step], paint: Paint = lambda words, _: words) -> str:
    """Return the report, one paragraph for each step."""
    return "\n".join(line for step in steps for line in lines_of(step, paint))


def lines_of(step: Step, paint: Paint = lambda words, _: words) -> Iterator[str]:
    """Yield the lines of one step."""
    report = step.report
    subject = f"{printable(step.contract)}: the" if step.contract else "The"
    versions = f" from {step.old_version} to {step.new_version}" if step.old_version else ""
    yield f"{subject} change{versions} is " + paint(report.verdict, report.verdict) + "."
    for change in report.changes:
        yield f"  {_label(change, report):9} {change.rule} at {printable(change.pointer)}: {printable(change.message)}"
        if change.witness:
            yield "            " + paint(f"for example, {describe_witness(change)}", "dim")
        if change.accepted:
            yield f"            accepted: {printable(change.accepted)}"
    for warning in report.warnings:
        yield f"  warning   {printable(warning)}"
    if report.required_bump:
        yield f"Smallest bump: {report.required_version or report.required_bump}"


def _label(change: Change, report: Report) -> str:
    if change in report.breaking:
        return "breaking"
    return "undecided" if change in report.undecided else "accepted" if change.accepted else change.level
