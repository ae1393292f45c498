"""Strict JSON (RFC 8259): what two readers could understand differently is refused."""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import Any

MAX_DEPTH = 200
"""Nested objects and arrays."""
_EXACT_DIGITS = 15
MAX_DIGITS = 400
"""Digits of an integer."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRING_OR_BLANKS = re.compile(rf"{_STRING}|[ \t\n\r]+", re.DOTALL)
_STRING_OR_NUMBER = re.compile(rf"{_STRING}|(-?[0-9][0-9.eE+-]*)", re.DOTALL)
_BLANKS = re.compile(r"[ \t\n\r]*")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]", re.ASCII)


class InvalidJSON(ValueError):
    """The text is not acceptable JSON; the message names the location."""

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidJSON(f"the member {key!r} appears twice in one object")
            seen.add(key)
    return result


def _constant(name: str) -> Any:
    raise InvalidJSON(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InvalidJSON(f"the number {text[:40]} is out of range")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise InvalidJSON(f"the number {text[:40]}... has more than {MAX_DIGITS} digits")
    return int(text)


def _distinguishable_float(text: str) -> float:
    value = _float(text)
    if len(text) > _EXACT_DIGITS and abs(value) >= 2**53 and Decimal(repr(value)) != Decimal(text):
        raise InvalidJSON(f"the number {text[:40]} has more digits than a validator can distinguish")
    return value


_HOOKS: dict[str, Any] = {"object_pairs_hook": _object, "parse_constant": _constant, "parse_int": _int}
_DECODER = json.JSONDecoder(parse_float=_float, **_HOOKS)
_INSTANCE_DECODER = json.JSONDecoder(parse_float=_distinguishable_float, **_HOOKS)


def loads_instance(text: str | bytes) -> Any:
    """Parse an instance as `loads` does. Raises InvalidJSON, also for a number that validation would change.

    Validators read numbers with a point or an exponent as doubles: beyond 2**53 these are not all integers.
    """
    return _parsed(text, _INSTANCE_DECODER)


def loads(text: str | bytes) -> Any:
    """Parse JSON text. Raises InvalidJSON.

    Refused beyond the grammar: byte sequences that are not UTF-8, repeated members, NaN and Infinity, numbers out of
    range, unpaired surrogates, and nesting deeper than MAX_DEPTH.
    """
    return _parsed(text, _DECODER)


def _parsed(text: str | bytes, decoder: json.JSONDecoder) -> Any:
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidJSON(f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise InvalidJSON("it begins with a byte order mark (U+FEFF); save it without one", line=1, column=1)
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidJSON(
            f"{error.msg} at line {error.lineno} column {error.colno}", line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise InvalidJSON(f"nested deeper than {MAX_DEPTH} levels") from None
    # Searching for a substring is far faster than for an expression, and most texts have no escape at all.
    if ("\\u" in text and _SURROGATE_ESCAPE.search(text)) or (not text.isascii() and _SURROGATE.search(text)):
        check_text(json.dumps(value, ensure_ascii=False))
    if text.count("{") + text.count("[") > MAX_DEPTH:
        check_depth(value)
    return value


def compact_exact(text: str) -> str:
    """Return valid JSON text without the blanks between its tokens, with every number as it is written."""
    return _STRING_OR_BLANKS.sub(lambda match: match[0] if match[0][0] == '"' else "", text)


def has_exact_numbers(text: str) -> bool:
    """Return whether each number of a JSON text is written as Python writes its value: then none is lost."""
    return all(match[1] is None or match[1] == (_plain_number(match[1])) for match in _STRING_OR_NUMBER.finditer(text))


def _plain_number(text: str) -> str:
    return repr(float(text)) if any(letter in text for letter in ".eE") else str(int(text))


def member_texts(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each member of a JSON object that `loads` accepts."""
    at = _blanks_end(text, 0) + 1
    while text[at := _blanks_end(text, at)] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _blanks_end(text, _blanks_end(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, text[start:end]
        at = _blanks_end(text, end)
        at += text[at] == ","


def item_texts(text: str) -> Iterator[str]:
    """Yield the text of each item of a JSON array that `loads` accepts."""
    at = _blanks_end(text, 0) + 1
    while text[at := _blanks_end(text, at)] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _blanks_end(text, end)
        at += text[at] == ","


def _blanks_end(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()


def check_text(text: str) -> None:
    """Raise InvalidJSON where a text cannot be encoded as UTF-8."""
    if _SURROGATE.search(text):
        raise InvalidJSON("a string contains an unpaired surrogate, which UTF-8 cannot encode")


def check_depth(value: Any, limit: int = MAX_DEPTH) -> None:
    """Raise InvalidJSON where a value is nested deeper than `limit` objects and arrays."""
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > limit + 1:
            raise InvalidJSON(f"nested deeper than {limit} levels")
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]


def json_hashable(value: Any) -> Hashable:
    """Return a hashable value that is equal exactly where `json_equal` holds."""
    if isinstance(value, dict):
        return "object", frozenset((key, json_hashable(member)) for key, member in value.items())
    if isinstance(value, list):
        return "array", tuple(map(json_hashable, value))
    return "boolean" if isinstance(value, bool) else "scalar", value


def json_equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal in JSON: 1 equals 1.0, and true does not equal 1."""
    if left != right:
        return False
    try:
        # Equal bytes distinguish true from 1, unlike ==. Version 2 has no references to shared objects.
        return marshal.dumps(left, 2) == marshal.dumps(right, 2) or _deep_equal(left, right)
    except ValueError:  # not exactly of JSON's types, as a caller in Python may pass them
        return _deep_equal(left, right)


def _deep_equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_deep_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_deep_equal, left, right))
    return bool(left == right)
