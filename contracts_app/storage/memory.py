"""Bundles in this process's memory: for tests and trials. Nothing outlives the process."""

from __future__ import annotations

import sys
import threading

from contracts_app.bundles import ContractBundle, key_of, read_record
from contracts_app.exceptions import ContractNotFound, VersionSetChanged
from contracts_app.storage.base import Actor, ContractStorage, Listing, read_listing
from contracts_app.storage.index import ContractIndex, Prepared


class MemoryContractStorage(ContractStorage):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, bytes] = {}
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

    def peek(self, name: str, version: str) -> Prepared | None:
        return self._index.prepared(key_of(name, version))

    def peek_listing(self) -> Prepared | None:
        return self._index.ready_listing()

    def create(self, bundle: ContractBundle, *, after: int, actor: Actor) -> int:
        with self._lock:
            if self._index.revision(bundle.name) != after:
                raise VersionSetChanged
            return self._put(bundle.key, bundle.to_record())

    def put_raw(self, key: str, data: bytes) -> int:
        """Store any bytes, as another program could: what readers must cope with."""
        with self._lock:
            return self._put(key, data)

    def _put(self, key: str, data: bytes) -> int:
        sequence = self._index.sequence + 1
        self._records[key] = data
        self._index.apply(key, sequence, data)
        return sequence
