"""JSON Pointers (RFC 6901): made, followed, and found as lines of a text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def pointer(parts: Sequence[str | int]) -> str:
    """Return the JSON Pointer of reference tokens."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def tokens_of(pointer: str) -> list[str]:
    """Return the reference tokens of a JSON Pointer."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def follow(root: Any, pointer: str) -> tuple[Any, tuple[str | int, ...]] | None:
    """Return the value that a JSON Pointer leads to and the steps to it, or None where it leads nowhere."""
    value, steps = root, list[str | int]()
    for token in tokens_of(pointer):
        if isinstance(value, dict) and token in value:
            value = value[token]
            steps.append(token)
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
            steps.append(int(token))
        else:
            return None
    return value, tuple(steps)


def line_numbers(text: str, wanted: Collection[str]) -> dict[str, int]:
    """Return the line, from 1, on which the member or item of each pointer begins; for those found in valid JSON."""
    found: dict[str, int] = {"": 1} if "" in wanted else {}
    # Most members are not wanted: compare the last step before a whole pointer is made.
    lasts = {_unescaped(each.rpartition("/")[2]) for each in wanted}
    path: list[str | int] = []
    expecting_key = begins_item = False
    for token, line in _tokens(text):
        if begins_item and token != "]" and str(path[-1]) in lasts:
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
                path[-1] = name[1:-1] if "\\" not in name else json.loads(name)
                if path[-1] in lasts:
                    _note(found, wanted, path, line)
    return found


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def line_of_repeated_member(text: str) -> int | None:
    """Return the line, from 1, on which an object repeats a member, or None. The text need not be valid JSON."""
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
    """Yield the tokens of a JSON text, and the line that each begins on."""
    line, at = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", at, token.start())
        at = token.start()
        yield token.group(), line


def _note(found: dict[str, int], wanted: Collection[str], path: list[str | int], line: int) -> None:
    name = pointer(path)
    if name in wanted:
        found.setdefault(name, line)
