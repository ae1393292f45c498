"""Contents in memory, bounded by their size."""

from __future__ import annotations

import threading
from collections import OrderedDict


class Bodies:
    """Stored bytes by key, the least recently used dropped beyond a number of bytes.

    A body is kept with the sequence that wrote it, so that a late `put` of an older one is seen for what it is.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def get(self, key: str, sequence: int) -> bytes | None:
        """The body of `key` as it was written at `sequence`."""
        found = self._kept.get(key)
        if found is None or found[0] != sequence:
            return None
        if self.bytes > self.limit // 2:  # far from full, the order of use does not matter
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
        return found[1]

    def put(self, key: str, sequence: int, body: bytes) -> None:
        # One body may not push out all the others.
        if len(body) > self.limit // 8:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None and before[0] > sequence:
                self._kept[key] = before
                return
            self.bytes += len(body) - (len(before[1]) if before else 0)
            self._kept[key] = (sequence, body)
            while self.bytes > self.limit:
                self.bytes -= len(self._kept.popitem(last=False)[1][1])

    def pop(self, key: str) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self.bytes -= len(before[1])
