"""The configured contract stores of a process, like Django's STORAGES."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from contracts_app.storage.base import ContractStore, Listing, MirrorStatus, Position, StoreHealth
from contracts_app.storage.index import ContractIndex, Entry, Representation
from contracts_app.storage.replica import Replica, ReplicaStatus
from contracts_app.storage.writes import Actor, AuditEntry, StoredWrite

__all__ = [
    "Actor",
    "AuditEntry",
    "ContractIndex",
    "ContractStore",
    "Entry",
    "Listing",
    "MirrorStatus",
    "Position",
    "Replica",
    "ReplicaStatus",
    "Representation",
    "StoreHealth",
    "StoredWrite",
    "contract_store",
    "contract_stores",
]


class ContractStoreHandler:
    """Builds each store of CONTRACT_STORAGES at its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: dict[str, ContractStore] = {}

    def __getitem__(self, alias: str) -> ContractStore:
        with self._lock:
            if alias not in self._stores:
                self._stores[alias] = self._build(alias)
            return self._stores[alias]

    def _build(self, alias: str) -> ContractStore:
        configured: dict[str, Any] = settings.CONTRACT_STORAGES
        if alias not in configured:
            raise ImproperlyConfigured(f"CONTRACT_STORAGES has no {alias!r}")
        backend: Any = import_string(configured[alias]["BACKEND"])
        try:
            store: ContractStore = backend(**configured[alias].get("OPTIONS", {}))
        except TypeError as error:
            raise ImproperlyConfigured(f"CONTRACT_STORAGES[{alias!r}] OPTIONS: {error}") from error
        return store

    def close(self) -> None:
        """Close every store; the next use builds them again from the settings."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()


contract_stores = ContractStoreHandler()


def contract_store() -> ContractStore:
    """Return the default store of this process."""
    return contract_stores["default"]
