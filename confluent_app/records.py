"""What the bucket holds for the Confluent API besides the contracts: numbers of versions, ids, levels and modes.

Keys: `confluent.subject.<contract>`, `confluent.context.<context>` and `confluent.id.<context>.<id>`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from confluent_app.subjects import DEFAULT_CONTEXT, Subject, context_prefix, parse_subject
from contracts_app.exceptions import UnreadableRecord
from contracts_app.storage import ContractIndex

FAMILY = "confluent"
SUBJECTS, CONTEXTS, IDS = f"{FAMILY}.subject", f"{FAMILY}.context", f"{FAMILY}.id"
Documents = Mapping[str, tuple[int, bytes | None]]


class NumberedVersion(msgspec.Struct, frozen=True, rename="camel"):
    """The number and the id of a version of a contract."""

    number: int
    id: int
    version: str
    """The contract's version."""


class SettingsRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is set for a subject or a context."""

    mode: str | None = None
    config: dict[str, Any] = {}


class SubjectRecord(SettingsRecord, frozen=True, kw_only=True, omit_defaults=True):
    subject: str = ""
    """The qualified name."""
    next: int = 1
    """The number of the next version."""
    versions: tuple[NumberedVersion, ...] = ()
    """In ascending order of their numbers."""


class IdRecord(msgspec.Struct, frozen=True):
    """The schema that an id belongs to, forever: also when nothing with that schema is left."""

    hash: str


_ENCODER = msgspec.json.Encoder()


def encode(record: msgspec.Struct) -> bytes:
    return _ENCODER.encode(record)


@lru_cache(100_000)
def _decode(value: bytes, kind: Any, key: str) -> Any:
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.MsgspecError as error:
        raise UnreadableRecord(f"The stored record {key} is unreadable: {error}", key=key, reason=str(error)) from None


def key_of_subject(subject: Subject) -> str:
    """Return the key of what is set for a subject or, without a name, for its context."""
    return f"{SUBJECTS}.{subject.contract}" if subject.name else f"{CONTEXTS}.{_token(subject.context)}"


def id_family(context: str) -> str:
    """Return what the keys of the ids of a context begin with."""
    return f"{IDS}.{_token(context)}"


def _token(context: str) -> str:
    return "default" if context == DEFAULT_CONTEXT else f"c{context_prefix(context).partition('.')[2]}"


def subject_record(documents: Documents, subject: Subject) -> tuple[int, SubjectRecord]:
    """Return the sequence and the record of a subject, 0 and an empty one if there is none. Raises UnreadableRecord."""
    key = key_of_subject(subject)
    sequence, value = documents.get(key, (0, None))
    return sequence, SubjectRecord(subject=str(subject)) if value is None else _decode(value, SubjectRecord, key)


class NumberIndex:
    """Lookups in all records of a store's index; brought up to date by `number_index`.

    Values are replaced and never changed in place, so that any thread reads at any time.
    """

    def __init__(self) -> None:
        self.checked = -1
        """The sequence of the store's index at which these lookups were current."""
        self._sequence = 0
        self._ids: dict[tuple[str, str], int] = {}
        self._hashes: dict[tuple[str, int], str] = {}
        self._last_ids: dict[str, int] = {}
        self._numbered: dict[tuple[str, int], tuple[tuple[Subject, NumberedVersion], ...]] = {}
        self._records: dict[str, SubjectRecord] = {}

    def id_of(self, context: str, hash_: str) -> int | None:
        """Return the id of a schema in a context."""
        return self._ids.get((_token(context), hash_))

    def hash_of(self, context: str, number: int) -> str | None:
        """Return the hash of the schema that an id belongs to."""
        return self._hashes.get((_token(context), number))

    def last_id(self, context: str) -> int:
        """Return the greatest id that was ever given in a context."""
        return self._last_ids.get(_token(context), 0)

    def versions_with(self, context: str, number: int) -> tuple[tuple[Subject, NumberedVersion], ...]:
        """Return the versions with an id."""
        return self._numbered.get((context, number), ())

    def subject_of(self, contract: str) -> Subject | None:
        """Return the subject of a contract that has a record."""
        record = self._records.get(contract)
        return parse_subject(record.subject) if record is not None else None

    def places_with(self, guid: str) -> list[tuple[str, int]]:
        """Return the context and id of each schema with a GUID."""
        wanted = guid.replace("-", "").lower()
        ids = {id_ for (_, id_), hash_ in list(self._hashes.items()) if len(wanted) == 32 and hash_.startswith(wanted)}
        contexts = {parse_subject(record.subject).context for record in list(self._records.values())}
        places = [(context, id_) for context in contexts for id_ in ids]
        return sorted(each for each in places if (self.hash_of(*each) or "").startswith(wanted))

    def update(self, documents: Iterable[tuple[str, tuple[int, bytes | None]]]) -> None:
        """Apply the records that were written since the last update."""
        for key, (sequence, value) in sorted(documents, key=lambda item: item[1][0]):
            if sequence <= self._sequence:
                continue
            if key.startswith(f"{IDS}."):
                self._apply_id(key, value)
            elif key.startswith(f"{SUBJECTS}."):
                self._apply_subject(key, value)
            self._sequence = sequence

    def _apply_id(self, key: str, value: bytes | None) -> None:
        context, _, digits = key.removeprefix(f"{IDS}.").rpartition(".")
        number = int(digits)
        self._last_ids[context] = max(self._last_ids.get(context, 0), number)
        if value is not None:
            hash_ = _decode(value, IdRecord, key).hash
            self._ids[context, hash_] = number
            self._hashes[context, number] = hash_

    def _apply_subject(self, key: str, value: bytes | None) -> None:
        contract = key.removeprefix(f"{SUBJECTS}.")
        before = self._records.pop(contract, SubjectRecord())
        after = SubjectRecord() if value is None else _decode(value, SubjectRecord, key)
        if value is not None:
            self._records[contract] = after
        subject = parse_subject(after.subject or before.subject)
        for id_ in {each.id for each in (*before.versions, *after.versions)}:
            others = tuple(each for each in self.versions_with(subject.context, id_) if each[0] != subject)
            own = tuple((subject, each) for each in after.versions if each.id == id_)
            self._numbered[subject.context, id_] = others + own


_indexes: WeakKeyDictionary[ContractIndex, NumberIndex] = WeakKeyDictionary()
_lock = threading.Lock()


def number_index(index: ContractIndex) -> NumberIndex:
    """Return the lookups for a store's index, as it is now."""
    sequence = index.sequence
    found = _indexes.get(index)
    if found is None or found.checked != sequence:
        with _lock:
            found = _indexes.setdefault(index, NumberIndex())
            found.update(item for item in list(index.documents.items()) if item[0].startswith(f"{FAMILY}."))
            found.checked = sequence
    return found
