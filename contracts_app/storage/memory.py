"""A store in this process's memory, for tests and trials. Nothing outlives the process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from contracts_app.bundles import ContractBundle, key_of
from contracts_app.exceptions import ContractNotFound, VersionSetChanged
from contracts_app.records import read_record
from contracts_app.storage.base import ContractStore, ExpiringKind, Listing, Position, read_listing
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.replica import Replica, ReplicaStatus, Watcher
from contracts_app.storage.writes import Actor, AuditEntry, StoredWrite
from contracts_app.timestamps import utc_now

_STREAM = "memory"


class MemoryReplica(Replica):
    """The store's own index, which is always current."""

    is_current, is_lagging, stream = True, False, _STREAM

    def __init__(self, index: ContractIndex) -> None:
        self._index = index

    @property
    def index(self) -> ContractIndex:
        return self._index

    def wait(self) -> bool:
        return True

    async def wait_until_current(self) -> bool:
        return True

    def status(self) -> ReplicaStatus:
        index = self._index
        return ReplicaStatus(True, index.sequence, 0, 0.0, index.count_names(), len(index), index.contents.bytes, 0, "")


class MemoryContractStore(ContractStore):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, bytes] = {}
        self._sequences: dict[str, int] = {}
        self._history: list[StoredWrite] = []
        self._expiring: dict[tuple[ExpiringKind, str], bytes] = {}
        self._uploads: dict[str, bytes] = {}
        self._watchers: list[Watcher] = []
        self._index = ContractIndex(max_bytes=sys.maxsize)

    def put_expiring(self, kind: ExpiringKind, key: str, record: bytes | None) -> None:
        if record is None:
            self._expiring.pop((kind, key), None)
        else:
            self._expiring[kind, key] = record

    def put_upload(self, name: str, data: bytes | None) -> None:
        if data is None:
            self._uploads.pop(name, None)
        else:
            self._uploads[name] = data

    def get_upload(self, name: str) -> bytes | None:
        return self._uploads.get(name)

    def expiring(self, kind: ExpiringKind) -> list[bytes]:
        return [record for (each, _), record in self._expiring.items() if each == kind]

    def __str__(self) -> str:
        return "the memory of this process"

    @property
    def replica(self) -> Replica:
        return MemoryReplica(self._index)

    def watch(self, written: Watcher, loaded: Callable[[int, str], None]) -> None:
        loaded(self._index.sequence, _STREAM)
        self._watchers.append(written)

    def get(self, name: str, version: str) -> ContractBundle:
        key = key_of(name, version)
        data = self._records.get(key)
        if data is None:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        return read_record(key, data)

    def list_all(self) -> Listing:
        with self._lock:
            records = list(self._records.items())
        return read_listing(records)

    def index(self, name: str | None = None, *, fresh: bool = False) -> ContractIndex:
        return self._index

    def position(self) -> Position:
        return Position(_STREAM, self._index.sequence)

    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[StoredWrite]:
        prefix = f"meta.{name}." if name else ""
        with self._lock:
            found = [each for each in self._history if each.sequence > after and each.key.startswith(prefix)]
        return found[:limit]

    def create(self, bundle: ContractBundle, *, after: int, audit: AuditEntry) -> int:
        with self._lock:
            if self._index.revision(bundle.name) != after:
                raise VersionSetChanged
            return self._put(bundle.key, bundle.to_record(), audit)

    def put_document(
        self, key: str, value: bytes | None, *, after: int, audit: AuditEntry, family: str | None = None
    ) -> int:
        with self._lock:
            last = self._sequences.get(key, 0) if family is None else self._index.last_of_family(family)
            if last != after:
                raise VersionSetChanged
            return self._put(key, value, audit)

    def put_raw(self, key: str, data: bytes) -> int:
        """Store arbitrary bytes, like another program could."""
        with self._lock:
            return self._put(key, data, AuditEntry(Actor(""), "write"))

    def _put(self, key: str, data: bytes | None, audit: AuditEntry) -> int:
        sequence = self._index.sequence + 1
        if data is None:
            self._records.pop(key, None)
        else:
            self._records[key] = data
        self._sequences[key] = sequence
        write = StoredWrite(sequence, utc_now(), key, data, audit)
        self._history.append(write)
        self._index.apply(key, sequence, data)
        for watcher in self._watchers:
            watcher(sequence, len(data or b""), lambda: write)
        return sequence
