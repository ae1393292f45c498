"""The linter with limits: each function runs in a child process, and what exceeds a limit is `undecided`.

The command line and the services of the registry call the linter through this module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from linter_app import validation
from linter_app.api import STAGES, RepairedSchema, Stages, changes_between_schemas, lint_wit, read_sides
from linter_app.changes import Change, Mode
from linter_app.coherence import check_bundle
from linter_app.compare.comparer import undecided
from linter_app.config import Config
from linter_app.schema.dialects import read_schema
from linter_app.schema.json_text import json_equal, loads
from linter_app.schema.references import SchemaWarning, schema_warnings
from linter_app.schema.schema_validation import check_shape, parse_schema
from linter_app.wit.tool import check_wit, decode_wit, encode_wit
from linter_app.work_pool import WorkAborted

Texts = tuple[tuple[str, str], ...]
"""Texts by a key: schemas by URI, or WIT packages by label."""


_SHARES = 1, 0.75, 0.5
"""Of the seconds of a call: what the attempts at a comparison may take."""


class Call(Protocol):
    """Runs a function of a module in a child process, as WorkPool.call does. Raises WorkAborted."""

    def __call__(self, function: Any, *arguments: Any, seconds: float) -> Any: ...


@dataclass(frozen=True)
class BoundedComparison:
    """The changes between two texts, each at its level for the mode."""

    changes: tuple[Change, ...]
    equal: bool = False
    """Whether both are equal JSON."""
    within_limits: bool = True
    """Whether no limit was exceeded; otherwise another attempt could find more."""
    warnings: tuple[str, ...] = ()


class BoundedLinter:
    """The functions of the linter on texts. `seconds` limits each call; a comparison may take three attempts."""

    def __init__(self, call: Call, *, seconds: float) -> None:
        self._call = call
        self._seconds = seconds

    def check_schema(self, text: str | bytes) -> tuple[SchemaWarning, ...]:
        """Return the warnings about a text; raise InvalidJSON or InvalidSchema unless it is a valid schema.

        Raises WorkAborted.
        """
        return self._call(_check_schema, text, seconds=self._seconds)  # type: ignore[no-any-return]

    def compare(
        self, old: str | bytes | None, new: str | bytes | None, config: Config, resources: Texts = ()
    ) -> BoundedComparison:
        """Return the changes between two valid schemas.

        None is the schema of a version without one, which accepts every instance. What is not decided within the limits
        is in the changes as undecided. Raises InvalidJSON, InvalidSchema; WorkAborted only for a cancelled call.
        """
        reason = ""
        # Each further attempt leaves out the stage that native code may never return from.
        for stages, share in zip(STAGES, _SHARES, strict=True):
            try:
                changes, equal = self._call(
                    schema_changes, old, new, config, resources, stages, seconds=self._seconds * share
                )
            except RepairedSchema as repaired:
                return BoundedComparison((), warnings=(str(repaired),))
            except WorkAborted as aborted:
                if aborted.limit == "cancelled":
                    raise
                reason = aborted.reason
                continue
            open_changes = [change for change in changes if not change.decided]
            reported = [_not_decided(reason, config)] if reason and open_changes else []
            return BoundedComparison((*changes, *reported), equal, within_limits=not reported)
        return BoundedComparison((_not_decided(reason, config),), within_limits=False)

    def check_wit(self, text: str, packages: Texts = ()) -> None:
        """Raise InvalidWIT unless a text is valid WIT. Raises WITToolFailed, WorkAborted."""
        self._call(check_wit, text, dict(packages), seconds=self._seconds)

    def encode_wit(self, text: str, packages: Texts = ()) -> bytes:
        """Return a WIT package in binary form. Raises InvalidWIT, WITToolFailed, WorkAborted."""
        return self._call(encode_wit, text, dict(packages), seconds=self._seconds)  # type: ignore[no-any-return]

    def decode_wit(self, binary: bytes) -> str:
        """Return the text of a WIT package in binary form. Raises InvalidWIT, WITToolFailed, WorkAborted."""
        return self._call(decode_wit, binary, seconds=self._seconds)  # type: ignore[no-any-return]

    def compare_wit(
        self, old: str, new: str, mode: Mode, old_packages: Texts = (), new_packages: Texts = ()
    ) -> BoundedComparison:
        """Return the changes between two WIT packages. Raises InvalidWIT, WITToolFailed; WorkAborted if cancelled."""
        try:
            changes = self._call(wit_changes, old, new, mode, old_packages, new_packages, seconds=self._seconds)
        except WorkAborted as aborted:
            if aborted.limit == "cancelled":
                raise
            return BoundedComparison((_not_decided(aborted.reason, Config(mode=mode)),), within_limits=False)
        return BoundedComparison(changes, old == new)

    def coherence(self, schema: str, wit: str) -> tuple[Change, ...]:
        """Return the differences between a schema and a WIT text of one bundle. Raises WITToolFailed, WorkAborted."""
        return self._call(_coherence, schema, wit, seconds=self._seconds)  # type: ignore[no-any-return]

    def instance_errors(self, text: str | None, body: bytes) -> list[dict[str, str]]:
        """Return the errors of one instance (validation.instance_errors). Raises CannotValidate, InvalidJSON."""
        return self._located(validation.instance_errors, text, body)  # type: ignore[no-any-return]

    def line_errors(self, text: str | None, lines: list[tuple[int, bytes]]) -> list[tuple[int, list[dict[str, str]]]]:
        """Return the errors of the lines that can be validated in time (validation.line_errors)."""
        return self._located(validation.line_errors, text, lines, self._seconds / 2)  # type: ignore[no-any-return]

    def examples(self, text: str | None, count: int) -> dict[str, list[Any]]:
        """Return generated instances (validation.examples). Raises CannotValidate, WorkAborted."""
        return self._call(validation.examples, text, count, seconds=self._seconds)  # type: ignore[no-any-return]

    def _located(self, function: Any, *arguments: Any) -> Any:
        """Validate, and once more without the locations of errors if these exceed the limits."""
        try:
            return self._call(function, *arguments, seconds=self._seconds)
        except WorkAborted as first:
            if first.limit == "cancelled":
                raise
            try:
                return self._call(function, *arguments, False, seconds=self._seconds / 2)
            except WorkAborted as second:
                raise (second if second.limit == "cancelled" else first) from None


# Functions that run in a child process


def schema_changes(
    old: str | bytes | None, new: str | bytes | None, config: Config, resources: Texts = (), stages: Stages = STAGES[0]
) -> tuple[tuple[Change, ...], bool]:
    """Return the changes between two texts, and whether they are equal JSON.

    Raises InvalidJSON, InvalidSchema and RepairedSchema.
    """
    values = [True if text is None else loads(text) for text in (old, new)]
    schemas = read_sides(values[0], values[1], config)
    targets = {uri: read_schema(loads(text), config.dialects) for uri, text in resources}
    for schema in targets.values():
        check_shape(schema)
    roots = {uri: schema.root for uri, schema in targets.items()}
    return changes_between_schemas(*schemas, config, roots, stages=stages), json_equal(values[0], values[1])


def wit_changes(old: str, new: str, mode: Mode, old_packages: Texts, new_packages: Texts) -> tuple[Change, ...]:
    """Return the changes between two WIT packages. Raises InvalidWIT, WITToolFailed."""
    return lint_wit(
        old, new, mode=mode, old_dependencies=dict(old_packages), new_dependencies=dict(new_packages)
    ).changes


def _check_schema(text: str | bytes) -> tuple[SchemaWarning, ...]:
    parse_schema(text)
    return schema_warnings(text)


def _coherence(schema: str, wit: str) -> tuple[Change, ...]:
    return tuple(check_bundle(loads(schema), wit))


def _not_decided(reason: str, config: Config) -> Change:
    return replace(undecided(reason), level="error" if config.directions else "info")
