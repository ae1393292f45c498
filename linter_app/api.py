"""The linter as a library: the changes between two versions, the proof or witness of each, and the verdict."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from linter_app.changes import Change, Level, Mode, Report
from linter_app.compare.comparer import compare_documents, undecided
from linter_app.compare.comparison import Comparison
from linter_app.compare.rules.alternatives import ALTERNATIVES_CHANGED
from linter_app.compare.rules.objects import REQUIRED_PROPERTY_REMOVED
from linter_app.config import BUDGET_MS, Config
from linter_app.prove.inclusion import is_proven_inclusion
from linter_app.report.verdict import report_of
from linter_app.schema.dialects import InvalidSchema, Schema, read_schema
from linter_app.schema.documents import Document
from linter_app.schema.json_text import InvalidJSON, check_depth, json_equal
from linter_app.schema.schema_validation import check_shape
from linter_app.wit.diff import diff_wit
from linter_app.witness.constraints import Steps
from linter_app.witness.search import Search, open_search

MAX_SHARES = 8
"""One change may use an eighth of the remaining budget, however few changes are left."""
STRAIGHT_ATTEMPTS = 3
"""Instances that are generated for each change first, on the straight way to it."""
MORE_EXAMPLES = 1 / 3
"""The share of the remaining budget for more examples of a break that has one."""
MAX_ATTEMPTS, MAX_UNFOCUSED_ATTEMPTS = 400, 4000
"""Instances that are generated for one change, and for the schemas as a whole."""
STEPS_PER_MS = 20
"""Steps of the search for witnesses for each millisecond of the budget: about what a common machine does."""
Stages = frozenset[str]
STAGES: tuple[Stages, ...] = (frozenset({"prove", "witness"}), frozenset({"witness"}), frozenset())
"""All stages after the comparison itself, and what to leave out where they do not end."""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the collector of cyclic garbage, for all threads; leave it alone where it is paused already.

    A comparison keeps what it makes until it ends, so that each collection would go through all of it for nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_collector_paused()
def lint(
    old: Any,
    new: Any,
    *,
    mode: Mode = "backward",
    strict_open_objects: bool = False,
    current_version: str | None = None,
    proposed_version: str | None = None,
    budget_ms: float = BUDGET_MS,
    resources: Mapping[str, Any] | None = None,
    config: Config | None = None,
) -> Report:
    """Compare two JSON Schemas and return the verdict on the step.

    `old` and `new` are parsed, valid schemas (objects or booleans). `resources` maps URIs to schemas that references
    may lead to; nothing is fetched. `budget_ms` limits the search for witnesses, and 0 leaves it out. With both
    versions given, the report also says whether the step between them may break. A `config` replaces mode, strictness
    and budget, and adds levels and accepted breaks.

    Raises ValueError on an unknown mode, InvalidVersion on an invalid version and InvalidSchema on an unknown
    `$schema` or a malformed schema.
    """
    config = config or Config(mode=mode, strict_open_objects=strict_open_objects, budget_ms=budget_ms)
    equal, warnings = False, tuple[str, ...]()
    try:
        check_depth([old, new])
    except InvalidJSON as error:
        changes: tuple[Change, ...] = (replace(undecided(str(error)), level="error" if config.directions else "info"),)
    else:
        try:
            schemas = read_sides(old, new, config)
            targets = {uri: read_schema(each, config.dialects) for uri, each in (resources or {}).items()}
            for schema in targets.values():
                check_shape(schema)
            equal = json_equal(old, new)
            resources = {uri: each.root for uri, each in targets.items()}
            changes = changes_between_schemas(*schemas, config, resources)
        except RepairedSchema as repaired:
            changes, warnings = (), (str(repaired),)
    versions = {"current_version": current_version, "proposed_version": proposed_version}
    return report_of(changes, config, equal=equal, warnings=warnings, **versions)


class RepairedSchema(Exception):
    """A valid schema replaces an invalid one, which the configuration lets pass; the message names the fault."""


def read_sides(old: Any, new: Any, config: Config) -> tuple[Schema, Schema]:
    """Return both schemas of a step, of a valid shape. Raises RepairedSchema, or InvalidSchema that names the side."""
    try:
        former = _read_side("old", old, config)
    except InvalidSchema as error:
        if not config.invalid_old_passes:
            raise
        _read_side("new", new, config)
        raise RepairedSchema(f"{error}; the new one is valid, and nothing was compared") from None
    latter = _read_side("new", new, config)
    if not former.objects.isdisjoint(latter.objects):  # one of them was made of the other, as `{**old, ...}` does
        latter = _read_side("new", json.loads(json.dumps(new)), config)
    return former, latter


def _read_side(side: str, value: Any, config: Config) -> Schema:
    try:
        schema = read_schema(value, config.dialects)
        check_shape(schema)
    except InvalidSchema as error:
        raise InvalidSchema(f"the {side} schema is invalid: {error.reason}", error.pointer, side) from None
    return schema


@_collector_paused()
def diff(
    old: Any, new: Any, *, strict_open_objects: bool = False, resources: Mapping[str, Any] | None = None
) -> tuple[Change, ...]:
    """Return all changes from `old` to `new` (parsed, valid JSON Schemas), without proofs, witnesses or a verdict.

    `resources` maps URIs to the schemas that references may lead to. Raises InvalidSchema on an unknown `$schema`.
    """
    targets = {uri: read_schema(each).root for uri, each in (resources or {}).items()}
    documents = [Document(schema, targets) for schema in read_sides(old, new, Config())]
    return tuple(compare_documents(*documents, strict_open_objects=strict_open_objects).changes)


def lint_wit(
    old: str,
    new: str,
    *,
    mode: Mode = "backward",
    old_dependencies: Mapping[str, str] | None = None,
    new_dependencies: Mapping[str, str] | None = None,
    current_version: str | None = None,
    proposed_version: str | None = None,
    config: Config | None = None,
) -> Report:
    """Compare two WIT packages, as `lint` does for schemas.

    A backward break breaks components made for the old text on hosts of the new one; a forward break is the reverse.
    Dependencies map a label to the text of a package that is used. Raises InvalidWIT, WITToolFailed, InvalidVersion,
    and ValueError on an unknown mode.
    """
    config = config or Config(mode=mode)
    changes = tuple(
        replace(change, level="error" if change.directions & config.directions else change.level)
        for change in diff_wit(old, new, old_dependencies=old_dependencies, new_dependencies=new_dependencies)
    )
    return report_of(
        changes, config, equal=old == new, current_version=current_version, proposed_version=proposed_version
    )


@_collector_paused()
def changes_between_schemas(
    old: Schema,
    new: Schema,
    config: Config,
    resources: Mapping[str, Any] | None = None,
    *,
    stages: Stages = STAGES[0],
) -> tuple[Change, ...]:
    """Return the changes of a step, each at its level: `error` where it breaks in the mode of `config`.

    Both schemas, and the resources, come from `json_text.loads` and have passed `schema_validation.check_shape`.
    Without the stage `prove`, a break without a witness is undecided: a proof might have excluded it.
    """
    strict, resources = config.strict_open_objects, resources or {}
    if not resources and json_equal(old.root, new.root):
        return ()
    documents = Document(old, resources), Document(new, resources)
    comparison = compare_documents(*documents, strict_open_objects=strict, readers_ignore=config.readers_ignore)
    changes = comparison.changes
    reported = frozenset[str]().union(*(change.directions for change in changes if not _is_policy(change, strict)))
    breaking = set(config.directions & reported)
    steps = Steps(int(config.budget_ms * STEPS_PER_MS))
    searches: list[Search] = []
    is_searched = config.budget_ms > 0 and "witness" in stages
    if is_searched:
        opened = (open_search(comparison, each, steps) for each in sorted(breaking))  # type: ignore[arg-type]
        searches = [search for search in opened if search is not None]
    changes = _with_witnesses(list(changes), searches, steps)
    if is_searched and config.directions and "forward" not in breaking:
        changes = _with_examples_of_policy(changes, comparison, strict, steps)
    witnessed = {change.witness.direction for change in changes if change.witness}
    if "prove" in stages:
        # A proof may take longer than a search, so it comes after it, and only where that found nothing.
        breaking -= {each for each in breaking - witnessed if _is_proven(comparison, each)}
    else:
        changes = [_open(change) if change.directions & (breaking - witnessed) else change for change in changes]
    return tuple(
        replace(change, level=_level(change, breaking, config), pair=None, places=(None, None)) for change in changes
    )


def _is_proven(comparison: Comparison, direction: str) -> bool:
    """Return whether nothing breaks in a direction, by a proof about the schemas as a whole."""
    wider, narrower = comparison.new, comparison.old
    if wider.embedded or narrower.embedded:
        return False
    if direction == "forward":
        wider, narrower = narrower, wider
    return is_proven_inclusion(wider.schema, narrower.schema)


def _open(change: Change) -> Change:
    return change if change.witness else replace(change, decided=False)


def _is_policy(change: Change, strict: bool) -> bool:
    """Return whether a change breaks by policy alone: no instance need break, but consumers rely on the property."""
    return change.rule == REQUIRED_PROPERTY_REMOVED.id and not strict


def _level(change: Change, breaking: set[str], config: Config) -> Level:
    if _is_policy(change, config.strict_open_objects):
        return "error" if config.directions else "info"
    return "error" if change.directions & breaking else change.level


def _with_witnesses(changes: list[Change], searches: list[Search], steps: Steps) -> list[Change]:
    """Return the changes with a witness each where one is found; a change with a witness is decided."""
    for search in searches:
        concerned = [n for n, change in enumerate(changes) if search.direction in change.directions]
        concerned = [n for n in concerned if not changes[n].witness]
        echoes = [n for n in concerned if _is_echo(changes[n])]
        causes = [n for n in concerned if n not in echoes]
        for straight in (True, False):
            _add_examples(changes, causes, search, steps, straight=straight)
            if not any(changes[n].witness for n in concerned):
                _add_examples(changes, echoes, search, steps, straight=straight)
        is_shown = any(changes[n].witness for n in concerned)
        # Without a focus, a break can be found that several changes cause together.
        if concerned and not is_shown and (found := search.witness(None, steps.left, MAX_UNFOCUSED_ATTEMPTS)):
            changes[concerned[0]] = replace(changes[concerned[0]], witness=found, decided=True)
    return _without_echoes(changes)


def _with_examples_of_policy(changes: list[Change], comparison: Comparison, strict: bool, steps: Steps) -> list[Change]:
    """Return the changes that policy alone refuses with an instance each that lacks what consumers rely on."""
    without = [n for n, change in enumerate(changes) if _is_policy(change, strict) and not change.witness]
    search = open_search(comparison, "forward", steps) if without else None
    if search is not None:
        _add_examples(changes, without, search, steps, straight=True)
    return changes


def _add_examples(changes: list[Change], concerned: list[int], search: Search, steps: Steps, *, straight: bool) -> None:
    """Add a witness to those of the changes for which one is found. Once the break is shown, more may cost less."""
    without = [n for n in concerned if not changes[n].witness]
    until = int(steps.left * (1 - MORE_EXAMPLES)) if len(without) < len(concerned) else 0
    for left, index in zip(range(len(without), 0, -1), without, strict=True):
        if steps.left <= until:
            return
        share = (steps.left - until) // min(left, MAX_SHARES)
        tries = STRAIGHT_ATTEMPTS if straight else MAX_ATTEMPTS
        if found := search.witness(changes[index], share, tries, straight=straight):
            changes[index] = replace(changes[index], witness=found, decided=True)
            until = until or int(steps.left * (1 - MORE_EXAMPLES))


def _without_echoes(changes: list[Change]) -> list[Change]:
    """Leave out the doubt about alternatives as a whole, in a direction in which something is shown to break."""
    shown = {change.witness.direction for change in changes if change.witness}
    return [change for change in changes if not (_is_echo(change) and change.directions <= shown)]


def _is_echo(change: Change) -> bool:
    """Return whether a change is the doubt about alternatives as a whole, of which others may be the cause."""
    return change.rule == ALTERNATIVES_CHANGED.id and not change.decided
