"""Markdown for a comment under a change: the verdict and the changelog of each step."""

from __future__ import annotations

from collections.abc import Sequence

from linter_app.report.changelog import markdown, plain_markdown
from linter_app.report.step import Step


def render(steps: Sequence[Step]) -> str:
    """Return one chapter for each step."""
    chapters = []
    for step in steps:
        verdict = f"**{step.report.verdict.capitalize()}**"
        problems = f", {'; '.join(map(plain_markdown, step.report.problems))}" if step.report.problems else ""
        head, _, rest = markdown(step.report, step.title).partition("\n\n")
        chapters.append(f"{head}\n\n{verdict}{problems}.\n\n{rest}")
    return "\n".join(chapters).rstrip()
