"""How often versions are read: each process writes what it has counted from time to time, and readers add it up.

The counts are no history. A process that ends without warning loses those of the last FLUSH_SECONDS.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from typing import Any, NamedTuple

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.read_counts import ReadCounts, read_counts
from contracts_app.storage import ContractStore, contract_store
from contracts_app.timestamps import in_utc

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 60.0
KEPT_SECONDS = 30 * 24 * 3600
"""Seconds after its last read during which a version's reads are shown."""
CACHE_SECONDS = 10.0
_kept: tuple[ContractStore, float, dict[tuple[str, str], Reads]] | None = None


class Reads(NamedTuple):
    """How often a version was read, and when last (seconds since 1970)."""

    number: int
    last: float

    def to_json(self) -> dict[str, Any]:
        return {"reads": self.number, "lastRead": in_utc(int(self.last)) if self.number else None}


class ReadReporter:
    """Writes the counts of a process, under a name of its own, until it is stopped."""

    def __init__(self, store: ContractStore, counts: ReadCounts = read_counts) -> None:
        self._store = store
        self._counts = counts
        self._key = secrets.token_hex(8)
        self._written: dict[tuple[str, str], tuple[int, float]] = {}

    def run(self, stopped: threading.Event) -> None:
        """Write the counts every FLUSH_SECONDS, and once more at the end: for a thread of a worker."""
        while not stopped.wait(FLUSH_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Write the counts if they have changed. What cannot be written now is written the next time."""
        found = self._counts.snapshot(since=time.time() - KEPT_SECONDS)
        if found == self._written or self._store.mirror is not None:
            return
        rows = [[name, version, count, int(last)] for (name, version), (count, last) in found.items()]
        try:
            self._store.put_expiring("reads", self._key, compact(rows))
        except (ContractError, StorageUnavailable) as error:
            logger.warning("the counts of reads were not written", extra={"reason": error.message})
        else:
            self._written = found


def reads_of(name: str, store: ContractStore | None = None) -> dict[str, Reads]:
    """Return the reads of each version of a contract that was read lately, by version; CACHE_SECONDS old at most.

    They are those of all processes up to a minute ago. Raises StorageUnavailable.
    """
    return {version: reads for (each, version), reads in _all_reads(store or contract_store()).items() if each == name}


def _all_reads(store: ContractStore) -> dict[tuple[str, str], Reads]:
    global _kept
    kept = _kept
    if kept is not None and kept[0] is store and time.monotonic() < kept[1]:
        return kept[2]
    found: dict[tuple[str, str], Reads] = {}
    oldest = time.time() - KEPT_SECONDS
    for record in store.expiring("reads"):
        for name, version, count, last in json.loads(record):
            if last >= oldest:
                before = found.get((name, version), Reads(0, 0))
                found[name, version] = Reads(before.number + count, max(before.last, last))
    _kept = store, time.monotonic() + CACHE_SECONDS, found
    return found


def known_reads(name: str) -> dict[str, Reads]:
    """Return `reads_of` for a page: none where they cannot be read."""
    try:
        return reads_of(name)
    except StorageUnavailable:
        return {}
