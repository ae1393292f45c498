"""Validation of instances with one schema, and generated examples.

The functions of this module run in a child process unless the schema is plain (schema/plain.py): what they cost is not
bounded. References are resolved within the schema alone.
"""

from __future__ import annotations

import random
import time
from functools import lru_cache
from itertools import islice
from typing import Any

from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document
from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_text import InvalidJSON, json_hashable, loads, loads_instance
from linter_app.schema.references import UNRESOLVED, schema_warnings
from linter_app.schema.validation_errors import short_reason
from linter_app.schema.validators import UNUSABLE, compiled
from linter_app.witness.constraints import Contradiction, Focus
from linter_app.witness.generator import InstanceGenerator
from linter_app.work_pool import CACHES

MAX_ERRORS = 50
"""Errors reported for one instance."""
MAX_REASON_CHARACTERS = 1000
"""Characters, without those of a large value."""
MAX_EXAMPLE_SECONDS = 2
WITHOUT_LOCATION = {
    "instancePointer": "",
    "schemaPointer": "",
    "reason": "it is not valid, and too large or too deep to say where: validate its parts by themselves",
}


class CannotValidate(ValueError):
    """The schema cannot be compiled, or this instance cannot be validated with it."""


class Validator:
    """A compiled schema. Raises CannotValidate if it cannot be compiled."""

    def __init__(self, text: str | None) -> None:
        try:
            schema = read_schema(loads(text) if text is not None else True)
            self.schema = schema.root
            self._compiled = compiled(schema.root, schema.draft, {})
        except UNUSABLE as error:
            unresolved = [each for each in schema_warnings(text or "true") if each.rule == UNRESOLVED]
            if unresolved:
                where = f"{unresolved[0].reference} at {unresolved[0].pointer}"
                raise CannotValidate(
                    f"this schema refers to {where}, which is not available to the registry; embed it, or publish it "
                    "as a contract and refer to that"
                ) from None
            raise CannotValidate(f"this schema cannot be compiled: {_first_line(error)}") from None

    def is_valid(self, instance: Any) -> bool:
        """Return whether an instance is valid. Raises CannotValidate."""
        try:
            return bool(self._compiled.is_valid(instance))
        except UNUSABLE as error:
            raise CannotValidate(f"this instance cannot be validated: {_first_line(error)}") from None

    def errors(self, instance: Any, *, located: bool = True) -> list[dict[str, str]]:
        """Return the errors of an instance, at most MAX_ERRORS; without `located`, one that names no location.

        Errors of nested alternatives can take any amount of memory. Raises CannotValidate.
        """
        if self.is_valid(instance):
            return []
        if not located:
            return [WITHOUT_LOCATION]
        try:
            found = list(islice(self._compiled.iter_errors(instance), MAX_ERRORS))
        except UNUSABLE as error:
            raise CannotValidate(f"this instance cannot be validated: {_first_line(error)}") from None
        return [
            {
                "instancePointer": pointer(list(error.instance_path)),
                "schemaPointer": pointer(list(error.schema_path)),
                "reason": short_reason(error, MAX_REASON_CHARACTERS),
            }
            for error in found
        ]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


validator_of = lru_cache(64)(Validator)
CACHES.append(validator_of.cache_clear)


def instance_errors(text: str | None, body: bytes, located: bool = True) -> list[dict[str, str]]:
    """Return the errors of one instance, given as JSON text. Raises CannotValidate, InvalidJSON."""
    return validator_of(text).errors(loads_instance(body), located=located)


def line_errors(
    text: str | None, lines: list[tuple[int, bytes]], seconds: float, located: bool = True
) -> list[tuple[int, list[dict[str, str]]]]:
    """Return the errors of each line of JSON Lines, with its number; those of the lines that `seconds` suffice for."""
    deadline = time.monotonic() + seconds
    validator = validator_of(text)
    results = []
    for number, line in lines:
        if time.monotonic() > deadline:
            break
        results.append((number, line_error(validator, line, located=located)))
    return results


def line_error(validator: Validator, line: bytes, *, located: bool = True) -> list[dict[str, str]]:
    """Return the errors of one line; one that is not JSON has an error of its own. Raises CannotValidate."""
    try:
        return validator.errors(loads_instance(line), located=located)
    except InvalidJSON as error:
        return not_json(error)


def not_json(error: InvalidJSON) -> list[dict[str, str]]:
    """Return the error of a line that is not JSON."""
    return [{"instancePointer": "", "schemaPointer": "", "reason": f"not JSON: {error}"}]


def examples(text: str | None, count: int) -> dict[str, list[Any]]:
    """Return up to `count` valid and `count` invalid instances, each checked; the same each time."""
    validator = validator_of(text)
    deadline = time.monotonic() + MAX_EXAMPLE_SECONDS
    subschema = Document(read_schema(validator.schema)).root_subschema
    found: dict[str, list[Any]] = {"valid": [], "invalid": []}
    for kind, wanted in (("valid", True), ("invalid", False)):
        rng = random.Random(1)
        seen = set()
        until = time.monotonic() + (deadline - time.monotonic()) / (2 if wanted else 1)
        for _ in range(count * 40):
            if len(found[kind]) == count or time.monotonic() > until:
                break
            try:
                keep, refuse = ([subschema], []) if wanted else ([], [subschema])
                instance = InstanceGenerator(rng, Focus()).value(keep, refuse)
                if json_hashable(instance) in seen or validator.is_valid(instance) is not wanted:
                    continue
            except (*UNUSABLE, Contradiction):
                continue
            seen.add(json_hashable(instance))
            found[kind].append(instance)
    return found
