"""Where in a text a JSON Pointer leads, for annotations in editors and code review."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from linter_app.json_text import pointer

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def lines_of(text: str, wanted: Collection[str]) -> dict[str, int]:
    """The line, from 1, on which what each pointer leads to is named; of those that lead somewhere in valid JSON."""
    found: dict[str, int] = {"": 1} if "" in wanted else {}
    path: list[str | int] = []
    expecting_key = begins_item = False
    for token, line in _tokens(text):
        if begins_item and token != "]":
            _note(found, wanted, path, line)
        begins_item = False
        match token:
            case "{":
                path.append("")
                expecting_key = True
            case "[":
                path.append(0)
                expecting_key, begins_item = False, True
            case "}" | "]":
                path.pop()
            case ",":
                if path and isinstance(path[-1], int):
                    path[-1] += 1
                    begins_item = True
                else:
                    expecting_key = True
            case ":":
                expecting_key = False
            case name if expecting_key:
                path[-1] = json.loads(name)
                _note(found, wanted, path, line)
    return found


def line_of_repeated_member(text: str) -> int | None:
    """The line, from 1, on which an object names a member anew; None where none does. The text need not be JSON."""
    objects: list[set[str] | None] = []
    expecting_key = False
    for token, line in _tokens(text):
        match token:
            case "{" | "[" as bracket:
                objects.append(set() if bracket == "{" else None)
                expecting_key = bracket == "{"
            case "}" | "]":
                objects[-1:] = []
            case ",":
                expecting_key = bool(objects) and objects[-1] is not None
            case name if expecting_key and objects and (members := objects[-1]) is not None:
                if name in members:
                    return line
                members.add(name)
                expecting_key = False
    return None


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of JSON, and the line that each begins on."""
    line, at = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", at, token.start())
        at = token.start()
        yield token.group(), line


def _note(found: dict[str, int], wanted: Collection[str], path: list[str | int], line: int) -> None:
    name = pointer(path)
    if name in wanted:
        found.setdefault(name, line)
