"""Validation of instances by a registered schema, and generated example instances."""

from __future__ import annotations

import random
import time
from functools import lru_cache
from typing import Any

import jsonschema_rs

from contracts_app.exceptions import ContractRefused
from linter_app.schema.complexity import is_bounded
from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document
from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_text import json_hashable, loads
from linter_app.schema.validation_errors import ErrorCollector, short_reason
from linter_app.witness.constraints import Contradiction, Focus
from linter_app.witness.generator import InstanceGenerator

MAX_ERRORS = 50
"""Errors reported for one instance."""
MAX_REASON_CHARACTERS = 1000
"""Characters, without those of a large value."""
TOO_LARGE = "it is not valid, and too large or too deep to say where: validate its parts by themselves"
MAX_STEPS = 10_000_000
"""Work for one instance, in steps of about 0.1 microseconds during which no other thread of the process runs."""
MAX_SECONDS = 10
"""Work for all instances of one request."""
MAX_EXAMPLE_SECONDS = 2
_UNUSABLE = (ValueError, RecursionError, OverflowError, TypeError, jsonschema_rs.ReferencingError)


class Validator:
    """A compiled schema. Raises ContractRefused if it cannot be compiled or could take too long."""

    def __init__(self, text: str | None) -> None:
        self.schema = loads(text) if text is not None else True
        document = Document(read_schema(self.schema))
        if not is_bounded(document):
            raise ContractRefused(
                "to validate with this schema would take too long: its references multiply, or its patterns do"
            )
        try:
            self._compiled = jsonschema_rs.validator_for(
                self.schema,
                validate_formats=True,
                retriever=_nothing,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000),
            )
        except _UNUSABLE as error:
            raise ContractRefused(f"this schema cannot be compiled: {error}") from None
        self._errors = ErrorCollector(self._compiled, document)

    def errors(self, instance: Any) -> list[dict[str, str]]:
        """Return the errors of an instance, at most MAX_ERRORS.

        Raises ContractRefused if validation would take too long or is not decidable.
        """
        steps = self._errors.steps
        if steps > 20 and (values := _values_in(instance)) * steps > MAX_STEPS:
            raise ContractRefused(
                f"{values} values are too many to validate in one request with this schema, "
                f"which may hold each against {steps} alternatives; send fewer"
            )
        try:
            if self._compiled.is_valid(instance):
                return []
            found = self._errors.errors(instance, MAX_ERRORS)
        except _UNUSABLE as error:
            raise ContractRefused(f"this instance cannot be validated: {error}") from None
        return [
            {
                "instancePointer": pointer(list(error.instance_path)),
                "schemaPointer": pointer(list(error.schema_path)),
                "reason": short_reason(error, MAX_REASON_CHARACTERS),
            }
            for error in found
        ] or [{"instancePointer": "", "schemaPointer": "", "reason": TOO_LARGE}]

    def is_valid(self, instance: Any) -> bool:
        return bool(self._compiled.is_valid(instance))


def _values_in(instance: Any) -> int:
    count, waiting = 0, [instance]
    while waiting:
        item = waiting.pop()
        count += 1
        if isinstance(item, (dict, list)):
            waiting += item.values() if isinstance(item, dict) else item
    return count


def _nothing(uri: str) -> Any:
    raise ValueError(f"nothing is fetched: {uri}")


@lru_cache(256)
def _kept(text: str | None) -> Validator:
    return Validator(text)


def validator_of(text: str | None) -> Validator:
    """Return the compiled validator of a schema's text, cached if the text is not large."""
    return _kept(text) if len(text or "") <= 256 * 1024 else Validator(text)


def examples(validator: Validator, count: int) -> dict[str, list[Any]]:
    """Return up to `count` valid and `count` invalid instances, each checked; the same each time."""
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
                instance = InstanceGenerator(rng, Focus(), until=until).value(keep, refuse)
                if json_hashable(instance) in seen or validator.is_valid(instance) is not wanted:
                    continue
            except (*_UNUSABLE, Contradiction):
                continue
            seen.add(json_hashable(instance))
            found[kind].append(instance)
    return found
