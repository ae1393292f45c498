"""The bucket's contracts in memory: the versions in order, and their stored bytes."""

from __future__ import annotations

import bisect
import hashlib
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from contracts_app.bundles import ContractBundle, Dependency, VersionProperties, compact, key_of
from contracts_app.exceptions import UnreadableRecord
from contracts_app.lifecycle import ACTIVE, REMOVED, WITHDRAWN, Lifecycle
from contracts_app.records import read_canonical, read_known, read_record
from contracts_app.storage.content_cache import ContentCache
from linter_app.semver import InvalidVersion, Version

PREFIX = "meta."


class Entry(VersionProperties, msgspec.Struct, frozen=True, gc=False):
    """One stored version without its content. `sequence` is that of the record's last write in the stream."""

    name: str
    version: str
    precedence: tuple[object, ...]
    description: str | None
    created_at: str
    digest: str
    sequence: int
    item: bytes
    """Return the entry as a JSON item of a list."""
    has_schema: bool = False
    has_wit: bool = False
    labels: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    lifecycle: Lifecycle | None = None
    signed_by: tuple[str, ...] = ()
    """The signers, one for each signature."""


class Representation(NamedTuple):
    """The bytes of a response, and their strong entity tag (RFC 9110, section 8.8.3)."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes) -> Representation:
        """Return a representation with an entity tag computed from its bytes."""
        return cls(body, f'"{hashlib.sha256(body).hexdigest()}"')


class ContractIndex:
    """One writer applies the stream's messages in order; any thread reads at any time.

    Readers take no lock: values are replaced, never changed in place, except the sorted list of names, on which single
    insertions and slices are atomic in the interpreter.
    """

    def __init__(self, *, max_bytes: int = 256 * 1024 * 1024) -> None:
        self.sequence = 0
        """The last sequence of the stream that is applied, or is known to change nothing here."""
        self.changed = 0
        """The sequence of the last change of a contract."""
        self.documents: dict[str, tuple[int, bytes | None]] = {}
        """Other keys of the bucket, by key: sequence and value, None if it was deleted."""
        self.faults: dict[str, UnreadableRecord] = {}
        self.contents = ContentCache(max_bytes)
        self._entries: dict[str, Entry] = {}
        self._by_name: dict[str, tuple[Entry, ...]] = {}
        self._names: list[str] = []
        self._deleted: set[str] = set()
        """Keys of versions whose last message deletes them."""
        self._removed: dict[str, Entry] = {}
        """The versions of which only the number is left, by key; no other method finds them."""
        self._loading = False
        self._lock = threading.Lock()
        """Held while an entry and the lookups that lead to it are changed together."""
        self._revisions: dict[str, int] = {}
        self._digests: dict[str, tuple[Entry, ...]] | None = None
        """Built at its first use."""
        self._dependents: dict[str, tuple[str, ...]] = {}
        self._listing: tuple[int, Representation] | None = None

    # Reading

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def subjects(self) -> int:
        """How many keys the stream has for what is applied here: those that were deleted included."""
        return len(self._entries) + len(self._removed) + len(self.faults) + len(self.documents) + len(self._deleted)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, in order of name and precedence."""
        for name in self._names[:]:
            yield from self._by_name.get(name, ())

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def count_names(self) -> int:
        return len(self._by_name)

    def bundle(self, entry: Entry) -> ContractBundle | None:
        """Return the whole version, or None if its content is not in memory."""
        body = self.contents.get(entry.key, entry.sequence)
        if body is None:
            return None
        plain = entry.lifecycle is None and not (entry.labels or entry.dependencies or entry.signed_by)
        return read_known(body, plain=plain)

    def representation(self, name: str, version: str) -> Representation | None:
        """Return the response to a request for this version, if its content is in memory and its state active."""
        key = key_of(name, version)
        entry = self._entries.get(key)
        # Other names and versions may form the same key.
        if entry is None or entry.lifecycle is not None or entry.name != name:
            return None
        body = self.contents.get(key, entry.sequence)
        return Representation(body, entry.etag) if body is not None else None

    def faults_of(self, name: str) -> list[UnreadableRecord]:
        return [fault for key, fault in self.faults.items() if belongs_to(name, key)]

    def versions(self, name: str) -> tuple[Entry, ...]:
        """Return the entries of one name, in ascending precedence."""
        return self._by_name.get(name, ())

    def revision(self, name: str) -> int:
        """Return the last sequence of any key that begins with this name: the argument of a compare-and-set."""
        return self._revisions.get(name, 0)

    def last_of_family(self, family: str) -> int:
        """Return the last sequence of any document whose key begins with `<family>.`, deleted ones included."""
        return max((item[0] for key, item in self.documents.items() if key.startswith(f"{family}.")), default=0)

    def with_digest(self, digest: str) -> tuple[Entry, ...]:
        """Return the entries whose content has this digest."""
        with self._lock:
            if self._digests is None:
                self._digests = {}
                for entry in self._entries.values():
                    self._digests[entry.digest] = (*self._digests.get(entry.digest, ()), entry)
            return self._digests.get(digest, ())

    def removed(self, name: str) -> list[Entry]:
        """Return the versions of one name of which only the number is left."""
        return [entry for entry in list(self._removed.values()) if entry.name == name]

    def dependents(self, name: str, version: str | None = None, *, withdrawn: bool = False) -> list[Entry]:
        """Return the entries that depend on any version of this name, or on this version.

        Without withdrawn ones, unless `withdrawn` includes them.
        """
        found = [self._entries[key] for key in self._dependents.get(name, ()) if key in self._entries]
        return [
            entry
            for entry in found
            if (withdrawn or entry.state != WITHDRAWN)
            and any(each.name == name and version in (None, each.version) for each in entry.dependencies)
        ]

    def names_from(self, name: str) -> Iterator[str]:
        """Yield names in order, starting with `name`; concurrent changes may or may not be seen."""
        position = bisect.bisect_left(self._names, name)
        while chunk := self._names[position : position + 512]:
            yield from chunk
            position = bisect.bisect_right(self._names, chunk[-1])

    def cached_listing(self) -> Representation | None:
        """Return the full list if no contract has changed since it was built."""
        cached = self._listing
        return cached[1] if cached is not None and cached[0] == self.changed else None

    def listing(self) -> Representation:
        """Return the full list, rebuilt only after a change."""
        changed = self.changed
        if ready := self.cached_listing():
            return ready
        representation = self.list_of(entry.item for entry in self)
        self._listing = (changed, representation)
        return representation

    def list_of(self, items: Iterable[bytes]) -> Representation:
        """Return JSON items as the body of a list, with the unreadable records."""
        body = b'{"contracts":[' + b",".join(items) + b"]"
        if self.faults:
            faults = sorted(self.faults.values(), key=str)
            body += b',"unreadable":' + compact([fault.extras for fault in faults])
        return Representation.of(body + b"}")

    # Writing

    def load(self, messages: Iterator[tuple[str, int, bytes | None]]) -> None:
        """Apply many messages (key, sequence, value) at once; sort only at the end."""
        self.begin()
        for key, sequence, data in messages:
            self.apply(key, sequence, data)
        self.finish()

    def begin(self) -> None:
        """Collect names unsorted until `finish`."""
        self._loading = True

    def finish(self) -> None:
        self._loading = False
        self._names = sorted(self._by_name)

    def apply(self, key: str, sequence: int, data: bytes | None) -> None:
        """Apply one message of the stream: a key's new value, or None if it was deleted."""
        if not key.startswith(PREFIX):
            self.documents[key] = (sequence, data)
            self.sequence = sequence
            return
        self.contents.pop(key)
        before = self._entries.get(key)
        entry = None
        if data is not None:
            self._deleted.discard(key)
            try:
                entry = self._read(key, sequence, data)
                self.faults.pop(key, None)
                self._removed.pop(key, None)
                if entry.state == REMOVED:
                    self._removed[key] = entry
                    entry = None
            except UnreadableRecord as fault:
                self.faults[key] = fault
        else:
            self.faults.pop(key, None)
            self._removed.pop(key, None)
            self._deleted.add(key)
        with self._lock:
            if entry is not None:
                self._entries[key] = entry
            elif before is not None:
                del self._entries[key]
            if entry is not None or before is not None:
                self._replace(before, entry)
                self._relate(before, entry)
        # After the entries: a reader that reads a revision first, and then the entries, finds all that it covers.
        name = entry.name if entry is not None else key[len(PREFIX) :]
        self._revisions[name] = sequence
        end = name.find(".")
        while end != -1:
            self._revisions[name[:end]] = sequence
            end = name.find(".", end + 1)
        self.changed = self.sequence = sequence

    def _read(self, key: str, sequence: int, data: bytes) -> Entry:
        record = read_canonical(key, data)
        if record is not None:
            # Bytes that this service wrote are also what it responds with.
            self.contents.put(key, sequence, data)
            return _entry(
                record,
                record.createdAt,
                sequence,
                has_schema=record.jsonSchema is not None,
                has_wit=isinstance(record.wit, str),
            )
        bundle = read_record(key, data)
        self.contents.put(key, sequence, bundle.to_record())
        return _entry(
            bundle,
            bundle.created_at,
            sequence,
            has_schema=bundle.json_schema is not None,
            has_wit=bundle.wit is not None,
            labels=bundle.labels,
            dependencies=bundle.dependencies,
            lifecycle=bundle.lifecycle,
            signed_by=bundle.signed_by,
        )

    def _relate(self, before: Entry | None, after: Entry | None) -> None:
        """Keep the lookups from a digest, and from a dependency's name, to the entries."""
        if self._digests is not None:
            if before is not None:
                left = tuple(entry for entry in self._digests.get(before.digest, ()) if entry is not before)
                self._digests[before.digest] = left
            if after is not None:
                self._digests[after.digest] = (*self._digests.get(after.digest, ()), after)
        if before is not None and before.dependencies:
            for name in {each.name for each in before.dependencies}:
                self._dependents[name] = tuple(key for key in self._dependents[name] if key != before.key)
        if after is not None and after.dependencies:
            for name in {each.name for each in after.dependencies}:
                self._dependents[name] = (*self._dependents.get(name, ()), after.key)

    def _replace(self, before: Entry | None, after: Entry | None) -> None:
        name = (after or before).name  # type: ignore[union-attr]
        versions = [entry for entry in self._by_name.get(name, ()) if entry is not before]
        if after is not None:
            bisect.insort(versions, after, key=_order)
        if versions:
            known = name in self._by_name
            self._by_name[name] = tuple(versions)
            if not known and not self._loading:
                bisect.insort(self._names, name)
        elif self._by_name.pop(name, None) is not None and not self._loading:
            del self._names[bisect.bisect_left(self._names, name)]


def belongs_to(name: str, key: str) -> bool:
    """Return whether `key` is a version of `name`, and not of a longer name such as `name.more`."""
    prefix = f"{PREFIX}{name}."
    try:
        Version.parse(key[len(prefix) :])
    except InvalidVersion:
        return False
    return key.startswith(prefix)


class _Item(msgspec.Struct):
    name: str
    version: str
    description: str | None
    createdAt: str


class _MarkedItem(_Item):
    state: str


_ENCODER = msgspec.json.Encoder()


def _entry(record: Any, created_at: str, sequence: int, **extras: Any) -> Entry:
    return Entry(
        name=record.name,
        version=record.version,
        precedence=Version.parse(record.version).precedence,
        description=record.description,
        created_at=created_at,
        digest=record.digest,
        sequence=sequence,
        item=_ENCODER.encode(_item(record, created_at, extras.get("lifecycle"))),
        **extras,
    )


def _item(record: Any, created_at: str, lifecycle: Lifecycle | None) -> _Item:
    """Return the item of a list, with the state where it is not active."""
    members = record.name, record.version, record.description, created_at
    state = ACTIVE if lifecycle is None else lifecycle.state
    return _Item(*members) if state == ACTIVE else _MarkedItem(*members, state)


def _order(entry: Entry) -> tuple[tuple[object, ...], str]:
    return entry.precedence, entry.version
