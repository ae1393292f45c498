"""Finding subjects, and schemas by their id."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from confluent_app.numbering import SubjectVersion, subject_state
from confluent_app.records import number_index
from confluent_app.subjects import DEFAULT_CONTEXT, Subject, parse_subject, subject_of
from contracts_app.bundles import key_of
from contracts_app.lifecycle import DRAFT, WITHDRAWN
from contracts_app.storage import ContractStore

EVERY_CONTEXT = ":*:"


def listed_subjects(store: ContractStore, prefix: str, *, deleted: bool, deleted_only: bool) -> list[Subject]:
    """Return the subjects whose name begins with a prefix: `:*:` for all contexts, `:.staging:orders` for one.

    Those of which all versions are soft-deleted are left out, or with `deleted_only` the only ones.
    """
    index = store.index()
    numbers = number_index(index)
    within = _matches(prefix)
    found: list[Subject] = []
    for contract in index.names_from(""):
        subject = subject_of(contract) or numbers.subject_of(contract)
        if subject is None or not within(subject):
            continue
        entries = [each for each in index.versions(contract) if each.has_schema and each.state != DRAFT]
        gone = all(entry.state == WITHDRAWN for entry in entries)
        if entries and (gone if deleted_only else deleted or not gone):
            found.append(subject)
    return sorted(found, key=str)


def _matches(prefix: str) -> Callable[[Subject], bool]:
    if prefix.startswith(EVERY_CONTEXT):
        rest = prefix.removeprefix(EVERY_CONTEXT)
        return lambda subject: subject.name.startswith(rest)
    wanted = parse_subject(prefix)
    return lambda subject: subject.context == wanted.context and subject.name.startswith(wanted.name)


def contexts(store: ContractStore) -> list[str]:
    """Return the contexts that have a subject, the default one always."""
    found = {each.context for each in listed_subjects(store, EVERY_CONTEXT, deleted=True, deleted_only=False)}
    return sorted(found | {DEFAULT_CONTEXT})


def versions_with_id(store: ContractStore, context: str, id_: int) -> list[SubjectVersion]:
    """Return every version with an id, soft-deleted ones included, the one that was published first at the head."""
    index = store.index()
    found = [
        SubjectVersion(subject, each.number, each.id, entry)
        for subject, each in number_index(index).versions_with(context, id_)
        if (entry := index.get(key_of(subject.contract, each.version))) is not None
    ]
    return sorted(found, key=lambda each: (each.entry.created_at, str(each.subject), each.number))


def referring_ids(store: ContractStore, version: SubjectVersion, *, deleted: bool) -> list[int]:
    """Return the ids of the schemas that refer to a version."""
    index = store.index()
    numbers = number_index(index)
    ids: set[int] = set()
    for entry in index.dependents(version.entry.name, version.entry.version, withdrawn=deleted):
        subject = subject_of(entry.name) or numbers.subject_of(entry.name)
        if subject is not None:
            versions = subject_state(store, subject).versions
            ids |= {each.id for each in versions if each.entry.version == entry.version}
    return sorted(ids)


def every_version(store: ContractStore, prefix: str, *, deleted: bool, latest_only: bool) -> Iterator[SubjectVersion]:
    """Yield the versions of all subjects with a prefix."""
    for subject in listed_subjects(store, prefix, deleted=deleted, deleted_only=False):
        state = subject_state(store, subject)
        versions = state.versions if deleted else state.active
        yield from versions[-1:] if latest_only else versions
