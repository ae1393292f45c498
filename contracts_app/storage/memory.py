"""Bundles in this process's memory: for tests and trials. Nothing outlives the process."""

from __future__ import annotations

import threading

from contracts_app.bundles import ContractBundle, key_of, read_record
from contracts_app.exceptions import ContractNotFound, VersionSetChanged
from contracts_app.storage.base import Actor, ContractStorage, Listing, VersionSet, belongs_to, read_listing


class MemoryContractStorage(ContractStorage):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, tuple[int, bytes]] = {}
        self._revision = 0

    def get(self, name: str, version: str) -> ContractBundle:
        key = key_of(name, version)
        with self._lock:
            found = self._records.get(key)
        if found is None:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        return read_record(key, found[1])

    def list_all(self) -> Listing:
        with self._lock:
            records = [(key, data) for key, (_, data) in self._records.items()]
        return read_listing(records)

    def versions(self, name: str) -> VersionSet:
        with self._lock:
            found = {key: entry for key, entry in self._records.items() if belongs_to(name, key)}
        listing = read_listing((key, data) for key, (_, data) in found.items())
        return VersionSet(listing.bundles, max((revision for revision, _ in found.values()), default=0), listing.faults)

    def create(self, bundle: ContractBundle, *, after: int, actor: Actor) -> int:
        with self._lock:
            last = max((rev for key, (rev, _) in self._records.items() if belongs_to(bundle.name, key)), default=0)
            if last != after:
                raise VersionSetChanged
            return self._put(bundle.key, bundle.to_record())

    def put_raw(self, key: str, data: bytes) -> int:
        """Store any bytes, as another program could: what readers must cope with."""
        with self._lock:
            return self._put(key, data)

    def _put(self, key: str, data: bytes) -> int:
        self._revision += 1
        self._records[key] = (self._revision, data)
        return self._revision
