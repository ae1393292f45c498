"""Checks that depend on texts alone, and are remembered for them: a dry run and its publish ask the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractRefused
from contracts_app.services.remembering import TooLong, in_haste, remembering
from linter_app import Change, Config, lint_wit
from linter_app.checks import check_compilable, check_named_dialect, check_shape
from linter_app.dialects import InvalidSchema, Schema, read_schema
from linter_app.effort import plain
from linter_app.json_text import InvalidJSON, loads
from linter_app.lint import facts_between, plainly_compatible
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit

Packages = tuple[tuple[str, str], ...]
"""Labels and texts of WIT packages that another uses."""


QUICK_CHARACTERS = 8 * 1024
QUICK_SECONDS = 0.005
"""Of one comparison in haste."""


def check_content(bundle: ContractBundle, schema: str | None, packages: Packages = ()) -> None:
    """Check schema (with all that it refers to), WIT (with the packages it uses) and descriptor.

    Raises ContractRefused.
    """
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
    """Raises ContractRefused, naming `field` and the place."""
    try:
        _checked_schema(text)
    except InvalidJSON as error:
        raise _not_json(field, error) from None
    except InvalidSchema as error:
        raise ContractRefused(
            f"{field} is not a valid JSON Schema: {error}", field=field, pointer=error.pointer, reason=error.reason
        ) from None


def _not_json(field: str, error: InvalidJSON) -> ContractRefused:
    place = {"line": error.line, "column": error.column} if error.line else {}
    return ContractRefused(f"{field} is not JSON: {error}", field=field, **place)


def check_wit_text(text: str, field: str, packages: Packages = ()) -> None:
    """Raises ContractRefused, naming `field` and the line."""
    try:
        _checked_wit(text, packages)
    except InvalidWIT as error:
        raise ContractRefused(
            f"{field} is not valid WIT: {error}", field=field, line=error.line, column=error.column, reason=error.reason
        ) from None
    except WITToolFailed as error:
        raise ContractRefused(f"{field} could not be checked: {error}", field=field, reason=str(error)) from None


@dataclass(frozen=True)
class Texts:
    """What of a version is compared: a schema with all that it refers to, and a WIT text with what it uses."""

    schema: str | None
    wit: str | None = None
    packages: Packages = ()


def changes_between(old: Texts, new: Texts, config: Config) -> tuple[Change, ...]:
    """The facts of a step, each at its level for the mode. Raises ContractRefused where nothing can be compared."""
    changes: tuple[Change, ...] = ()
    if old.schema != new.schema:
        changes = _schema_changes(old.schema, new.schema, config.mode, config.strict_open_objects)
    if old.wit or new.wit:
        changes += _wit_changes(old.wit, new.wit, old.packages, new.packages, config.mode)
    return changes


def _small(text: str | None) -> bool:
    return text is None or len(text) <= QUICK_CHARACTERS


# What is parsed takes several times the memory of its text.
@remembering(256, characters=2_000_000, quick=_small)
def _read(text: str | None) -> Schema:
    """Shared by all who read it, and changed by nobody."""
    # A bundle without a schema says nothing about instances, so it accepts all of them.
    return read_schema(True if text is None else loads(text))


@remembering(1024, quick=_small)
def _plain(text: str | None) -> bool:
    """Whether a schema is checked and compared in milliseconds, whoever wrote it."""
    return plain(_read(text))


@remembering(256, characters=2_000_000, quick=_plain)
def _shaped(text: str | None) -> Schema:
    schema = _read(text)
    check_shape(schema)
    return schema


@remembering(256, quick=_plain)
def _checked_schema(text: str) -> None:
    """As `check_schema`, with a shape that is checked once: the comparisons ask for it too."""
    check_named_dialect(_read(text))
    check_compilable(_shaped(text))


def characters_of(changes: tuple[Change, ...]) -> int:
    return sum(change.characters for change in changes)


@remembering(1024, quick=lambda old, new, mode, strict: _plain(old) and _plain(new), weigh=characters_of)
def _schema_changes(old: str | None, new: str | None, mode: Any, strict: bool) -> tuple[Change, ...]:
    config = Config(mode=mode, strict_open_objects=strict)
    try:
        schemas = _shaped(old), _shaped(new)
    except (InvalidJSON, InvalidSchema) as error:
        # Written by a service that did not check: nothing can be compared with it.
        raise ContractRefused(f"a stored schema is invalid, and nothing can be compared with it: {error}") from None
    if not in_haste():
        return facts_between(*schemas, config)
    changes = plainly_compatible(*schemas, config, seconds=QUICK_SECONDS)
    if changes is None:
        raise TooLong
    return changes


@remembering(256)
def _checked_wit(text: str, packages: Packages) -> None:
    check_wit(text, dict(packages))


@remembering(256)
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
        # What is published now was checked before; the stored one is of a service that did not.
        raise ContractRefused(f"a stored WIT is invalid, and nothing can be compared with it: {error}") from None
    except WITToolFailed as error:
        raise ContractRefused(f"wit could not be checked: {error}", field="wit", reason=str(error)) from None
