"""A queue for a limited number of slots, in which callers take turns."""

from __future__ import annotations

import threading
from collections import Counter, deque
from concurrent.futures import Future


class QueueFull(Exception):
    """So many wait already that this one would wait for too long."""


class FairQueue:
    """Slots for callers. One caller has at most `per_caller` of them, and those that wait are served in rotation."""

    def __init__(self, slots: int, *, per_caller: int, max_waiting: int) -> None:
        self._free = slots
        self._per_caller = per_caller
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Future[None]]] = {}
        self._waiting_count = 0

    def enter(self, caller: str) -> Future[None]:
        """Return a future that is done when the caller has a slot. Raises QueueFull.

        Each future must be passed to `leave`, whether it is done or not.
        """
        ticket: Future[None] = Future()
        with self._lock:
            if self._free and self._running[caller] < self._per_caller:
                self._grant(caller, ticket)
            elif self._waiting_count >= self._max_waiting:
                raise QueueFull
            else:
                self._waiting.setdefault(caller, deque()).append(ticket)
                self._waiting_count += 1
        return ticket

    def leave(self, caller: str, ticket: Future[None]) -> None:
        """Return a slot, or leave the queue."""
        with self._lock:
            if ticket.cancel():  # it was still waiting
                waiting = self._waiting.get(caller, deque())
                if ticket in waiting:
                    waiting.remove(ticket)
                    self._waiting_count -= 1
                if not waiting:
                    self._waiting.pop(caller, None)
                return
            self._free += 1
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]
            self._grant_next()

    def _grant_next(self) -> None:
        for caller in list(self._waiting):
            if not self._free:
                return
            if self._running[caller] >= self._per_caller:
                continue
            tickets = self._waiting.pop(caller)
            granted = False
            while tickets and not granted:
                granted = self._grant(caller, tickets.popleft())
                self._waiting_count -= 1
            if tickets:
                self._waiting[caller] = tickets  # behind the other callers

    def _grant(self, caller: str, ticket: Future[None]) -> bool:
        """Give a slot to a ticket; return False if it was cancelled meanwhile."""
        if not ticket.set_running_or_notify_cancel():
            return False
        self._free -= 1
        self._running[caller] += 1
        ticket.set_result(None)
        return True
