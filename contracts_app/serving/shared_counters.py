"""Counters that the workers of one machine share."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
from pathlib import Path

_SLOTS, _PROBES = 16_384, 8
_SLOT = struct.Struct("<QII")
"""A key's digest, the number of the window, and the requests in it."""


class SharedCounters:
    """Counters in a file that the workers of one machine map into memory: a fixed size, whatever the callers send.

    Where more keys meet in one place than it has room for, the one with the fewest requests is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        size = _SLOTS * _SLOT.size
        os.ftruncate(self._file, size)
        self._memory = mmap.mmap(self._file, size)

    def add(self, key: str, window: int) -> int:
        """Count one request of a key, and return how many it has in this window."""
        digest = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little") or 1
        first = digest % _SLOTS
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            chosen, fewest = first, None
            for probe in range(_PROBES):
                slot = (first + probe) % _SLOTS
                known, last, count = _SLOT.unpack_from(self._memory, slot * _SLOT.size)
                if known == digest:
                    count = count + 1 if last == window else 1
                    _SLOT.pack_into(self._memory, slot * _SLOT.size, digest, window, min(count, 2**32 - 1))
                    return count
                free = 0 if last != window else count
                if fewest is None or free < fewest:
                    chosen, fewest = slot, free
            _SLOT.pack_into(self._memory, chosen * _SLOT.size, digest, window, 1)
            return 1
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
