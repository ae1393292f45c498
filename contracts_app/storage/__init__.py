"""The configured contract storages, one set per process, in the manner of Django's STORAGES."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from contracts_app.storage.base import Actor, ContractStorage, CopyStatus, Deed, Listing, StoreHealth, Written
from contracts_app.storage.index import ContractIndex, Entry, Prepared

__all__ = [
    "Actor",
    "ContractIndex",
    "ContractStorage",
    "CopyStatus",
    "Deed",
    "Entry",
    "Listing",
    "Prepared",
    "StoreHealth",
    "Written",
    "contract_storage",
    "contract_storages",
]


class ContractStorageHandler:
    """Builds each storage of CONTRACT_STORAGES once, at first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._storages: dict[str, ContractStorage] = {}

    def __getitem__(self, alias: str) -> ContractStorage:
        with self._lock:
            if alias not in self._storages:
                self._storages[alias] = self._build(alias)
            return self._storages[alias]

    def _build(self, alias: str) -> ContractStorage:
        configured: dict[str, Any] = settings.CONTRACT_STORAGES
        if alias not in configured:
            raise ImproperlyConfigured(f"CONTRACT_STORAGES has no {alias!r}")
        backend: Any = import_string(configured[alias]["BACKEND"])
        try:
            storage: ContractStorage = backend(**configured[alias].get("OPTIONS", {}))
        except TypeError as error:
            raise ImproperlyConfigured(f"CONTRACT_STORAGES[{alias!r}] OPTIONS: {error}") from error
        return storage

    def close(self) -> None:
        """Close and forget every storage; the next use builds them anew from the settings."""
        with self._lock:
            for storage in self._storages.values():
                storage.close()
            self._storages.clear()


contract_storages = ContractStorageHandler()


def contract_storage() -> ContractStorage:
    """The default storage of this process."""
    return contract_storages["default"]
