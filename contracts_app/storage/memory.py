"""Bundles in this process's memory: for tests and trials. Nothing outlives the process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from contracts_app.bundles import ContractBundle, key_of, utc_now
from contracts_app.exceptions import ContractNotFound, VersionSetChanged
from contracts_app.records import read_record
from contracts_app.storage.base import Actor, ContractStorage, Deed, Listing, Watcher, Written, read_listing
from contracts_app.storage.index import ContractIndex, Prepared


class MemoryContractStorage(ContractStorage):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, bytes] = {}
        self._sequences: dict[str, int] = {}
        self._history: list[Written] = []
        self._watchers: list[Watcher] = []
        self._index = ContractIndex(max_bytes=sys.maxsize)

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

    def index(self, name: str | None = None, *, fresh: bool = False, newest: bool = True) -> ContractIndex:
        return self._index

    def watch(self, written: Watcher, loaded: Callable[[int], None]) -> None:
        loaded(self._index.sequence)
        self._watchers.append(written)

    async def arrive(self) -> bool:
        return True

    def peek(self, name: str, version: str, *, arrived: bool = False) -> Prepared | None:
        return self._index.prepared(name, version)

    def peek_listing(self, *, arrived: bool = False) -> Prepared | None:
        return self._index.ready_listing()

    def create(self, bundle: ContractBundle, *, after: int, deed: Deed) -> int:
        with self._lock:
            if self._index.revision(bundle.name) != after:
                raise VersionSetChanged
            return self._put(bundle.key, bundle.to_record(), deed)

    def put_document(self, key: str, value: bytes | None, *, after: int, deed: Deed) -> int:
        with self._lock:
            if self._sequences.get(key, 0) != after:
                raise VersionSetChanged
            return self._put(key, value, deed)

    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[Written]:
        prefix = f"meta.{name}." if name else ""
        with self._lock:
            found = [each for each in self._history if each.sequence > after and each.key.startswith(prefix)]
        return found[:limit]

    def put_raw(self, key: str, data: bytes) -> int:
        """Store any bytes, as another program could: what readers must cope with."""
        with self._lock:
            return self._put(key, data, Deed(Actor(""), "write"))

    def _put(self, key: str, data: bytes | None, deed: Deed) -> int:
        sequence = self._index.sequence + 1
        if data is None:
            self._records.pop(key, None)
        else:
            self._records[key] = data
        self._sequences[key] = sequence
        done = Written(sequence, utc_now(), key, data, deed)
        self._history.append(done)
        self._index.apply(key, sequence, data)
        for watcher in self._watchers:
            watcher(sequence, len(data or b""), lambda: done)
        return sequence
