"""The interface of a replica: a copy of the store in a process's memory that knows whether it is current."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.storage.index import ContractIndex, Representation
from contracts_app.storage.writes import StoredWrite

Watcher = Callable[[int, int, Callable[[], StoredWrite]], None]
"""Called for each write with its sequence, the bytes of its value, and a function that returns the write."""
Watchers = list[tuple[Watcher, Callable[[int, str], None]]]
"""Watchers, each with the function to call with the sequence and the stream of a new load."""


@dataclass(frozen=True)
class ReplicaStatus:
    """How current a replica is; for /readyz and the metrics."""

    current: bool
    sequence: int
    behind: int
    """Messages that other processes of this machine have seen and this one has not applied."""
    silence: float
    """Seconds since the server last proved that nothing is missing."""
    contracts: int
    versions: int
    body_bytes: int
    resyncs: int
    reason: str
    """Why it is not current; empty if it is."""
    refuses_writes: str = ""
    """Why the store does not accept writes, as far as is known; empty if it does."""
    warnings: tuple[str, ...] = ()
    """What may surprise an operator about the store's settings."""


class Replica(ABC):
    """A copy of the store in memory. Its index is read-only, for any thread."""

    @property
    @abstractmethod
    def index(self) -> ContractIndex:
        """The contracts, as far as they are applied."""

    @property
    def stream(self) -> str:
        """A short name of the stream that was loaded: another one for a bucket that was made anew."""
        return ""

    @property
    def stale_seconds(self) -> float | None:
        """Seconds since the index was proven to be current; None if it never was."""
        return 0.0

    @property
    @abstractmethod
    def is_current(self) -> bool:
        """Return whether it has all that any process of this machine has shown or written."""

    @property
    @abstractmethod
    def is_lagging(self) -> bool:
        """Return whether it only waits for messages in flight."""

    @abstractmethod
    def wait(self) -> bool:
        """Wait a moment for all that was written before this call; return whether it has it. For threads."""

    @abstractmethod
    async def wait_until_current(self) -> bool:
        """Like `wait`, for callers on an event loop."""

    @abstractmethod
    def status(self) -> ReplicaStatus:
        """Return how current it is."""

    def cached_version(self, name: str, version: str) -> Representation | None:
        """Return the response to a read of one version, if its content is in memory."""
        return self.index.representation(name, version)

    def cached_list(self) -> Representation | None:
        """Return the response to a read of the full list, if it is in memory."""
        return self.index.cached_listing()
