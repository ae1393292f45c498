"""Changes as CloudEvents (1.0), in the order of the stream and without a gap.

A client resumes with the id of the last event that it has. The id names the stream, the event's sequence in it and its
time, so that a client notices if the bucket was replaced, or restored from an older state.
"""

from __future__ import annotations

import bisect
import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts_app.bundles import compact
from contracts_app.exceptions import EventsGone
from contracts_app.services.audit import audit_to_json
from contracts_app.storage import ContractStore, StoredWrite
from contracts_app.timestamps import milliseconds

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
    "remove": "contract.removed",
    "propose": "proposal.opened",
    "approve": "proposal.approved",
    "reject": "proposal.rejected",
    "withdraw-proposal": "proposal.withdrawn",
    "close-proposal": "proposal.closed",
    "reopen-proposal": "proposal.reopened",
    "sign": "contract.signed",
    "set-signer": "signer.set",
    "delete-signer": "signer.deleted",
    "set-policy": "policy.set",
    "delete-policy": "policy.deleted",
    "set-binding": "binding.set",
    "delete-binding": "binding.deleted",
    "set-webhook": "webhook.set",
    "delete-webhook": "webhook.deleted",
}


_ID = re.compile("(?:([0-9a-z]{1,16})-)?([0-9]{1,18})(?:-([0-9]{1,15}))?")
_CLOCK_MILLISECONDS = 2
"""By how much two forms of one time may differ."""


@dataclass(frozen=True)
class EventId:
    """The id of an event: `<stream>-<sequence>-<milliseconds since 1970>`. The last part, or all but the sequence, may
    be missing in what a client gives.
    """

    sequence: int
    stream: str = ""
    written: int = 0

    @classmethod
    def parse(cls, text: str) -> EventId | None:
        """Return the id, or None if the text is not one."""
        found = _ID.fullmatch(text) if text.isascii() else None
        if found is None or (found[3] and not found[1]):
            return None
        return cls(int(found[2]), found[1] or "", int(found[3] or 0))

    def __str__(self) -> str:
        parts = (self.stream, str(self.sequence), str(self.written or ""))
        return "-".join(part for part in parts if part)


def check_resumption(store: ContractStore, since: EventId) -> str:
    """Return the name of the stream if it goes on where a client stopped. Raises EventsGone, StorageUnavailable."""
    position = store.position()
    reason = ""
    if since.stream and since.stream != position.stream:
        reason = f"the stream of events is {position.stream} now, not {since.stream}: the bucket was made anew"
    elif since.sequence > position.last:
        reason = f"the stream of events ends at {position.last}: the bucket was made anew, or restored"
    elif since.written:
        written = store.written_at(since.sequence)
        if written is not None and abs(milliseconds(written) - since.written) > _CLOCK_MILLISECONDS:
            reason = f"event {since.sequence} is another one now: the bucket was restored from an older state"
    if reason:
        begin = str(EventId(0, position.stream))
        raise EventsGone(
            f"What follows {since} is not known: {reason}. Read the contracts again; begin with since={begin} for all "
            f"events that are stored, or with since={position.stream}-{position.last} for new ones",
            stream=position.stream,
            last=position.last,
            beginWith=begin,
        )
    return position.stream


@dataclass(frozen=True)
class Event:
    id: EventId
    type: str
    body: bytes
    """The CloudEvent as compact JSON."""
    contract: str | None = None
    """The name of the contract that it is about; None for policies of more than one contract."""

    @property
    def sequence(self) -> int:
        return self.id.sequence


def event_of(written: StoredWrite, stream: str) -> Event:
    """Return a write as an event. The actor is only in the audit log."""
    entry = audit_to_json(written)
    hidden = ["sequence", "time", "action", "actor", "requestId", "key"]
    if written.key.startswith("webhook."):
        hidden += ["before", "after"]  # addresses of webhooks are for administrators
    subject = f"{entry['contract']}/{entry['version']}" if "contract" in entry else written.key
    identity = EventId(written.sequence, stream, milliseconds(written.time))
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(identity),
        "source": "/registry",
        "type": _TYPES.get(entry["action"], "record.written"),
        "subject": subject,
        "time": written.time,
        "datacontenttype": "application/json",
        "data": {key: value for key, value in entry.items() if key not in hidden and value is not None},
    }
    return Event(identity, event["type"], compact(event), entry.get("contract"))


def events_after(store: ContractStore, after: int, stream: str) -> list[Event]:
    """Return the events after a sequence, at most MAX_EVENTS, from the stream, whose name is `stream`."""
    return [event_of(written, stream) for written in store.history(after=after, limit=MAX_EVENTS)]


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
        self.stream = ""
        self.loads = 0
        """How often the replica was loaded: between two loads, events may be missing."""
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

    def _loaded(self, sequence: int, stream: str) -> None:
        """The replica was loaded anew: the writes up to `sequence` were not seen as messages."""
        with self._lock:
            self._writes, self._bytes, self._made, self._complete_from = [], 0, {}, sequence
            self._pages = {}
            self.stream = stream
            self.loads += 1
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
                    self._made[written.sequence] = event_of(written.read(), self.stream)
            return [self._made[written.sequence] for written in found]

    def older(self, after: int) -> list[Event]:
        """Return at most MAX_EVENTS events after a sequence, from the stream. Blocks. Raises StorageUnavailable.

        The stream holds whole contents, so full pages are kept: every client that begins at 0 asks for the same ones.
        """
        with self._lock:
            if (known := self._pages.get(after)) is not None:
                return known
            stream, loads = self.stream, self.loads
        events = events_after(self._store, after, stream)
        with self._lock:
            if len(events) == MAX_EVENTS and loads == self.loads:
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
