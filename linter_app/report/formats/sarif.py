"""SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from collections.abc import Sequence

from linter_app.changes import Change
from linter_app.printable import printable
from linter_app.report.changelog import describe_witness
from linter_app.report.step import Step
from linter_app.rules import all_rules

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(steps: Sequence[Step]) -> str:
    """Return one run with a result for each change."""
    rules = list(all_rules().values())
    order = {rule.id: number for number, rule in enumerate(rules)}
    results = [
        {
            "ruleId": change.rule,
            "ruleIndex": order[change.rule],
            "level": _LEVELS[step.level_of(change)],
            "message": {
                "text": printable(change.message)
                + (f". For example, {describe_witness(change)}" if change.witness else "")
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": step.new_path.as_posix()},
                        "region": {"startLine": line},
                    },
                    "logicalLocations": [{"fullyQualifiedName": change.new_pointer or change.old_pointer or "/"}],
                }
            ],
        }
        for step in steps
        for change, line in step.changes_with_lines()
    ]
    descriptors = [
        {"id": rule.id, "shortDescription": {"text": rule.purpose}, "properties": {"breaks": rule.direction}}
        for rule in rules
    ]
    run = {"tool": {"driver": {"name": "contracts-lint", "rules": descriptors}}, "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _example(change: Change) -> str:
    return f". For example, {describe_witness(change)}" if change.witness else ""
