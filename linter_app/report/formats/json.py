"""The report for programs: every step with its changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from linter_app.report.changelog import change_to_json
from linter_app.report.step import Step


def render(steps: Sequence[Step]) -> str:
    """Return the report as a JSON object."""
    return json.dumps({"steps": [_step_to_json(step) for step in steps]}, indent=2, ensure_ascii=False)


def _step_to_json(step: Step) -> dict[str, Any]:
    report = step.report
    return {
        "contract": step.contract,
        "oldVersion": step.old_version,
        "newVersion": step.new_version,
        "oldPath": str(step.old_path),
        "newPath": str(step.new_path),
        "verdict": report.verdict,
        "acceptable": report.acceptable,
        "requiredBump": report.required_bump,
        "requiredVersion": report.required_version,
        "problems": list(report.problems),
        "warnings": list(report.warnings),
        "changes": [change_to_json(change) for change in report.changes],
    }
