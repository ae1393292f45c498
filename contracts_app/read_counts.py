"""How often each version is read, as this process counts it. services/reads.py adds the processes up."""

from __future__ import annotations

import time

MAX_VERSIONS = 10_000
"""Versions that a process counts; beyond that, those that were read longest ago are forgotten."""


class ReadCounts:
    """Reads of contents by name and version: their number, and when the last one was."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[float]] = {}

    def add(self, name: str, version: str) -> None:
        """Count one read. It is on the path of every read: two lookups, no lock, and a lost count is no harm."""
        found = self._counts.get((name, version))
        if found is None:
            self._counts[name, version] = [1, time.time()]
        else:
            found[0] += 1
            found[1] = time.time()

    def snapshot(self, *, since: float) -> dict[tuple[str, str], tuple[int, float]]:
        """Return the counts of what was read since a time, the last reads first; forget the others."""
        found = sorted(self._counts.copy().items(), key=lambda item: -item[1][1])
        kept = [(key, value) for key, value in found[:MAX_VERSIONS] if value[1] >= since]
        for key, _ in found[len(kept) :]:
            self._counts.pop(key, None)
        return {key: (int(count), last) for key, (count, last) in kept}


read_counts = ReadCounts()
"""Those of this process."""
