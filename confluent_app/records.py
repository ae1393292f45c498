"""What the bucket holds for the Confluent API besides the contracts: numbers of versions, ids, levels and modes.

Keys: `confluent.subject.<contract>`, `confluent.context.<context>` and `confluent.id.<context>.<id>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

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


@dataclass
class NumberIndex:
    """Lookups in all records of one state of the store."""

    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    """Ids by hash, by the context's token."""
    hashes: dict[tuple[str, int], str] = field(default_factory=dict)
    """Hashes by the context's token and the id."""
    last_ids: dict[str, int] = field(default_factory=dict)
    """The greatest id that was ever given, by the context's token."""
    numbered: dict[tuple[str, int], list[tuple[Subject, NumberedVersion]]] = field(default_factory=dict)
    """The versions with an id, by context and id."""
    subjects: dict[str, Subject] = field(default_factory=dict)
    """The subjects that have a record, by contract."""

    def id_of(self, context: str, hash_: str) -> int | None:
        return self.ids.get(_token(context), {}).get(hash_)

    def hash_of(self, context: str, number: int) -> str | None:
        return self.hashes.get((_token(context), number))

    def last_id(self, context: str) -> int:
        return self.last_ids.get(_token(context), 0)


_latest: tuple[ContractIndex, int, NumberIndex] | None = None


def number_index(index: ContractIndex) -> NumberIndex:
    """Return the lookups for a state of the store, built anew after a write of any record."""
    global _latest
    found = [(key, item) for key, item in list(index.documents.items()) if key.startswith(f"{FAMILY}.")]
    last = max((item[0] for _, item in found), default=0)
    if _latest is not None and _latest[0] is index and _latest[1] == last:
        return _latest[2]
    numbers = NumberIndex()
    for key, (_, value) in found:
        if key.startswith(f"{IDS}."):
            context, _, number = key.removeprefix(f"{IDS}.").rpartition(".")
            numbers.last_ids[context] = max(numbers.last_ids.get(context, 0), int(number))
            if value is not None:
                record = _decode(value, IdRecord, key)
                numbers.ids.setdefault(context, {})[record.hash] = int(number)
                numbers.hashes[context, int(number)] = record.hash
        elif key.startswith(f"{SUBJECTS}.") and value is not None:
            record = _decode(value, SubjectRecord, key)
            subject = parse_subject(record.subject)
            numbers.subjects[key.removeprefix(f"{SUBJECTS}.")] = subject
            for each in record.versions:
                numbers.numbered.setdefault((subject.context, each.id), []).append((subject, each))
    _latest = index, last, numbers
    return numbers
