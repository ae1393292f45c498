"""Checks and comparisons that depend on texts alone. Results are cached: a dry run and its publish share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractRefused, TooExpensive
from contracts_app.services.memoize import memoize
from contracts_app.services.work import linter
from linter_app import Change, Config
from linter_app.schema.dialects import InvalidSchema
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.schema.references import SchemaWarning
from linter_app.wit import InvalidWIT, WITToolFailed
from linter_app.work_pool import WorkAborted

Packages = tuple[tuple[str, str], ...]
"""Labels and texts of the WIT packages that a WIT text uses."""


@dataclass(frozen=True)
class ContractTexts:
    """The texts of a version that are compared: a compound schema, and a WIT text with the packages it uses."""

    schema: str | None
    wit: str | None = None
    packages: Packages = ()


def check_content(bundle: ContractBundle, schema: str | None, packages: Packages = ()) -> tuple[SchemaWarning, ...]:
    """Check the compound schema, the WIT text with the packages it uses, and the descriptor; return warnings.

    Raises ContractRefused.
    """
    warnings = check_schema_text(schema, "jsonSchema") if schema is not None else ()
    if bundle.wit is not None:
        check_wit_text(bundle.wit, "wit", packages)
    if isinstance(bundle.descriptor, str):
        try:
            loads(bundle.descriptor)
        except InvalidJSON as error:
            raise _not_json("descriptor", error) from None
    return warnings


def check_schema_text(text: str, field: str) -> tuple[SchemaWarning, ...]:
    """Return the warnings about a schema's text. Raises ContractRefused, which names `field` and the location."""
    try:
        return _checked_schema(text)
    except InvalidJSON as error:
        raise _not_json(field, error) from None
    except InvalidSchema as error:
        faults = [{"pointer": at, "reason": reason} for at, reason in ((error.pointer, error.reason), *error.others)]
        more = f"; and {len(error.others)} more" if error.others else ""
        raise ContractRefused(
            f"{field} is not a valid JSON Schema: {error}{more}",
            **{"field": field, "pointer": error.pointer, "reason": error.reason, "errors": faults},
        ) from None
    except WorkAborted as aborted:
        raise _too_expensive(field, aborted) from None


def _too_expensive(field: str, aborted: WorkAborted) -> TooExpensive:
    return TooExpensive(
        f"{field} is too expensive to check: {aborted.reason}; shorten its patterns, alternatives or references",
        field=field,
        limit=aborted.limit,
    )


def _not_json(field: str, error: InvalidJSON) -> ContractRefused:
    location = {"line": error.line, "column": error.column} if error.line else {}
    return ContractRefused(f"{field} is not JSON: {error}", field=field, **location)


def check_wit_text(text: str, field: str, packages: Packages = ()) -> None:
    """Raise ContractRefused, which names `field` and the line, unless a text is valid WIT."""
    try:
        _checked_wit(text, packages)
    except InvalidWIT as error:
        raise ContractRefused(
            f"{field} is not valid WIT: {error}", field=field, line=error.line, column=error.column, reason=error.reason
        ) from None
    except WITToolFailed as error:
        raise ContractRefused(f"{field} could not be checked: {error}", field=field, reason=str(error)) from None
    except WorkAborted as aborted:
        raise _too_expensive(field, aborted) from None


def compare_texts(old: ContractTexts, new: ContractTexts, config: Config) -> tuple[Change, ...]:
    """Return the changes of a step, each at its level for the mode. Raises ContractRefused for invalid texts."""
    changes: tuple[Change, ...] = ()
    if old.schema != new.schema:
        changes = _schema_changes(
            old.schema, new.schema, config.mode, config.strict_open_objects, config.readers_ignore
        )
    if old.wit or new.wit:
        changes += _wit_changes(old.wit, new.wit, old.packages, new.packages, config.mode)
    return changes


def characters_of(changes: tuple[Change, ...]) -> int:
    return sum(change.characters for change in changes)


@memoize(256)
def _checked_schema(text: str) -> tuple[SchemaWarning, ...]:
    return linter().check_schema(text)


class _UndecidedError(Exception):
    """Carries changes past the memoization: another attempt may find more time."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        self.changes = changes


def _schema_changes(old: str | None, new: str | None, *config: Any) -> tuple[Change, ...]:
    try:
        return _decided_schema_changes(old, new, *config)
    except _UndecidedError as undecided:
        return undecided.changes


@memoize(1024, size_of=characters_of)
def _decided_schema_changes(
    old: str | None, new: str | None, mode: Any, strict: bool, readers_ignore: bool
) -> tuple[Change, ...]:
    try:
        config = Config(mode=mode, strict_open_objects=strict, readers_ignore=readers_ignore)
        found = linter().compare(old, new, config)
    except (InvalidJSON, InvalidSchema) as error:
        # Stored by a service that did not check: it cannot be compared.
        raise ContractRefused(f"a stored schema is invalid, and nothing can be compared with it: {error}") from None
    if not found.within_limits:
        raise _UndecidedError(found.changes)
    return found.changes


@memoize(256)
def _checked_wit(text: str, packages: Packages) -> None:
    linter().check_wit(text, packages)


def _wit_changes(
    old: str | None, new: str | None, old_packages: Packages, new_packages: Packages, mode: Any
) -> tuple[Change, ...]:
    try:
        return _decided_wit_changes(old or "", new or "", old_packages, new_packages, mode)
    except _UndecidedError as undecided:
        return undecided.changes


@memoize(256)
def _decided_wit_changes(
    old: str, new: str, old_packages: Packages, new_packages: Packages, mode: Any
) -> tuple[Change, ...]:
    try:
        found = linter().compare_wit(old, new, mode, old_packages, new_packages)
    except InvalidWIT as error:
        # A proposed text was checked before; the stored one may come from a service that did not.
        raise ContractRefused(f"a stored WIT is invalid, and nothing can be compared with it: {error}") from None
    except WITToolFailed as error:
        raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
    if not found.within_limits:
        raise _UndecidedError(found.changes)
    return found.changes
