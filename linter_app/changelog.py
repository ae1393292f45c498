"""Changelogs, written from the facts of a comparison: Markdown for readers, JSON for programs."""

from __future__ import annotations

import json
from typing import Any

from linter_app.change import Change, Report
from linter_app.rules.catalogue import RULES

SECTIONS = ("Breaking", "Added", "Changed", "Deprecated", "Documentation")
_BY_KIND = {"added": "Added", "deprecated": "Deprecated", "documentation": "Documentation"}
LONGEST = 2000


def sections(report: Report) -> dict[str, list[Change]]:
    """The facts by chapter, without empty ones. What may break and was not decided is told as breaking."""
    found: dict[str, list[Change]] = {name: [] for name in SECTIONS}
    for change in report.changes:
        grave = change.level == "error" or change.accepted
        found["Breaking" if grave else _BY_KIND.get(RULES[change.rule].kind, "Changed")].append(change)
    return {name: changes for name, changes in found.items() if changes}


def markdown(report: Report, title: str) -> str:
    """One version's chapter, beginning with a heading of level 2."""
    lines = [f"## {title}", ""]
    for name, changes in sections(report).items():
        lines += [f"### {name}", ""]
        for change in changes:
            lines += _entry(change)
        lines.append("")
    if not report.changes:
        lines += ["Nothing changed." if report.required_bump is None else "Nothing that readers would notice.", ""]
    return "\n".join(lines)


def as_json(report: Report, title: str) -> dict[str, Any]:
    """The same as `markdown`, as data."""
    return {
        "title": title,
        "requiredBump": report.required_bump,
        "sections": {name: [fact(change) for change in changes] for name, changes in sections(report).items()},
    }


def fact(change: Change) -> dict[str, Any]:
    """One fact as data, in the same words wherever JSON is printed."""
    found: dict[str, Any] = {
        "rule": change.rule,
        "level": change.level,
        "direction": change.direction,
        "decided": change.decided,
        "oldPointer": change.old_pointer,
        "newPointer": change.new_pointer,
        "message": change.message,
    }
    if change.witness:
        found["witness"] = {
            "instance": change.witness.instance,
            "direction": change.witness.direction,
            "error": change.witness.error,
        }
    if change.accepted:
        found["accepted"] = change.accepted
    return found


def shown(value: Any, longest: int = LONGEST) -> str:
    """A value on one line, cut where it has more than `longest` characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def told(change: Change) -> str:
    """What a witness shows, in a sentence; empty where there is none."""
    if change.witness is None:
        return ""
    was, now = ("was valid", "is") if change.witness.direction == "backward" else ("is valid", "was")
    return f"{shown(change.witness.instance)} {was} and {now} refused: {change.witness.error}"


def _entry(change: Change) -> list[str]:
    place = change.new_pointer if change.new_pointer is not None else change.old_pointer
    message = change.message[:1].upper() + change.message[1:]
    line = f"- {_plain(message)} at `{place or '/'}` (`{change.rule}`)."
    if not change.decided:
        line += " Whether this breaks could not be decided."
    if change.accepted:
        line += f" Accepted: {_plain(change.accepted)}."
    lines = [line]
    if change.witness:
        was, now = ("valid", "refused") if change.witness.direction == "backward" else ("refused", "valid")
        lines += ["", f"  For example, this was {was} and is {now} now:", ""]
        lines += ["  ```json", f"  {shown(change.witness.instance)}", "  ```"]
    return lines


def _plain(text: str) -> str:
    """Text in which nothing is Markdown, on one line."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in text)
    return " ".join(escaped.split())
