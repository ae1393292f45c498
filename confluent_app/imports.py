"""Import of what another registry has, with its ids and numbers. A second run does what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_app.deletion import delete_version
from confluent_app.errors import ConfluentError
from confluent_app.exports import Export
from confluent_app.numbering import subject_state
from confluent_app.registration import import_schema
from confluent_app.requests import SchemaRequest, read_schema
from confluent_app.settings_records import EVERYTHING, IMPORT, check_config, check_mode, set_config, set_mode
from confluent_app.subjects import Subject, parse_subject
from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.services.content_checks import check_schema_text
from contracts_app.storage import Actor, ContractStore

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass
class ImportReport:
    """What was done, and what could not be carried over."""

    done: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    """Lines that name the subject and version, and say why."""

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Add a refusal to the report, and go on. Raises StorageUnavailable."""
        try:
            yield
        except StorageUnavailable:
            raise
        except (ConfluentError, ContractError) as error:
            self.refused.append(f"{what}: {error.message}")


@dataclass(frozen=True)
class _Item:
    subject: Subject
    request: SchemaRequest
    deleted: bool

    @property
    def place(self) -> tuple[Subject, int]:
        return self.subject, self.request.number or 0

    def __str__(self) -> str:
        return f"{self.subject} version {self.request.number}"


def import_export(
    export: Export, store: ContractStore, actor: Actor, *, dry_run: bool, progress: Progress
) -> ImportReport:
    """Bring in schemas, then deletions, then settings. Raises StorageUnavailable."""
    report = ImportReport()
    items = list(_items(export, report))
    for item in progress(_in_order(items)):
        with report.noting(str(item)):
            report.done[_check(item, store) if dry_run else _store(item, store, actor)] += 1
    for subject, config in export.configs.items():
        with report.noting(f"the settings of {subject or 'all'}"):
            settings = check_config(config)
            if not dry_run:
                set_config(store, _where(subject), settings, actor)
            report.done["settings"] += 1
    for subject, mode in export.modes.items():
        with report.noting(f"the mode of {subject or 'all'}"):
            checked = check_mode({"mode": mode})
            if checked == IMPORT:
                continue  # it would refuse every registration from now on
            if not dry_run:
                set_mode(store, _where(subject), checked, actor)
            report.done["modes"] += 1
    return report


def _where(subject: str) -> Subject:
    return parse_subject(subject) if subject else EVERYTHING


def _items(export: Export, report: ImportReport) -> Iterator[_Item]:
    """Yield the schemas that can be read; the others are reported."""
    for schema in export.schemas:
        shown = f"{str(schema.get('subject'))[:200]} version {schema.get('version')}"
        try:
            item = _Item(parse_subject(str(schema["subject"])), read_schema(schema), bool(schema.get("deleted")))
            if item.request.id is None or item.request.number is None:
                raise ConfluentError(422, "it has no id or no version")
            yield item
        except KeyError:
            report.refused.append("a schema without a subject")
        except ConfluentError as error:
            report.refused.append(f"{shown}: {error.message}")


def _in_order(items: list[_Item]) -> list[_Item]:
    """Return the schemas, those that others refer to first, and otherwise by subject and number."""
    by_place = {item.place: item for item in items}
    ordered: dict[tuple[Subject, int], _Item] = {}
    for item in sorted(items, key=lambda each: (str(each.subject), each.request.number or 0)):
        waiting = [item]
        while waiting:
            current = waiting[-1]
            needed = [
                by_place[place]
                for each in current.request.schema.references
                if (place := (parse_subject(each.subject, current.subject.context), each.version)) in by_place
                and place not in ordered
                and by_place[place] not in waiting
            ]
            if needed:
                waiting += needed
            else:
                ordered.setdefault(waiting.pop().place, current)
    return list(ordered.values())


def _check(item: _Item, store: ContractStore) -> str:
    """Return what an import would do. Raises what it would be refused with, as far as the schema alone decides."""
    state = subject_state(store, item.subject)
    present = next((each for each in state.versions if each.number == item.request.number), None)
    if present is not None:
        if present.id == item.request.id and present in state.with_hash(item.request.schema.hash):
            return "unchanged"
        raise ConfluentError(409, "this registry has another schema with that number")
    holder = state.numbers.hash_of(item.subject.context, item.request.id or 0)
    if holder not in (None, item.request.schema.hash):
        raise ConfluentError(409, f"this registry has another schema with the id {item.request.id}")
    check_schema_text(item.request.schema.text, "schema")
    return "imported"


def _store(item: _Item, store: ContractStore, actor: Actor) -> str:
    outcome = "imported" if import_schema(item.subject, item.request, actor, store) else "unchanged"
    if item.deleted:
        state = subject_state(store, item.subject)
        if any(each.number == item.request.number for each in state.active):
            delete_version(item.subject, item.request.number or 0, actor, store, permanent=False)
    return outcome
