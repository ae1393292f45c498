"""Reports for people and for programs: text, json, github, junit, sarif, markdown."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linter_app.change import Change, Report
from linter_app.changelog import fact, markdown, told
from linter_app.places import lines_of
from linter_app.reference import all_rules

Paint = Callable[[str, str], str]
"""Colours a text by a word: `breaking`, `undecided`, `compatible`, `dim`."""


@dataclass(frozen=True)
class Step:
    """One comparison and its report."""

    contract: str | None
    old_version: str | None
    new_version: str | None
    old_path: Path
    new_path: Path
    report: Report

    @property
    def title(self) -> str:
        """What was compared, in words."""
        versions = f"{self.old_version} to {self.new_version}" if self.new_version else self.new_path.name
        return f"{self.contract} {versions}" if self.contract else versions


def mark(change: Change, report: Report) -> str:
    """One word for what a fact means."""
    if change in report.breaking:
        return "breaking"
    return "unclear" if change in report.undecided else "accepted" if change.accepted else change.level


def text(steps: Sequence[Step], paint: Paint = lambda words, _: words) -> str:
    """For a terminal."""
    return "\n".join(line for step in steps for line in _text(step, paint))


def _text(step: Step, paint: Paint) -> Iterator[str]:
    report = step.report
    what = f"{step.contract}: the" if step.contract else "The"
    versions = f" from {step.old_version} to {step.new_version}" if step.old_version else ""
    yield f"{what} change{versions} is " + paint(report.verdict, report.verdict) + "."
    for change in report.changes:
        place = change.new_pointer if change.new_pointer is not None else change.old_pointer
        yield f"  {mark(change, report):9} {change.rule} at {place or '/'}: {change.message}"
        if change.witness:
            yield "            " + paint(f"for example, {told(change)}", "dim")
        if change.accepted:
            yield f"            accepted: {change.accepted}"
    for warning in report.warnings:
        yield f"  warning   {warning}"
    if report.required_bump:
        yield f"Smallest bump: {report.required_version or report.required_bump}"


def as_json(steps: Sequence[Step]) -> str:
    """For programs: every step with its facts."""
    return json.dumps({"steps": [_step(step) for step in steps]}, indent=2, ensure_ascii=False)


def _step(step: Step) -> dict[str, Any]:
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
        "changes": [fact(change) for change in report.changes],
    }


def _grade(change: Change, step: Step) -> str:
    """How grave a fact is once the version step is taken into account."""
    if change.level == "error" and step.report.acceptable:
        return "warning"  # the version carries it
    return change.level


def _placed(step: Step) -> Iterator[tuple[Change, int]]:
    """Each fact with the line of the new file to show it at; the first for what is gone."""
    pointers = {change.new_pointer for change in step.report.changes if change.new_pointer is not None}
    readable = step.new_path.suffix == ".json" and step.new_path.is_file()
    lines = lines_of(step.new_path.read_text(encoding="utf-8"), pointers) if readable else {}
    for change in step.report.changes:
        yield change, lines.get(change.new_pointer or "", 1)


def github(steps: Sequence[Step]) -> str:
    """Workflow commands that GitHub shows as annotations on the changed lines."""
    words = {"error": "error", "warning": "warning", "info": "notice"}
    lines = []
    for step in steps:
        for change, line in _placed(step):
            message = change.message + (f"\nFor example, {told(change)}" if change.witness else "")
            place = f"file={_property(str(step.new_path))},line={line},title={_property(change.rule)}"
            lines.append(f"::{words[_grade(change, step)]} {place}::{_data(message)}")
        for problem in step.report.problems:
            lines.append(f"::error file={_property(str(step.new_path))},line=1,title=version::{_data(problem)}")
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def junit(steps: Sequence[Step]) -> str:
    """JUnit XML: a test case a step, which fails where the step is not acceptable."""
    failures = sum(not step.report.acceptable for step in steps)
    attributes = {"name": "contracts", "tests": str(len(steps)), "failures": str(failures), "errors": "0"}
    suite = ElementTree.Element("testsuite", attributes)
    for step in steps:
        names = {"classname": step.contract or step.new_path.stem, "name": step.title, "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", names)
        body = "\n".join(_text(step, lambda words, _: words))
        if step.report.acceptable:
            ElementTree.SubElement(case, "system-out").text = _printable(body)
        else:
            message = _printable("; ".join(step.report.problems))
            failure = ElementTree.SubElement(case, "failure", {"message": message, "type": step.report.verdict})
            failure.text = _printable(body)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _printable(value: str) -> str:
    """Without the characters that XML 1.0 cannot carry."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", value)


def sarif(steps: Sequence[Step]) -> str:
    """SARIF 2.1.0, for code scanning."""
    levels = {"error": "error", "warning": "warning", "info": "note"}
    rules = list(all_rules().values())
    order = {rule.id: number for number, rule in enumerate(rules)}
    results = [
        {
            "ruleId": change.rule,
            "ruleIndex": order[change.rule],
            "level": levels[_grade(change, step)],
            "message": {"text": change.message + (f". For example, {told(change)}" if change.witness else "")},
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
        for change, line in _placed(step)
    ]
    described = [
        {"id": rule.id, "shortDescription": {"text": rule.purpose}, "properties": {"breaks": rule.direction}}
        for rule in rules
    ]
    run = {"tool": {"driver": {"name": "contracts-lint", "rules": described}}, "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def as_markdown(steps: Sequence[Step]) -> str:
    """For a comment under a change: the verdict and the changelog of each step."""
    chapters = []
    for step in steps:
        verdict = f"**{step.report.verdict.capitalize()}**"
        asked = f", {'; '.join(step.report.problems)}" if step.report.problems else ""
        head, _, rest = markdown(step.report, step.title).partition("\n\n")
        chapters.append(f"{head}\n\n{verdict}{asked}.\n\n{rest}")
    return "\n".join(chapters).rstrip()


FORMATS: dict[str, Callable[[Sequence[Step]], str]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "junit": junit,
    "sarif": sarif,
    "markdown": as_markdown,
}
