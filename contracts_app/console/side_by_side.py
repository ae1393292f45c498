"""Two texts side by side: JSON by its structure, so that a moved brace is no change; other texts line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from contracts_app.console.sources import pretty
from linter_app.schema.json_text import json_equal, json_hashable

MAX_ROWS = 2000
MAX_LINES = 5000
"""Lines of a text that are compared."""
MAX_ALIGNED_ITEMS = 400
"""Members of an array that are aligned; those of a longer array are compared by position."""
MIN_FOLDED_LINES = 4
"""Number of equal lines that are folded into one."""


@dataclass(frozen=True)
class Row:
    """`kind` is `same`, `folded`, `changed`, `removed` or `added`."""

    kind: str
    old: str
    new: str

    @property
    def mark(self) -> str:
        return {"changed": "~", "removed": "-", "added": "+"}.get(self.kind, "")


def json_side_by_side(old: Any, new: Any) -> tuple[list[Row], bool]:
    """Return the rows of two JSON values, and whether none was left out."""
    return _bounded(_pair(old, new, "", "", ""))


def lines_side_by_side(old: str, new: str) -> tuple[list[Row], bool]:
    """Return the rows of two texts, and whether none was left out."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MAX_LINES:
        return [], False
    return _bounded(_lines(before, after))


def _bounded(rows: Iterator[Row]) -> tuple[list[Row], bool]:
    found: list[Row] = []
    for row in rows:
        if len(found) == MAX_ROWS:
            return found, False
        found.append(row)
    return found, True


def _pair(old: Any, new: Any, label: str, indent: str, comma: str) -> Iterator[Row]:
    """Yield the rows of two values under one label. Long equal parts are folded."""
    if json_equal(old, new):
        yield from _equal(old, label, indent, comma)
    elif isinstance(old, dict) and isinstance(new, dict):
        yield Row("same", f"{indent}{label}{{", f"{indent}{label}{{")
        keys = list(old) + [key for key in new if key not in old]
        for key in keys:
            yield from _member(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{pretty(key)}: ", indent + "  ")
        yield Row("same", f"{indent}}}{comma}", f"{indent}}}{comma}")
    elif isinstance(old, list) and isinstance(new, list):
        yield Row("same", f"{indent}{label}[", f"{indent}{label}[")
        for before, after in _aligned(old, new):
            yield from _member(before, after, "", indent + "  ")
        yield Row("same", f"{indent}]{comma}", f"{indent}]{comma}")
    else:
        yield from _replaced("changed", old, new, label, indent, comma)


_ABSENT: Any = object()


def _member(old: Any, new: Any, label: str, indent: str) -> Iterator[Row]:
    if new is _ABSENT:
        yield from _replaced("removed", old, new, label, indent, ",")
    elif old is _ABSENT:
        yield from _replaced("added", old, new, label, indent, ",")
    else:
        yield from _pair(old, new, label, indent, ",")


def _replaced(kind: str, old: Any, new: Any, label: str, indent: str, comma: str) -> Iterator[Row]:
    sides = [_written(value, label, indent, comma) if value is not _ABSENT else [] for value in (old, new)]
    for before, after in zip_longest(*sides, fillvalue=""):
        yield Row(kind, before, after)


def _written(value: Any, label: str, indent: str, comma: str) -> list[str]:
    lines = pretty(value).split("\n")
    return [
        f"{indent}{label if first == 0 else ''}{line}{comma if first == len(lines) - 1 else ''}"
        for first, line in enumerate(lines)
    ]


def _equal(value: Any, label: str, indent: str, comma: str) -> Iterator[Row]:
    lines = _written(value, label, indent, comma)
    if len(lines) > MIN_FOLDED_LINES:
        end = "}" if isinstance(value, dict) else "]"
        shown = f"{lines[0]} … {len(lines) - 2} … {end}{comma}"
        yield Row("folded", shown, shown)
    else:
        yield from (Row("same", line, line) for line in lines)


def _aligned(old: list[Any], new: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair the members of two arrays; _ABSENT where a member has no match."""
    if max(len(old), len(new)) > MAX_ALIGNED_ITEMS:
        yield from zip_longest(old, new, fillvalue=_ABSENT)
        return
    matcher = SequenceMatcher(
        None, [json_hashable(each) for each in old], [json_hashable(each) for each in new], autojunk=False
    )
    for _, start, end, begin, stop in matcher.get_opcodes():
        yield from zip_longest(old[start:end], new[begin:stop], fillvalue=_ABSENT)


def _lines(old: list[str], new: list[str]) -> Iterator[Row]:
    for kind, start, end, begin, stop in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            run = old[start:end]
            if len(run) > 2 * MIN_FOLDED_LINES:
                yield from (Row("same", line, line) for line in run[: MIN_FOLDED_LINES - 1])
                shown = f"… {len(run) - 2 * (MIN_FOLDED_LINES - 1)} …"
                yield Row("folded", shown, shown)
                run = run[-(MIN_FOLDED_LINES - 1) :]
            yield from (Row("same", line, line) for line in run)
        else:
            name = {"replace": "changed", "delete": "removed", "insert": "added"}[kind]
            for before, after in zip_longest(old[start:end], new[begin:stop], fillvalue=""):
                yield Row(name, before, after)
