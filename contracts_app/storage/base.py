"""What a contract storage does. Every backend passes the same behaviour suite."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.core.checks import CheckMessage

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import UnreadableRecord
from contracts_app.records import read_record
from contracts_app.storage.index import ContractIndex, Entry, Prepared
from linter_app.semver import Version


@dataclass(frozen=True)
class Actor:
    """Who writes, and in which request; kept with the record as its audit entry."""

    subject: str
    request_id: str = ""


@dataclass(frozen=True)
class Deed:
    """What is done, by whom and why; kept with the record as its audit entry."""

    actor: Actor
    action: str = "publish"
    before: str = ""
    """The state before, empty where there was none."""
    reason: str = ""


@dataclass(frozen=True)
class Written:
    """One write of the bucket's history."""

    sequence: int
    time: str
    """RFC 3339 in UTC, of the server's clock."""
    key: str
    value: bytes | None
    """None where the key was deleted."""
    deed: Deed


Watcher = Callable[[int, int, Callable[[], Written]], None]
"""Is told of a write: its sequence, the bytes of its value, and what reads it when it is asked for."""


@dataclass(frozen=True)
class Listing:
    """All bundles in order of name and version, and the records that could not be read."""

    bundles: tuple[ContractBundle, ...]
    faults: tuple[UnreadableRecord, ...] = ()


@dataclass(frozen=True)
class CopyStatus:
    """How well the copy keeps up; for /readyz and the metrics."""

    current: bool
    sequence: int
    behind: int
    """Messages that others of this machine know of and this process has not applied."""
    silence: float
    """Seconds since the server last proved that nothing is missing."""
    contracts: int
    versions: int
    body_bytes: int
    resyncs: int
    reason: str
    """Why it is not current; empty when it is."""


@dataclass(frozen=True)
class StoreReplica:
    name: str
    current: bool
    lag: int
    """Messages that it has not taken yet."""


@dataclass(frozen=True)
class StoreHealth:
    """What the store says of itself."""

    server: str
    version: str
    url: str
    """Host and port, without any credentials."""
    cluster: str
    leader: str
    replicas: tuple[StoreReplica, ...]
    """The leader's followers."""
    wanted_replicas: int
    stream: str
    messages: int
    bytes: int
    last_sequence: int
    largest_record: int
    """Bytes that the server accepts at once."""
    round_trip: float
    """Seconds."""


class ContractStorage(ABC):
    """A place for bundles. Calls raise StorageUnavailable when the place cannot be reached in time."""

    @abstractmethod
    def get(self, name: str, version: str) -> ContractBundle:
        """One bundle. Raises ContractNotFound, UnreadableRecord."""

    def content(self, entry: Entry, index: ContractIndex) -> ContractBundle:
        """The whole version of an index's entry, from memory or else from the store. Raises as `get`."""
        return index.bundle(entry) or self.get(entry.name, entry.version)

    @abstractmethod
    def list_all(self) -> Listing:
        """Every bundle with its content, read from the store itself."""

    @abstractmethod
    def index(self, name: str | None = None, *, fresh: bool = False, newest: bool = True) -> ContractIndex:
        """An index of every contract, or at least of every version of `name`.

        It holds whatever any process has shown or written. With `fresh` it is read from the store itself;
        without `newest` a copy may be handed out that is `behind`. Contents of a whole index may have been
        dropped (`ContractIndex.bundle`).
        """

    async def arrive(self) -> bool:
        """Wait a moment for the copy to hold all that was written before this call, by any machine; whether it does.

        For who is on an event loop.
        """
        return False

    def peek(self, name: str, version: str, *, arrived: bool = False) -> Prepared | None:
        """The ready answer for one version where memory has it and is certainly current, without waiting.

        `arrived`: the caller has just awaited `arrive`.
        """
        return None

    def peek_listing(self, *, arrived: bool = False) -> Prepared | None:
        """The seed's full list where it is ready and certainly current, without waiting."""
        return None

    def behind(self) -> bool:
        """Whether a copy is kept and is only waiting for messages that are on their way."""
        return False

    def follow(self, report: Callable[[CopyStatus], None] | None = None) -> None:  # noqa: B027  a backend whose memory is the store has nothing to follow
        """From the next use on, keep a copy in this process's memory and answer from it.

        `report` is told several times a second how well it keeps up.
        """

    def preload(self, *, seconds: float) -> bool:
        """Load the copy in a process that is about to fork: its children go on from there, in memory that they share.

        Whether it could be loaded within so many seconds; where not, each child loads for itself.
        """
        return False

    def run_on(self, loop: asyncio.AbstractEventLoop) -> None:  # noqa: B027  a backend without connections needs none
        """Do all that is asynchronous on this loop, which a server runs. Before the first use of the storage.

        On that loop only `peek`, `peek_listing`, `behind` and `acreate` may be called from then on: other calls wait
        for the loop, and belong into threads.
        """

    def watch(self, written: Watcher, loaded: Callable[[int], None]) -> None:
        """Be told each write once the copy has it, in order; and of a copy that was loaded, up to which sequence.

        Called on the storage's own thread. A backend that is never followed tells nothing.
        """
        raise NotImplementedError

    def status(self) -> CopyStatus | None:
        """How well the copy keeps up, or None where there is none."""
        return None

    def health(self) -> StoreHealth | None:
        """How the store itself is, asked now, or None where there is nothing to ask."""
        return None

    @abstractmethod
    def create(self, bundle: ContractBundle, *, after: int, deed: Deed) -> int:
        """Write a version if nothing under its name was written since `after`, a `ContractIndex.revision`.

        Returns the new revision. Raises VersionSetChanged, ContractTooLarge.
        """

    async def acreate(self, bundle: ContractBundle, *, after: int, deed: Deed) -> int:
        """As `create`, awaited on any event loop."""
        return self.create(bundle, after=after, deed=deed)

    @abstractmethod
    def put_document(self, key: str, value: bytes | None, *, after: int, deed: Deed) -> int:
        """Write a key that is no contract, or delete it, if its last sequence is still `after`.

        Raises VersionSetChanged.
        """

    @abstractmethod
    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[Written]:
        """The writes that follow a sequence, at most `limit`, of all keys or of those under one name."""

    def check(self) -> list[CheckMessage]:
        """What `manage.py check` should say about the configuration."""
        return []

    def close(self) -> None:  # noqa: B027  a backend without connections has nothing to release
        """Release connections."""


def read_listing(records: Iterable[tuple[str, bytes | None]]) -> Listing:
    """Read records into a listing in stable order; an unreadable one is reported, never dropped."""
    bundles: list[ContractBundle] = []
    faults: list[UnreadableRecord] = []
    for key, data in records:
        try:
            bundles.append(read_record(key, data))
        except UnreadableRecord as fault:
            faults.append(fault)
    bundles.sort(key=lambda bundle: (bundle.name, Version.parse(bundle.version)))
    return Listing(tuple(bundles), tuple(sorted(faults, key=str)))
