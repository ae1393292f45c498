"""Numbers and ids: each published version with a schema is given the next number of its subject, and its schema an id.

The registry's contracts are the only source: a version that was published in another way is numbered when the subject
is used next. Numbers and ids are written by compare-and-set.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from confluent_app.errors import NOT_PERMITTED, ConfluentError
from confluent_app.records import (
    FAMILY,
    IdRecord,
    NumberedVersion,
    NumberIndex,
    SubjectRecord,
    encode,
    id_family,
    key_of_subject,
    number_index,
    subject_record,
)
from confluent_app.schemas import ConfluentSchema
from confluent_app.subjects import Subject
from contracts_app.bundles import ContractBundle, key_of
from contracts_app.exceptions import StorageUnavailable, VersionSetChanged
from contracts_app.lifecycle import DRAFT, WITHDRAWN
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry

MAX_ATTEMPTS = 50
NUMBERING = Actor("confluent-api")
"""Who numbers versions that were published in another way."""


@dataclass(frozen=True)
class SubjectVersion:
    """A version of a subject."""

    subject: Subject
    number: int
    id: int
    entry: Entry

    @property
    def deleted(self) -> bool:
        """Whether it is soft-deleted: the version of the contract is withdrawn."""
        return self.entry.state == WITHDRAWN


@dataclass(frozen=True)
class SubjectState:
    """A subject at one time. Versions are in ascending order of their numbers; removed ones are not among them."""

    subject: Subject
    index: ContractIndex
    sequence: int
    record: SubjectRecord
    versions: tuple[SubjectVersion, ...]
    numbers: NumberIndex

    @property
    def active(self) -> tuple[SubjectVersion, ...]:
        return tuple(each for each in self.versions if not each.deleted)

    @property
    def revision(self) -> int:
        return self.index.revision(self.subject.contract)

    def with_hash(self, hash_: str) -> tuple[SubjectVersion, ...]:
        """Return the versions with this schema."""
        context = self.subject.context
        return tuple(each for each in self.versions if self.numbers.hash_of(context, each.id) == hash_)


def subject_state(
    store: ContractStore, subject: Subject, *, actor: Actor | None = None, fresh: bool = False
) -> SubjectState:
    """Return a subject, all its versions numbered. Without an actor, which only reads, an outage leaves new ones out.

    Raises StorageUnavailable, UnreadableRecord.
    """
    for _ in range(MAX_ATTEMPTS):
        state = _state(store, subject, fresh)
        known = {each.version for each in state.record.versions}
        missing = [
            entry
            for entry in state.index.versions(subject.contract)
            if entry.has_schema and entry.state != DRAFT and entry.version not in known
        ]
        if not missing:
            return state
        try:
            _number(store, state, missing, actor or NUMBERING)
        except VersionSetChanged:
            fresh = True
        except StorageUnavailable:
            if actor is not None:
                raise
            return state
    raise StorageUnavailable(f"{subject} is being written by others without a pause; try again")


def _state(store: ContractStore, subject: Subject, fresh: bool) -> SubjectState:
    index = store.index(subject.contract, fresh=fresh)
    sequence, record = subject_record(index.documents, subject)
    versions = (
        (each, entry)
        for each in record.versions
        if (entry := index.get(key_of(subject.contract, each.version))) is not None
    )
    numbered = tuple(SubjectVersion(subject, each.number, each.id, entry) for each, entry in versions)
    return SubjectState(subject, index, sequence, record, numbered, number_index(index))


def _number(store: ContractStore, state: SubjectState, missing: list[Entry], actor: Actor) -> None:
    """Give numbers to versions, in their order. Raises VersionSetChanged."""
    record = state.record
    added: list[NumberedVersion] = []
    for entry in missing:
        schema = ConfluentSchema.of(store.content(entry, state.index))
        id_ = allot_id(store, state.subject.context, schema.hash, actor)
        added.append(NumberedVersion(record.next + len(added), id_, entry.version))
    write_record(
        store,
        state,
        msgspec.structs.replace(record, versions=(*record.versions, *added), next=record.next + len(added)),
        AuditEntry(actor, "number-version"),
    )


def write_record(store: ContractStore, state: SubjectState, record: SubjectRecord, audit: AuditEntry) -> None:
    """Write the record of a subject if it is still that of `state`. Raises VersionSetChanged."""
    store.put_document(key_of_subject(state.subject), encode(record), after=state.sequence, audit=audit)


def allot_id(store: ContractStore, context: str, hash_: str, actor: Actor, wanted: int | None = None) -> int:
    """Return the id of a schema, the next one if it has none; or give it the `wanted` one.

    Raises ConfluentError if the wanted id is that of another schema.
    """
    for attempt in range(MAX_ATTEMPTS):
        index = store.index(FAMILY, fresh=attempt > 0)
        numbers = number_index(index)
        found = numbers.id_of(context, hash_)
        if found is not None and wanted in (None, found):
            return found
        id_ = wanted or numbers.last_id(context) + 1
        holder = numbers.hash_of(context, id_)
        if holder is not None:
            if holder == hash_:
                return id_
            raise ConfluentError(NOT_PERMITTED, f"Overwrite new schema with id {id_} is not permitted: it is another's")
        family = id_family(context)
        try:
            store.put_document(
                f"{family}.{id_}",
                encode(IdRecord(hash_)),
                after=index.last_of_family(family),
                audit=AuditEntry(actor, "allot-id"),
                family=family,
            )
            return id_
        except VersionSetChanged:
            continue
    raise StorageUnavailable("Ids are being allotted to others without a pause; try again")


def schema_of(store: ContractStore, version: SubjectVersion, index: ContractIndex) -> ConfluentSchema:
    """Return the schema of a version."""
    return ConfluentSchema.of(bundle_of(store, version, index))


def bundle_of(store: ContractStore, version: SubjectVersion, index: ContractIndex) -> ContractBundle:
    return store.content(version.entry, index)
