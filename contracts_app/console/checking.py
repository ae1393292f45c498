"""The outcome of a check on the publish page: the verdict, and every problem with its line in the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from contracts_app.bundles import ContractBundle
from contracts_app.console.forms import PublishForm
from contracts_app.exceptions import ContractAlreadyExists, ContractError, ContractNotFound, StorageUnavailable
from contracts_app.policies import policy_of
from contracts_app.services.comparison import broken_dependents, changes_to_json, compare, compared_version
from contracts_app.services.publish_requests import PublishRequest
from contracts_app.services.publishing import publish as publish_version
from contracts_app.services.usage import broken_users
from contracts_app.services.version_checks import find_neighbours
from contracts_app.storage import Actor, ContractIndex, ContractStore, contract_store
from linter_app.schema.json_pointers import line_numbers, line_of_repeated_member

EXCERPT_LINES = 3
"""Number of lines shown before and after a faulty one."""
MAX_LINE_CHARACTERS = 300
MAX_PROBLEMS = 50


@dataclass(frozen=True)
class Problem:
    """One fault of a text. `part` is the form's field, `line` is counted from 1 where it is known."""

    part: str
    label: str
    message: str
    line: int | None = None
    pointer: str = ""
    level: str = "error"


@dataclass
class CheckResult:
    """The result of a check."""

    passes: bool = False
    name: str = ""
    version: str = ""
    compared_with: str = ""
    compatibility: str = ""
    verdict: str = ""
    required_version: str = ""
    required_bump: str = ""
    unchanged: bool = False
    """Whether the texts are those of the version that they are compared with."""
    exists: str = ""
    """The version that has this number already."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    dependents: dict[str, Any] = field(default_factory=dict)
    """What would break in the contracts that refer to this one, if they moved to this version."""
    clients: list[dict[str, Any]] = field(default_factory=list)
    """The clients that breaking changes concern, as they declared what they use."""
    excerpt: list[tuple[int, str, bool]] = field(default_factory=list)
    """The lines around an error: number, text, and whether it is the faulty line."""
    excerpt_of: str = ""
    review: tuple[str, ...] = ()
    """Why it is proposed instead of published."""

    @property
    def breaking(self) -> int:
        return sum(1 for change in self.changes if change["breaking"])


def check(order: PublishRequest, actor: Actor, readable: Callable[[str], bool]) -> CheckResult:
    """Run all checks of publishing, and return the verdict on the step. Raises the errors of `publish`."""
    store = contract_store()
    checked = publish_version(
        bundle=order.bundle, actor=actor, draft=order.draft, override=order.override, dry_run=True
    )
    bundle = checked.bundle
    result = CheckResult(passes=True, name=bundle.name, version=bundle.version, review=checked.review)
    lines = _lines(bundle.json_schema, {each.pointer for each in checked.warnings})
    result.problems = [
        Problem("schema", _("JSON Schema"), each.message, lines.get(each.pointer), each.pointer, "warning")
        for each in checked.warnings
    ]
    index = store.index(bundle.name)
    policy = policy_of(index.documents, bundle.name)
    result.compatibility = policy.compatibility
    below = find_neighbours(bundle, index, policy).below
    if not below:
        return result
    old, new = store.content(below[0], index), compared_version(bundle, store)
    report = compare(compared_version(old, store), new, policy)
    result.compared_with = below[0].version
    result.verdict, result.required_bump = report.verdict, report.required_bump or ""
    result.warnings = list(report.warnings)
    result.changes = with_lines(changes_to_json(report), bundle.json_schema)
    result.unchanged = same_texts(old, bundle)
    result.dependents = _dependents(bundle, new, store, readable)
    result.clients = _broken_clients(bundle.name, result.changes, store)
    return result


def _broken_clients(name: str, changes: list[dict[str, Any]], store: ContractStore) -> list[dict[str, Any]]:
    """Return the clients that breaking changes concern; none where what clients declare cannot be read."""
    if not any(change["breaking"] or not change["decided"] for change in changes):
        return []
    try:
        return broken_users(name, changes, store)
    except StorageUnavailable:
        return []


def _dependents(bundle: ContractBundle, new: Any, store: ContractStore, readable: Callable[[str], bool]) -> Any:
    if not store.index().dependents(bundle.name):
        return {}
    return broken_dependents(bundle.name, new.texts, store, readable)


def same_texts(old: ContractBundle, new: ContractBundle) -> bool:
    """Return whether two versions have the same schema, WIT and descriptor, to the byte."""
    return (old.json_schema, old.wit, old.descriptor_text) == (new.json_schema, new.wit, new.descriptor_text)


def refused(error: ContractError, form: PublishForm, order: PublishRequest | None) -> CheckResult:
    """Return the outcome of an error of publishing, and show the error at its field of the form."""
    extras = error.extras
    texts = dict(form.cleaned_data)  # the form already shows the error of the field
    # A table shows each of the changes with its witness.
    message = error.message.partition("\n")[0].rstrip(":") if extras.get("changes") else error.message
    field_name = form.refuse(error, message)
    schema = texts.get("schema")
    result = CheckResult(
        name=order.bundle.name if order else "",
        version=order.bundle.version if order else "",
        compared_with=extras.get("comparedWith", ""),
        compatibility=extras.get("compatibility", ""),
        verdict=extras.get("verdict", ""),
        required_version=extras.get("requiredVersion") or "",
        changes=with_lines(extras.get("changes", []), schema),
    )
    result.clients = _broken_clients(result.name, result.changes, contract_store()) if order else []
    if isinstance(error, ContractAlreadyExists) and order is not None:
        _compare_with_existing(result, error, order)
    if isinstance(error, StorageUnavailable):
        form.add_error(None, _("Your input is kept below. Try again in a moment."))
    text = texts.get(field_name)
    label = str(form.fields[field_name].label) if field_name else ""
    faults = extras.get("errors") or [{"pointer": extras.get("pointer"), "reason": message}]
    pointers = {each["pointer"] for each in faults if each["pointer"] is not None}
    lines = _lines(text, pointers) if isinstance(text, str) else {}
    for each in faults[:MAX_PROBLEMS]:
        line = extras.get("line") or lines.get(each["pointer"])
        if line is None and each["pointer"] is None and isinstance(text, str):
            line = line_of_repeated_member(text)
        result.problems.append(Problem(field_name, label, each["reason"], line, each["pointer"] or ""))
    first = result.problems[0].line
    if not field_name:
        result.problems = []  # the notice above says it
    if isinstance(text, str) and isinstance(first, int):
        result.excerpt_of = label
        result.excerpt = [
            (number, each[:MAX_LINE_CHARACTERS], number == first)
            for number, each in enumerate(text.split("\n"), 1)
            if abs(number - first) <= EXCERPT_LINES
        ]
    return result


def _compare_with_existing(result: CheckResult, error: ContractAlreadyExists, order: PublishRequest) -> None:
    """Show how the texts differ from those of the version that has the number already."""
    store = contract_store()
    version = str(error.extras["version"])
    result.exists = version
    index: ContractIndex = store.index(order.bundle.name)
    try:
        stored = store.get(order.bundle.name, version)
        report = compare(
            compared_version(stored, store),
            compared_version(order.bundle, store),
            policy_of(index.documents, order.bundle.name),
        )
    except (ContractError, ContractNotFound):
        return  # a removed version has nothing to compare with
    result.unchanged = same_texts(stored, order.bundle)
    result.compared_with, result.verdict = version, report.verdict
    result.changes = with_lines(changes_to_json(report), order.bundle.json_schema)


def with_lines(changes: list[dict[str, Any]], schema: str | None) -> list[dict[str, Any]]:
    """Return changes, those that matter most first, each with the line of its place in the new schema as `line`."""
    pointers = {change["newPointer"] for change in changes if change.get("newPointer") is not None}
    lines = _lines(schema, pointers)
    return [change | {"line": lines.get(change.get("newPointer"))} for change in sorted(changes, key=_severity)]


def level_of(change: Mapping[str, Any]) -> str:
    """Return the effect of a change under the policy, as one word."""
    return "breaking" if change["breaking"] else "undecided" if not change["decided"] else str(change["level"])


def _severity(change: Mapping[str, Any]) -> int:
    """Return the place of a change in a list: breaking, undecided, errors, warnings, then the rest."""
    return {"breaking": 0, "undecided": 1, "error": 2, "warning": 3}.get(level_of(change), 4)


def _lines(text: str | None, pointers: set[str]) -> Mapping[str | None, int]:
    return line_numbers(text, pointers) if text and pointers else {}  # type: ignore[return-value]
