"""The interface of a contract store. Every implementation passes the same tests (tests/storage)."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.core.checks import CheckMessage

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import UnreadableRecord
from contracts_app.records import read_record
from contracts_app.storage.index import ContractIndex, Entry
from contracts_app.storage.replica import Replica, ReplicaStatus, Watcher
from contracts_app.storage.writes import AuditEntry, StoredWrite
from linter_app.semver import Version


@dataclass(frozen=True)
class Listing:
    """All bundles in order of name and version, and the unreadable records."""

    bundles: tuple[ContractBundle, ...]
    faults: tuple[UnreadableRecord, ...] = ()


@dataclass(frozen=True)
class ServerPeer:
    """A follower of the stream's leader."""

    name: str
    current: bool
    lag: int
    """Messages that it has not stored yet."""


@dataclass(frozen=True)
class StoreHealth:
    """The state of the store's server and stream."""

    server: str
    version: str
    url: str
    """Host and port, without any credentials."""
    cluster: str
    leader: str
    peers: tuple[ServerPeer, ...]
    wanted_replicas: int
    stream: str
    messages: int
    bytes: int
    last_sequence: int
    max_payload: int
    """Bytes of the largest message that the server accepts."""
    round_trip: float
    """Seconds."""
    warnings: tuple[str, ...] = ()
    """What may surprise an operator about the stream's settings."""


@dataclass(frozen=True)
class Position:
    """Where the store's history ends. Sequences of another stream mean other writes."""

    stream: str
    last: int


@dataclass(frozen=True)
class MirrorStatus:
    """How far a mirror is behind its origin."""

    of: str
    """The URL of the registry that takes the writes."""
    lag: int = 0
    """Messages of the origin that the mirror does not have yet, as far as it knows."""
    heard: float | None = None
    """When it heard from the origin, by `time.monotonic()`; None if not yet."""

    @property
    def age(self) -> float | None:
        """Seconds by which reads may be out of date; None if that is not known."""
        return max(0.0, time.monotonic() - self.heard) if self.heard is not None else None

    def to_json(self) -> dict[str, Any]:
        age = self.age
        return {"of": self.of, "lag": self.lag, "ageSeconds": round(age, 1) if age is not None else None}


class StreamMessage(NamedTuple):
    """One message of a stream of the same account. `pending` is how many follow it."""

    sequence: int
    subject: str
    headers: dict[str, str]
    data: bytes
    pending: int = 0


ExpiringKind = Literal["usage", "dead-letters", "reads"]
"""Who uses which contracts, by client; what a webhook could not deliver; how often versions are read, by process."""


class ContractStore(ABC):
    """A store of bundles. Its methods raise StorageUnavailable if it cannot be reached in time."""

    # Reading

    @abstractmethod
    def get(self, name: str, version: str) -> ContractBundle:
        """Return one bundle. Raises ContractNotFound, UnreadableRecord."""

    def content(self, entry: Entry, index: ContractIndex) -> ContractBundle:
        """Return the whole version of an index entry, from memory or from the store. Raises the errors of `get`."""
        return index.bundle(entry) or self.get(entry.name, entry.version)

    @abstractmethod
    def list_all(self) -> Listing:
        """Return every bundle with its content, read from the store."""

    @abstractmethod
    def index(self, name: str | None = None, *, fresh: bool = False) -> ContractIndex:
        """Return an index of every contract, or at least of every version of `name`.

        It contains everything that any process has shown or written before this call. With `fresh` it is read from the
        store itself. Contents of a whole index may have been evicted (`ContractIndex.bundle`).
        """

    def document(self, key: str) -> tuple[int, bytes | None]:
        """Return the sequence and the value of one key that is not a contract's; 0 and None if it was never written.

        As current as `index`.
        """
        return self.index().documents.get(key, (0, None))

    @abstractmethod
    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[StoredWrite]:
        """Return the writes after a sequence, at most `limit`, of all keys or of those of one name."""

    @abstractmethod
    def position(self) -> Position:
        """Return where the history ends, with everything that any process has shown or written before this call."""

    def written_at(self, sequence: int) -> str | None:
        """Return when a write happened, in RFC 3339 form; None if it is not kept."""
        return next(
            (each.time for each in self.history(after=sequence - 1, limit=1) if each.sequence == sequence), None
        )

    # Writing

    @abstractmethod
    def create(self, bundle: ContractBundle, *, after: int, audit: AuditEntry) -> int:
        """Write a version if no version of its name was written since `after`, a `ContractIndex.revision`.

        Returns the new revision. Raises VersionSetChanged, ContractTooLarge.
        """

    @abstractmethod
    def put_document(
        self, key: str, value: bytes | None, *, after: int, audit: AuditEntry, family: str | None = None
    ) -> int:
        """Write or delete a key that is not a contract's, if its last sequence is still `after`.

        With a `family` such as `binding`, `after` is the last sequence of all keys that begin with `binding.`
        (`ContractIndex.last_of_family`), so that what must hold among them does. Raises VersionSetChanged.
        """

    # The process

    @property
    def replica(self) -> Replica | None:
        """The replica of this process, started at first use; None if the store is read directly."""
        return None

    @property
    def mirror(self) -> MirrorStatus | None:
        """How far this store is behind, if it is a read-only mirror of another registry's."""
        return None

    def enable_replica(self, report: Callable[[ReplicaStatus], None] | None = None) -> None:  # noqa: B027  optional
        """Keep a replica in this process's memory from the next use on, and read from it.

        `report` is called with its status several times a second.
        """

    def watch(self, written: Watcher, loaded: Callable[[int, str], None]) -> None:
        """Call `written` for each write once the replica has it, in order, and `loaded` with the sequence and stream of
        a load.

        Both are called on the store's own thread, also in processes that are forked later.
        """
        raise NotImplementedError

    def preload_replica(self, *, seconds: float) -> bool:
        """Load the replica in a process that is about to fork, so that its children share the memory.

        Return whether it was loaded within the given seconds; otherwise each child loads its own.
        """
        return False

    def use_event_loop(self, loop: asyncio.AbstractEventLoop) -> None:  # noqa: B027  optional
        """Do all asynchronous work on this loop, which a server runs. Called before the first use of the store.

        From then on, blocking methods must not be called on that loop: they wait for it, and belong in threads.
        """

    def health(self) -> StoreHealth | None:
        """Return the current state of the store, or None if it has no server."""
        return None

    def stream_messages(
        self, stream: str, subject: str, *, since: datetime | None = None, last: int | None = None
    ) -> tuple[int, Iterator[list[StreamMessage]]]:
        """Return how many messages of a stream are on some subjects, and those messages in batches.

        Neither the stream nor its other consumers change. Raises ContractNotFound, ContractRefused.
        """
        raise NotImplementedError("this store has no streams of messages")

    def put_expiring(self, kind: ExpiringKind, key: str, record: bytes | None) -> None:
        """Replace a record that is no part of the history, or delete it; it expires some time after its last write."""
        raise NotImplementedError("this store keeps no such records")

    def expiring(self, kind: ExpiringKind) -> list[bytes]:
        """Return every record of a kind, in any order."""
        return []

    def put_upload(self, name: str, data: bytes | None) -> None:
        """Keep a part of a push for some time, where every process of the service finds it, or delete it."""
        raise NotImplementedError("this store keeps no uploads")

    def get_upload(self, name: str) -> bytes | None:
        """Return a part of a push, or None if it is not kept any more."""
        return None

    def set_up(self) -> str:
        """Create what the store needs on its server, where it is missing, and return a description of it."""
        return "nothing: it needs no server"

    def snapshot(self, write: Callable[[bytes], object]) -> dict[str, Any]:
        """Pass a snapshot of everything to `write`, in chunks; return its description, which `restore` needs."""
        raise NotImplementedError("this store has no snapshots")

    def restore(self, description: dict[str, Any], chunks: Iterable[bytes], *, until: str | None) -> dict[str, Any]:
        """Make the store anew from a snapshot, up to a time if one is given; return its state.

        Raises ContractConflict if there is anything already.
        """
        raise NotImplementedError("this store has no snapshots")

    def check(self) -> list[CheckMessage]:
        """Return the messages of `manage.py check` about the configuration."""
        return []

    def check_server(self) -> list[CheckMessage]:
        """Return what `manage.py check --deploy` says about the store's server, after a request to it."""
        return []

    def close(self) -> None:  # noqa: B027  optional
        """Release connections."""


def read_listing(records: Iterable[tuple[str, bytes | None]]) -> Listing:
    """Return the listing of records in stable order; an unreadable record is reported, never dropped."""
    bundles: list[ContractBundle] = []
    faults: list[UnreadableRecord] = []
    for key, data in records:
        try:
            bundles.append(read_record(key, data))
        except UnreadableRecord as fault:
            faults.append(fault)
    bundles.sort(key=lambda bundle: (bundle.name, Version.parse(bundle.version)))
    return Listing(tuple(bundles), tuple(sorted(faults, key=str)))
