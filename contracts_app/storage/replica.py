"""The interface of a replica: a copy of the store in a process's memory, and how current it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.storage.index import ContractIndex, Representation
from contracts_app.storage.writes import StoredWrite

Watcher = Callable[[int, int, Callable[[], StoredWrite]], None]
"""Called for each write: its sequence, the bytes of its value, and a function that returns it."""
Watchers = list[tuple[Watcher, Callable[[int], None]]]
"""Each with the function to call with the sequence of a new load."""


@dataclass(frozen=True)
class ReplicaStatus:
    """How well a replica keeps up; for /readyz and the metrics."""

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
    """Why it is not current; empty when it is."""


class Replica(ABC):
    """A copy of the store in memory. Its index is only read, by any thread."""

    @property
    @abstractmethod
    def index(self) -> ContractIndex:
        """The contracts as far as they are applied."""

    @property
    @abstractmethod
    def is_current(self) -> bool:
        """Whether it has all that any process of this machine has shown or written."""

    @property
    @abstractmethod
    def is_lagging(self) -> bool:
        """Whether it only waits for messages that are on their way."""

    @abstractmethod
    def wait(self) -> bool:
        """Wait a moment for it to have all that was written before this call; return whether it has. For threads."""

    @abstractmethod
    async def wait_until_current(self) -> bool:
        """Do the same as `wait`, for callers on an event loop."""

    @abstractmethod
    def status(self) -> ReplicaStatus:
        """Return how well it keeps up."""

    def cached_version(self, name: str, version: str) -> Representation | None:
        """Return the response to a read of one version, where its content is in memory."""
        return self.index.representation(name, version)

    def cached_list(self) -> Representation | None:
        """Return the response to a read of the full list, where it is in memory."""
        return self.index.cached_listing()
