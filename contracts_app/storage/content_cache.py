"""A cache of contents, bounded by their size."""

from __future__ import annotations

import threading
from collections import OrderedDict


class ContentCache:
    """Stored bytes by key; the least recently used are evicted beyond a number of bytes.

    A content is kept with the sequence that wrote it, so that a late `put` of an older one is ignored.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._lock = threading.Lock()
        self._contents: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def get(self, key: str, sequence: int) -> bytes | None:
        """Return the content of `key` that was written at `sequence`."""
        found = self._contents.get(key)
        if found is None or found[0] != sequence:
            return None
        if self.bytes > self.limit // 2:  # far from full, the order of use does not matter
            with self._lock:
                if key in self._contents:
                    self._contents.move_to_end(key)
        return found[1]

    def put(self, key: str, sequence: int, content: bytes) -> None:
        # One content may not evict all the others.
        if len(content) > self.limit // 8:
            return
        with self._lock:
            before = self._contents.pop(key, None)
            if before is not None and before[0] > sequence:
                self._contents[key] = before
                return
            self.bytes += len(content) - (len(before[1]) if before else 0)
            self._contents[key] = (sequence, content)
            while self.bytes > self.limit:
                self.bytes -= len(self._contents.popitem(last=False)[1][1])

    def pop(self, key: str) -> None:
        with self._lock:
            before = self._contents.pop(key, None)
            if before is not None:
                self.bytes -= len(before[1])
