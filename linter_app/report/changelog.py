"""Changelogs, generated from the changes of a comparison: Markdown for readers, JSON for programs."""

from __future__ import annotations

import json
import re
from typing import Any

from linter_app.changes import Change, Report
from linter_app.printable import printable
from linter_app.rule_catalogue import RULES

SECTIONS = ("Breaking", "Added", "Changed", "Deprecated", "Documentation")
_BY_KIND = {"added": "Added", "deprecated": "Deprecated", "documentation": "Documentation"}
MAX_EXCERPT_CHARACTERS = 2000
MAX_SHOWN_CHARACTERS, MAX_SHOWN_ITEMS = 200, 50


def sections(report: Report) -> dict[str, list[Change]]:
    """Return the changes by section, without empty sections. Undecided changes are listed as breaking."""
    found: dict[str, list[Change]] = {name: [] for name in SECTIONS}
    for change in report.changes:
        breaks = change.level == "error" or change.accepted
        found["Breaking" if breaks else _BY_KIND.get(RULES[change.rule].kind, "Changed")].append(change)
    return {name: changes for name, changes in found.items() if changes}


def markdown(report: Report, title: str) -> str:
    """Return the chapter of one version, which begins with a heading of level 2."""
    lines = [f"## {plain_markdown(title)}", ""]
    for name, changes in sections(report).items():
        lines += [f"### {name}", ""]
        for change in changes:
            lines += _entry(change)
        lines.append("")
    if not report.changes:
        lines += ["No changes." if report.required_bump is None else "No changes that affect readers.", ""]
    return "\n".join(lines)


def changelog_to_json(report: Report, title: str) -> dict[str, Any]:
    """Return the same as `markdown`, as data."""
    return {
        "title": title,
        "requiredBump": report.required_bump,
        "sections": {name: list(map(change_to_json, changes)) for name, changes in sections(report).items()},
    }


def change_to_json(change: Change) -> dict[str, Any]:
    """Return one change as data, with the same members in every form of output."""
    members: dict[str, Any] = {
        "rule": change.rule,
        "level": change.level,
        "direction": change.direction,
        "decided": change.decided,
        "oldPointer": change.old_pointer,
        "newPointer": change.new_pointer,
        "message": change.message,
    }
    if change.witness:
        members["witness"] = {
            "instance": change.witness.instance,
            "direction": change.witness.direction,
            "error": change.witness.error,
        }
    if change.accepted:
        members["accepted"] = change.accepted
    return members


def excerpt(value: Any, max_characters: int = MAX_EXCERPT_CHARACTERS) -> str:
    """Return a value as JSON on one line, long strings and arrays shortened, cut at `max_characters`."""
    text = json.dumps(_shortened(value), ensure_ascii=False)
    return printable(text if len(text) <= max_characters else text[: max_characters - 3] + "...")


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_SHOWN_CHARACTERS:
        return f"{value[: MAX_SHOWN_CHARACTERS // 2]}... ({len(value)} characters)"
    if isinstance(value, list):
        shown = [_shortened(item) for item in value[:MAX_SHOWN_ITEMS]]
        return [*shown, f"... ({len(value)} items)"] if len(value) > MAX_SHOWN_ITEMS else shown
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    return value


def describe_witness(change: Change) -> str:
    """Return a sentence that says what the witness shows; empty where there is none."""
    if change.witness is None:
        return ""
    backward = change.witness.direction == "backward"
    shown = "was valid and is now rejected" if backward else "was rejected and is now valid"
    return f"{excerpt(change.witness.instance)} {shown}: {printable(change.witness.error)}"


def _entry(change: Change) -> list[str]:
    message = change.message[:1].upper() + change.message[1:]
    line = f"- {plain_markdown(message)} at {_code(change.pointer)} (`{change.rule}`)."
    if not change.decided:
        line += " Whether this breaks could not be decided."
    if change.accepted:
        line += f" Accepted: {plain_markdown(change.accepted)}."
    lines = [line]
    if change.witness:
        was, now = ("valid", "rejected") if change.witness.direction == "backward" else ("rejected", "valid")
        lines += ["", f"  For example, this was {was} and is now {now}:", ""]
        lines += ["  ```json", f"  {excerpt(change.witness.instance)}", "  ```"]
    return lines


def plain_markdown(text: str) -> str:
    """Return text in which nothing is Markdown or HTML, on one line."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>#|&~" else letter for letter in printable(text))
    return " ".join(escaped.split())


def _code(text: str) -> str:
    """Return a code span, whatever backticks the text has (CommonMark, section 6.1)."""
    text = printable(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"
