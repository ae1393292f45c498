"""A number that the processes of one machine share: the last sequence that any of them has shown or written."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import tempfile
import weakref
from pathlib import Path


class HighWaterMark:
    """Read in 50 ns, and raised before the write is shown; a process whose replica is below it is behind.

    One file of eight bytes for each `identity` (the store, the bucket, and when it was created), in a folder of this
    user alone.
    """

    def __init__(self, identity: str) -> None:
        folder = Path(tempfile.gettempdir()) / f"contract-registry-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        path = folder / hashlib.sha256(identity.encode()).hexdigest()[:32]
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, mmap.PAGESIZE)
        self._memory = mmap.mmap(self._file, mmap.PAGESIZE)
        self._cell = memoryview(self._memory).cast("Q")

    @property
    def value(self) -> int:
        return self._cell[0]

    def raise_to(self, sequence: int) -> None:
        if self._cell[0] < sequence:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self._cell[0] = max(self._cell[0], sequence)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def lower(self, expected: int, sequence: int) -> None:
        """Set it to `sequence` if it still is `expected`: the stream itself has lost what was counted."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if self._cell[0] == expected:
                self._cell[0] = sequence
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
