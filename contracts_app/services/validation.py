"""Validation of instances by a registered schema, and generated example instances.

Small instances are validated in this process where the schema is plain (linter_app/schema/plain.py), all others in a
child process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from contracts_app.exceptions import ContractRefused, MalformedContract, TooExpensive
from contracts_app.services.work import linter
from linter_app.schema.dialects import read_schema
from linter_app.schema.json_text import InvalidJSON, loads, loads_instance
from linter_app.schema.plain import MAX_COST, MAX_ERROR_COST, instance_cost, plain_size
from linter_app.validation import CannotValidate, Validator, not_json
from linter_app.work_pool import WorkAborted

MAX_PLAIN_BYTES = 64 * 1024
"""Bytes of a schema, and of an instance, that may be handled in this process."""
MAX_LINES = 10_000

Errors = list[dict[str, str]]


@dataclass(frozen=True)
class PlainValidator:
    """A compiled plain schema, and its size (linter_app/schema/plain.py)."""

    validator: Validator
    size: int

    def errors(self, body: bytes) -> Errors | None:
        """Return the errors of an instance; None where to find them may take long. Raises InvalidJSON."""
        if len(body) > MAX_PLAIN_BYTES:
            return None
        instance = loads_instance(body)
        cost = instance_cost(instance, len(body), self.size)
        if cost is None or cost > MAX_COST:
            return None
        if self.validator.is_valid(instance):
            return []
        return self.validator.errors(instance) if cost <= MAX_ERROR_COST else None


def instance_errors(text: str | None, body: bytes) -> Errors:
    """Return the errors of an instance, given as JSON text, under a schema's text.

    Raises MalformedContract, ContractRefused, TooExpensive, ServerBusy.
    """
    try:
        plain = _plain_validator(text)
        errors = plain.errors(body) if plain is not None else None
        return linter().instance_errors(text, body) if errors is None else errors
    except InvalidJSON as error:
        raise MalformedContract(f"The request body is not JSON: {error}") from None
    except CannotValidate as error:
        raise ContractRefused(str(error)) from None
    except WorkAborted as aborted:
        raise _too_expensive(aborted) from None


def line_errors(text: str | None, body: bytes) -> list[tuple[int, Errors]]:
    """Return the errors of each line of JSON Lines that is not empty, with its number, counted from 1.

    Raises MalformedContract, ContractRefused, TooExpensive, ServerBusy.
    """
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(lines) > MAX_LINES:
        raise MalformedContract(f"At most {MAX_LINES} lines can be validated in one request", limit=MAX_LINES)
    try:
        results = _plain_line_errors(text, lines) if len(body) <= MAX_PLAIN_BYTES else None
        if results is None:
            results = linter().line_errors(text, lines)
    except CannotValidate as error:
        raise ContractRefused(str(error)) from None
    except WorkAborted as aborted:
        raise _too_expensive(aborted) from None
    if len(results) < len(lines):
        number = lines[len(results)][0]
        raise TooExpensive(f"Validation did not get beyond line {number} in time; send fewer lines", line=number)
    return results


def examples(text: str | None, count: int) -> dict[str, list[Any]]:
    """Return up to `count` valid and `count` invalid instances. Raises ContractRefused, TooExpensive, ServerBusy."""
    try:
        return linter().examples(text, count)
    except CannotValidate as error:
        raise ContractRefused(str(error)) from None
    except WorkAborted as aborted:
        raise TooExpensive(f"No examples: {aborted.reason}", limit=aborted.limit) from None


def _plain_line_errors(text: str | None, lines: list[tuple[int, bytes]]) -> list[tuple[int, Errors]] | None:
    plain = _plain_validator(text)
    if plain is None or sum(len(line) for _, line in lines) * plain.size > MAX_COST:
        return None
    results = []
    for number, line in lines:
        try:
            errors = plain.errors(line)
        except InvalidJSON as error:
            errors = not_json(error)
        if errors is None:
            return None
        results.append((number, errors))
    return results


@lru_cache(256)
def _plain_validator(text: str | None) -> PlainValidator | None:
    """Return the compiled validator of a schema's text if it is plain."""
    if text is not None and len(text) > MAX_PLAIN_BYTES:
        return None
    try:
        size = plain_size(read_schema(True if text is None else loads(text)))
        return PlainValidator(Validator(text), size) if size is not None else None
    except (ValueError, TypeError, AttributeError):  # not a valid schema: stored by a service that did not check
        return None


def _too_expensive(aborted: WorkAborted) -> TooExpensive:
    return TooExpensive(
        f"This instance is too expensive to validate with this schema: {aborted.reason}; send a smaller one",
        limit=aborted.limit,
    )
