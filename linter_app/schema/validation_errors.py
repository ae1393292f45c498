"""The errors that jsonschema-rs finds in an instance, in bounded memory.

It makes all errors at once (0.60), each with its paths and with the value that it is about as text, and those of an
alternative anew for every alternative around it. A small instance can so take gigabytes.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import jsonschema_rs

from linter_app.schema.complexity import max_steps_per_value, pointer_lengths
from linter_app.schema.documents import Document
from linter_app.schema.json_types import type_of

MAX_ERROR_BYTES = 500_000_000
"""Estimated bytes of all errors of one instance if everything in it is wrong."""
MAX_REASON_CHARACTERS = 300
_ERROR_BYTES = 1500
"""Bytes of one error, without its paths and its value."""


class ErrorCollector:
    """The errors of one compiled schema."""

    def __init__(self, compiled: Any, document: Document) -> None:
        self._compiled = compiled
        self.steps = max_steps_per_value(document)
        """How many alternatives, listed values and patterns one value may be compared with."""
        self._has_alternatives = not document.schema.member_names.isdisjoint(("anyOf", "oneOf"))
        self._longest = max(pointer_lengths(document.root), default=0)

    def errors(self, instance: Any, limit: int) -> list[Any]:
        """Return the first errors, at most `limit`; fewer or none where all together might take too much memory."""
        if self._bytes(instance) <= MAX_ERROR_BYTES:
            return list(islice(self._compiled.iter_errors(instance), limit))
        if self._has_alternatives:
            return []
        try:
            self._compiled.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []

    def _bytes(self, instance: Any) -> int:
        total = 0
        waiting: list[tuple[Any, int, int]] = [(instance, 1, 0)]
        while waiting and total <= MAX_ERROR_BYTES:
            value, depth, path = waiting.pop()
            copies = depth if self._has_alternatives else 1
            total += self.steps * (_ERROR_BYTES + 3 * path + self._longest) * copies
            if isinstance(value, dict):
                waiting += [(member, depth + 1, path + len(name) + 1) for name, member in value.items()]
                total += depth * sum(map(len, value))
            elif isinstance(value, list):
                waiting += [(item, depth + 1, path + 7) for item in value]
            else:
                total += depth * (len(value) if isinstance(value, str) else 10)
        return total


def short_reason(error: Any, max_characters: int = MAX_REASON_CHARACTERS) -> str:
    """Return the message of an error, with a large value replaced by its type, and cut at `max_characters`."""
    text = str(error.message)
    if len(text) > max_characters:
        value = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
        text = text.replace(value, f"this {type_of(error.instance)}", 1)
    return text if len(text) <= max_characters else text[: max_characters - 3] + "..."
