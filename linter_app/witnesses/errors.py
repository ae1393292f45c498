"""What jsonschema-rs finds wrong with an instance, in bounded memory.

It makes all errors at once (0.60), each with its paths and with the value that it is about as text, and each of an
alternative anew for every alternative around it. A small instance can so take gigabytes.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import jsonschema_rs

from linter_app.documents import Document
from linter_app.effort import lengths_of_places, steps_for_a_value
from linter_app.parts import type_of

MOST_BYTES = 500_000_000
"""That all errors of one instance may take if everything in it is wrong, as it is estimated."""
MOST_REASON = 300
"""Characters of what is told of one error."""
_BYTES = 1500
"""Of one error, without its paths and its value."""


class Errors:
    """The errors of one compiled schema."""

    def __init__(self, compiled: Any, document: Document) -> None:
        self._compiled = compiled
        self.steps = steps_for_a_value(document)
        """How many alternatives, listed values and patterns one value may be held against."""
        self._branches = not document.schema.words.isdisjoint(("anyOf", "oneOf"))
        self._longest = max(lengths_of_places(document.root), default=0)

    def of(self, instance: Any, most: int) -> list[Any]:
        """The first errors, at most so many: fewer, or none, where all together might take too much memory."""
        if self._bytes(instance) <= MOST_BYTES:
            return list(islice(self._compiled.iter_errors(instance), most))
        if self._branches:
            return []
        try:
            self._compiled.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []

    def _bytes(self, instance: Any) -> int:
        total = 0
        waiting: list[tuple[Any, int, int]] = [(instance, 1, 0)]
        while waiting and total <= MOST_BYTES:
            value, depth, path = waiting.pop()
            total += self.steps * (_BYTES + 3 * path + self._longest) * (depth if self._branches else 1)
            if isinstance(value, dict):
                waiting += [(member, depth + 1, path + len(name) + 1) for name, member in value.items()]
                total += depth * sum(map(len, value))
            elif isinstance(value, list):
                waiting += [(item, depth + 1, path + 7) for item in value]
            else:
                total += depth * (len(value) if isinstance(value, str) else 10)
        return total


def reason_of(error: Any, most: int = MOST_REASON) -> str:
    """What an error says, in at most so many characters; of a large value, not all of it."""
    text = str(error.message)
    if len(text) > most:
        value = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
        text = text.replace(value, f"this {type_of(error.instance)}", 1)
    return text if len(text) <= most else text[: most - 3] + "..."
