"""Changes as CloudEvents (1.0), in the order of the stream and without a gap."""

from __future__ import annotations

import bisect
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts_app.bundles import compact
from contracts_app.services.audit import audit_to_json
from contracts_app.storage import ContractStore, StoredWrite

MAX_KEPT_WRITES = 2000
"""Number of writes that are kept in memory, if they are not too large."""
MAX_KEPT_BYTES = 16 * 1024 * 1024
CACHE_SECONDS = 60
"""Seconds without a reader after which writes are no longer kept; they remain in the stream."""
MAX_EVENTS = 500
MAX_KEPT_PAGES = 50
"""Pages of older events that are kept, of MAX_EVENTS each, without contents: about 300 KB for a page."""
_TYPES = {
    "publish": "contract.published",
    "publish-override": "contract.published",
    "activate": "contract.activated",
    "deprecate": "contract.deprecated",
    "withdraw": "contract.withdrawn",
    "withdraw-override": "contract.withdrawn",
    "set-policy": "policy.set",
    "delete-policy": "policy.deleted",
}


@dataclass(frozen=True)
class Event:
    sequence: int
    body: bytes
    """The CloudEvent as compact JSON."""
    contract: str | None = None
    """The name of the contract that it is about; None for policies of more than one contract."""


def event_of(written: StoredWrite) -> Event:
    """Return a write as an event. The actor is only in the audit log."""
    entry = audit_to_json(written)
    hidden = ("sequence", "time", "action", "actor", "requestId", "key")
    subject = f"{entry['contract']}/{entry['version']}" if "contract" in entry else written.key
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(written.sequence),
        "source": "/registry",
        "type": _TYPES.get(entry["action"], "record.written"),
        "subject": subject,
        "time": written.time,
        "datacontenttype": "application/json",
        "data": {key: value for key, value in entry.items() if key not in hidden and value is not None},
    }
    return Event(written.sequence, compact(event), entry.get("contract"))


def events_after(store: ContractStore, after: int) -> list[Event]:
    """Return the events after a sequence, at most MAX_EVENTS, from the stream."""
    return [event_of(written) for written in store.history(after=after, limit=MAX_EVENTS)]


class _Kept(NamedTuple):
    sequence: int
    size: int
    read: Callable[[], StoredWrite]


class EventFeed:
    """The events of one process: recent ones from memory, older ones from the stream."""

    def __init__(self, store: ContractStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._writes: list[_Kept] = []
        self._bytes = 0
        self._made: dict[int, Event] = {}
        self._pages: dict[int, list[Event]] = {}
        self._complete_from: int | None = None
        """Memory has every write after this sequence; None if it has none."""
        self._wake: set[Callable[[], None]] = set()
        self._last_read = -math.inf
        store.watch(self._written, self._loaded)

    def _written(self, sequence: int, size: int, read: Callable[[], StoredWrite]) -> None:
        # Runs on the store's thread for every write, so events are built later, when they are read.
        with self._lock:
            if self._complete_from is None or sequence <= self.last:
                return
            if not self._wake and time.monotonic() > self._last_read + CACHE_SECONDS:
                if self._writes:
                    self._drop(len(self._writes))
                self._complete_from = sequence
                return
            self._writes.append(_Kept(sequence, size, read))
            self._bytes += size
            if len(self._writes) > MAX_KEPT_WRITES or self._bytes > MAX_KEPT_BYTES:
                self._drop(max(1, len(self._writes) // 10))
            wake = list(self._wake)
        for each in wake:
            each()

    def _drop(self, number: int) -> None:
        dropped, self._writes = self._writes[:number], self._writes[number:]
        self._complete_from = dropped[-1].sequence
        self._bytes -= sum(written.size for written in dropped)
        for written in dropped:
            self._made.pop(written.sequence, None)

    def _loaded(self, sequence: int) -> None:
        """The replica was loaded anew: the writes up to `sequence` were not seen as messages."""
        with self._lock:
            self._writes, self._bytes, self._made, self._complete_from = [], 0, {}, sequence
            wake = list(self._wake)
        for each in wake:
            each()

    @property
    def last(self) -> int:
        """The last known sequence."""
        return self._writes[-1].sequence if self._writes else self._complete_from or 0

    def recent(self, after: int) -> list[Event] | None:
        """Return the events after a sequence, at most MAX_EVENTS; None if memory does not reach back so far."""
        with self._lock:
            self._last_read = time.monotonic()
            if self._complete_from is None or after < self._complete_from:
                return None
            start = bisect.bisect_right(self._writes, after, key=lambda written: written.sequence)
            found = self._writes[start : start + MAX_EVENTS]
            for written in found:
                if written.sequence not in self._made:
                    self._made[written.sequence] = event_of(written.read())
            return [self._made[written.sequence] for written in found]

    def older(self, after: int) -> list[Event]:
        """Return at most MAX_EVENTS events after a sequence, from the stream. Blocks. Raises StorageUnavailable.

        The stream holds whole contents, so full pages are kept: every client that begins at 0 asks for the same ones.
        """
        with self._lock:
            if (known := self._pages.get(after)) is not None:
                return known
        events = events_after(self._store, after)
        if len(events) == MAX_EVENTS:
            with self._lock:
                while len(self._pages) >= MAX_KEPT_PAGES:
                    del self._pages[next(iter(self._pages))]
                self._pages[after] = events
        return events

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called, from any thread, for each new write; return a function that ends the subscription."""
        with self._lock:
            self._wake.add(wake)

        def unsubscribe() -> None:
            with self._lock:
                self._wake.discard(wake)

        return unsubscribe
