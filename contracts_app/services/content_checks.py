"""Checks and comparisons that depend on texts alone. Results are cached: a dry run and its publish share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractRefused
from contracts_app.services.memoize import memoize
from linter_app import Change, Config, lint_wit
from linter_app.api import changes_between_schemas
from linter_app.schema.dialects import InvalidSchema, Schema, read_schema
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.schema.schema_validation import check_compilable, check_default_dialect, check_shape
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit

Packages = tuple[tuple[str, str], ...]
"""Labels and texts of the WIT packages that a WIT text uses."""


@dataclass(frozen=True)
class ContractTexts:
    """The texts of a version that are compared: a compound schema, and a WIT text with the packages it uses."""

    schema: str | None
    wit: str | None = None
    packages: Packages = ()


def check_content(bundle: ContractBundle, schema: str | None, packages: Packages = ()) -> None:
    """Check the compound schema, the WIT text with the packages it uses, and the descriptor. Raises ContractRefused."""
    if schema is not None:
        check_schema_text(schema, "jsonSchema")
    if bundle.wit is not None:
        check_wit_text(bundle.wit, "wit", packages)
    if isinstance(bundle.descriptor, str):
        try:
            loads(bundle.descriptor)
        except InvalidJSON as error:
            raise _not_json("descriptor", error) from None


def check_schema_text(text: str, field: str) -> None:
    """Raise ContractRefused, which names `field` and the location, unless a text is a valid schema."""
    try:
        _checked_schema(text)
    except InvalidJSON as error:
        raise _not_json(field, error) from None
    except InvalidSchema as error:
        raise ContractRefused(
            f"{field} is not a valid JSON Schema: {error}", field=field, pointer=error.pointer, reason=error.reason
        ) from None


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


def compare_texts(old: ContractTexts, new: ContractTexts, config: Config) -> tuple[Change, ...]:
    """Return the changes of a step, each at its level for the mode. Raises ContractRefused for invalid texts."""
    changes: tuple[Change, ...] = ()
    if old.schema != new.schema:
        changes = _schema_changes(old.schema, new.schema, config.mode, config.strict_open_objects)
    if old.wit or new.wit:
        changes += _wit_changes(old.wit, new.wit, old.packages, new.packages, config.mode)
    return changes


def characters_of(changes: tuple[Change, ...]) -> int:
    return sum(change.characters for change in changes)


# A parsed schema takes several times the memory of its text.
@memoize(256, max_characters=2_000_000)
def _parsed(text: str | None) -> Schema:
    """Return a parsed, valid schema, which is shared and never changed."""
    # A bundle without a schema does not constrain instances: it accepts all of them.
    schema = read_schema(True if text is None else loads(text))
    check_shape(schema)
    return schema


@memoize(256)
def _checked_schema(text: str) -> None:
    schema = _parsed(text)
    check_default_dialect(schema)
    check_compilable(schema)


@memoize(1024, size_of=characters_of)
def _schema_changes(old: str | None, new: str | None, mode: Any, strict: bool) -> tuple[Change, ...]:
    try:
        schemas = _parsed(old), _parsed(new)
    except (InvalidJSON, InvalidSchema) as error:
        # Stored by a service that did not check: it cannot be compared.
        raise ContractRefused(f"a stored schema is invalid, and nothing can be compared with it: {error}") from None
    return changes_between_schemas(*schemas, Config(mode=mode, strict_open_objects=strict))


@memoize(256)
def _checked_wit(text: str, packages: Packages) -> None:
    check_wit(text, dict(packages))


@memoize(256)
def _wit_changes(
    old: str | None, new: str | None, old_packages: Packages, new_packages: Packages, mode: Any
) -> tuple[Change, ...]:
    try:
        return lint_wit(
            old or "",
            new or "",
            mode=mode,
            old_dependencies=dict(old_packages),
            new_dependencies=dict(new_packages),
        ).changes
    except InvalidWIT as error:
        # A proposed text was checked before; the stored one may come from a service that did not.
        raise ContractRefused(f"a stored WIT is invalid, and nothing can be compared with it: {error}") from None
    except WITToolFailed as error:
        raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
