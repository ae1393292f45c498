"""Bundles in a NATS JetStream KV bucket: the record, its history and its audit entry in one write."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Info, Warning
from nats.aio.client import Client

from contracts_app.bundles import ContractBundle, key_of
from contracts_app.exceptions import (
    ContractNotFound,
    ReadOnlyMirror,
    StorageUnavailable,
)
from contracts_app.records import read_record
from contracts_app.request_context import stale_reads
from contracts_app.storage.base import (
    ContractStore,
    ExpiringKind,
    Listing,
    MirrorStatus,
    Position,
    StoreHealth,
    StreamMessage,
    read_listing,
)
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.nats import expiring_records, snapshots, uploads
from contracts_app.storage.nats.audit_headers import stored_write
from contracts_app.storage.nats.connection import (
    OUTAGE_ERRORS,
    BucketConnection,
    BucketMissing,
    BucketUnsuitable,
)
from contracts_app.storage.nats.follower import ReplicaSnapshot
from contracts_app.storage.nats.reads import all_last, history, last, last_of_each, written_at
from contracts_app.storage.nats.replica import StreamReplica
from contracts_app.storage.nats.server_health import health
from contracts_app.storage.nats.streams import StreamReader
from contracts_app.storage.nats.writer import RecordWriter
from contracts_app.storage.replica import ReplicaStatus, Watcher, Watchers
from contracts_app.storage.writes import AuditEntry, StoredWrite
from contracts_app.tracing import span

MAX_SNAPSHOT_SECONDS = 6 * 3600


_DOCUMENTS = ("policy.>", "binding.>", "confluent.>", "webhook.>", "signer.>", "proposal.>")
"""The keys that are not of contracts."""


class JetStreamContractStore(ContractStore):
    """See ContractStore. Options:

    servers: NATS URLs, separated by commas. bucket: the KV bucket, created where missing.
    credentials, nkey_seed, user, password: how to log in; tls_ca, tls_cert, tls_key: PEM files.
    replicas, history, direct: of a bucket created here; an existing one is used as it is.
    timeout: seconds that one call may take, waiting for a reconnection included.
    copy_bytes: the most bytes of contents that the replica keeps in memory.
    several_hosts: whether other machines use the same bucket; assumed unless every server is on loopback.
    create: whether the bucket is created where it is missing and was never seen.
    known_folder: where to remember which bucket was seen; by default only the process remembers it.
    mirror_of: the URL of the registry whose bucket this one mirrors; writes are refused, and name it.
    mirror_domain: the JetStream domain of that bucket, for a mirror that is created here.
    """

    def __init__(
        self,
        *,
        servers: str = "nats://127.0.0.1:4222",
        bucket: str = "contracts",
        credentials: str = "",
        nkey_seed: str = "",
        user: str = "",
        password: str = "",
        tls_ca: str = "",
        tls_cert: str = "",
        tls_key: str = "",
        replicas: int = 1,
        history: int = 64,
        direct: bool = True,
        timeout: float = 5.0,
        copy_bytes: int = 256 * 1024 * 1024,
        several_hosts: bool | None = None,
        create: bool = True,
        known_folder: str = "",
        mirror_of: str = "",
        mirror_domain: str = "",
    ) -> None:
        self.bucket = bucket
        self._connection = BucketConnection(
            servers=[server.strip() for server in servers.split(",") if server.strip()],
            bucket=bucket,
            login={"user_credentials": credentials, "nkeys_seed_str": nkey_seed, "user": user, "password": password},
            tls=(tls_ca, tls_cert, tls_key),
            config={"num_replicas": replicas, "max_msgs_per_subject": history, "allow_direct": direct},
            timeout=timeout,
            create=create,
            known_folder=known_folder,
            mirror=MirrorStatus(mirror_of) if mirror_of else None,
            mirror_domain=mirror_domain,
        )
        self._writer = RecordWriter(self._connection, lambda: self._replica)
        self._copy_bytes = copy_bytes
        self._several_hosts = not self._all_on_loopback() if several_hosts is None else several_hosts
        self._has_replica = False
        self._report: Callable[[ReplicaStatus], None] = lambda status: None
        self._watchers: Watchers = []
        self._replica: StreamReplica | None = None
        self._starting = threading.Lock()
        self._inherited: ReplicaSnapshot | None = None
        os.register_at_fork(after_in_child=self._reset)

    def __str__(self) -> str:
        hosts = ", ".join(url.rpartition("//")[2].rpartition("@")[2] for url in self._connection.servers)
        return f"the bucket {self.bucket} at {hosts}"

    def _reset(self) -> None:
        # Threads do not survive a fork: a child's replica begins anew at its first read.
        self._replica = None
        self._starting = threading.Lock()

    def _all_on_loopback(self) -> bool:
        hosts = [urlsplit(url if "//" in url else f"//{url}").hostname for url in self._connection.servers]
        return all(host in ("localhost", "127.0.0.1", "::1") for host in hosts)

    # The process

    @property
    def replica(self) -> StreamReplica | None:
        if self._replica is None and self._has_replica:
            with self._starting:
                if self._replica is None:
                    replica = StreamReplica(
                        self._connection,
                        max_bytes=self._copy_bytes,
                        start=self._inherited,
                        fenced=self._several_hosts,
                        report=self._report,
                        watchers=self._watchers,
                    )
                    self._inherited = None  # it may be superseded, and would stay in memory
                    replica.start()
                    self._replica = replica
        return self._replica

    @property
    def mirror(self) -> MirrorStatus | None:
        return self._connection.mirror

    def _refuse_in_mirror(self) -> None:
        if (mirror := self.mirror) is not None:
            raise ReadOnlyMirror(
                f"This registry is a read-only mirror; write to {mirror.of}, and it follows", writeTo=mirror.of
            )

    def enable_replica(self, report: Callable[[ReplicaStatus], None] | None = None) -> None:
        self._has_replica = True
        self._report = report or self._report

    def watch(self, written: Watcher, loaded: Callable[[int, str], None]) -> None:
        self._watchers.append((written, loaded))
        if self._replica is not None:
            self._replica.reload_watchers()

    def preload_replica(self, *, seconds: float) -> bool:
        replica = self.replica
        if replica is None:
            return False
        self._inherited = replica.snapshot(time.monotonic() + seconds)
        self.close()
        return self._inherited is not None

    def use_event_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._connection.thread.use(loop)

    def health(self) -> StoreHealth:
        return self._connection.run(lambda js: health(self._connection, js))

    def check(self) -> list[CheckMessage]:
        problems: list[CheckMessage] = []
        if not self._connection.servers:
            problems.append(Error("NATS_URL names no server.", id="contracts.E001"))
        if not self.bucket or not all(c.isascii() and (c.isalnum() or c in "-_") for c in self.bucket):
            problems.append(
                Error(
                    f"REGISTRY_KV_BUCKET={self.bucket!r} is not a bucket name.",
                    hint="Use A-Z a-z 0-9 _ and - only.",
                    id="contracts.E002",
                )
            )
        if self._connection.mirror_domain and self.mirror is None:
            hint = "Set it to the URL of the registry that takes the writes."
            problems.append(Error("REGISTRY_MIRROR_DOMAIN needs REGISTRY_MIRROR_OF.", hint=hint, id="contracts.E009"))
        return problems

    def check_server(self) -> list[CheckMessage]:
        try:
            self._connection.run(lambda js: self._connection.state())
        except BucketUnsuitable as error:
            return [Error(error.message, id="contracts.E005")]
        except StorageUnavailable as error:
            return [Info(f"The bucket was not checked. {error.message}", id="contracts.I001")]
        return [Warning(warning, id="contracts.W002") for warning in self._connection.warnings]

    def set_up(self) -> str:
        connection = self._connection
        connection.may_create = True
        while True:
            connection.known.forget()
            connection.forget_stream()
            try:
                state = connection.run(lambda js: connection.state())
                break
            except BucketMissing:  # found by the replica of this process, just before
                time.sleep(0.1)
        content = f"{state.messages} messages" if state.messages else "empty"
        return f"the bucket {self.bucket}, created at {state.created}, replicas: {state.replicas}, {content}"

    def snapshot(self, write: Callable[[bytes], object]) -> dict[str, Any]:
        connection = self._connection
        connection.run(lambda js: connection.state())
        return self._once(snapshots.take(connection.client, connection.stream, write))

    def restore(self, description: dict[str, Any], chunks: Iterable[bytes], *, until: str | None) -> dict[str, Any]:
        self._refuse_in_mirror()
        replicas = self._connection.wanted_replicas
        return self._once(snapshots.restore(self._connection, description, chunks, until=until, replicas=replicas))

    def _once(self, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """Run work that must not be repeated, and that takes its time."""
        try:
            return self._connection.thread.run(work, MAX_SNAPSHOT_SECONDS)
        except OUTAGE_ERRORS as error:
            raise self._connection.unavailable(error) from error

    def position(self) -> Position:
        replica, connection = self.replica, self._connection
        if replica is not None and replica.wait():
            return Position(replica.stream, replica.index.sequence)
        state = connection.run(lambda js: connection.state())
        return Position(state.identity, state.last)

    def written_at(self, sequence: int) -> str | None:
        return self._connection.run(lambda js: written_at(self._connection, sequence))

    def put_expiring(self, kind: ExpiringKind, key: str, record: bytes | None) -> None:
        self._refuse_in_mirror()
        connection = self._connection
        if record is None:
            connection.run(lambda js: expiring_records.delete(connection, js, kind, key))
        else:
            connection.run(lambda js: expiring_records.put(connection, js, kind, key, record))

    def put_upload(self, name: str, data: bytes | None) -> None:
        self._refuse_in_mirror()
        connection = self._connection
        if data is None:
            connection.run(lambda js: uploads.delete(connection, js, name))
        else:
            connection.run(lambda js: uploads.put(connection, js, name, data))

    def get_upload(self, name: str) -> bytes | None:
        return self._connection.run(lambda js: uploads.get(self._connection, js, name))

    def expiring(self, kind: ExpiringKind) -> list[bytes]:
        return self._connection.run(lambda js: expiring_records.read_all(self._connection, js, kind))

    async def new_client(self) -> Client:
        """Return another client of the same servers with the same login, connected on the running event loop."""
        return await self._connection.new_client()

    def stream_messages(
        self, stream: str, subject: str, *, since: datetime | None = None, last: int | None = None
    ) -> tuple[int, Iterator[list[StreamMessage]]]:
        reader = StreamReader(self._connection, stream, subject)
        reader.open(since=since)
        skipped = max(0, reader.pending - last) if last is not None else 0

        def batches() -> Iterator[list[StreamMessage]]:
            left = skipped
            try:
                for batch in reader.batches():
                    passed, left = batch[left:], max(0, left - len(batch))
                    if passed:
                        yield passed
            finally:
                reader.close()

        return reader.pending - skipped, batches()

    def close(self) -> None:
        replica, self._replica = self._replica, None
        if replica is not None:
            replica.stop()
        self._connection.close()

    # Reading

    def get(self, name: str, version: str) -> ContractBundle:
        key = key_of(name, version)
        replica = self.replica
        index = None
        if replica is not None and (replica.wait() or self._is_stale_but_accepted(replica)):
            index = replica.index
        entry = index.get(key) if index is not None else None
        if index is not None and entry is not None and (known := index.bundle(entry)):
            return known

        message = self._connection.run(lambda js: last(self._connection, js, key))
        if message is None or message.deleted:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        bundle = read_record(key, message.data)
        if index is not None:
            index.contents.put(key, message.sequence, bundle.to_record())
        return bundle

    def _is_stale_but_accepted(self, replica: StreamReplica) -> bool:
        return self._connection.outage_seconds > 0 and self._may_be_stale(replica)

    def _may_be_stale(self, replica: StreamReplica) -> bool:
        """Return whether the request accepts the replica as it is, and note how old it is."""
        allowed, seconds = stale_reads.get(), replica.stale_seconds
        if allowed is None or seconds is None or seconds > allowed.max_seconds:
            return False
        allowed.note(seconds)
        return True

    def list_all(self) -> Listing:
        messages = self._connection.run(
            lambda js: all_last(self._connection, js, "meta.>"), timeout=self._connection.timeout * 6
        )
        return read_listing((message.key, message.data) for message in messages if not message.deleted)

    def index(self, name: str | None = None, *, fresh: bool = False) -> ContractIndex:
        replica = None if fresh else self.replica
        if replica is not None and replica.wait():
            return replica.index
        connection = self._connection
        if replica is not None and self._is_stale_but_accepted(replica):
            return replica.index
        try:
            if name is None:
                messages = connection.run(lambda js: last_of_each(connection, js, ">"), timeout=connection.timeout * 6)
            else:
                messages = connection.run(lambda js: last_of_each(connection, js, f"meta.{name}.>", *_DOCUMENTS))
        except StorageUnavailable:
            if replica is not None and self._may_be_stale(replica):
                return replica.index
            raise
        index = ContractIndex(max_bytes=sys.maxsize)
        index.load((message.key, message.sequence, message.value) for message in messages)
        return index

    def document(self, key: str) -> tuple[int, bytes | None]:
        replica = self.replica
        if replica is not None and replica.wait():
            return replica.index.documents.get(key, (0, None))
        found = self._connection.run(lambda js: last(self._connection, js, key))
        return (found.sequence, found.value) if found is not None else (0, None)

    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[StoredWrite]:
        connection = self._connection
        keys = f"meta.{name}.>" if name else ">"
        messages = connection.run(
            lambda js: history(connection, js, keys, after=after, limit=limit), timeout=connection.timeout * 6
        )
        return [stored_write(message) for message in messages]

    # Writing

    def create(self, bundle: ContractBundle, *, after: int, audit: AuditEntry) -> int:
        self._refuse_in_mirror()
        # Encoded by the caller's thread: a large record does not block the event loop.
        return self._run(self._writer.write(bundle.key, bundle.to_record(), f"meta.{bundle.name}.>", after, audit))

    def put_document(
        self, key: str, value: bytes | None, *, after: int, audit: AuditEntry, family: str | None = None
    ) -> int:
        self._refuse_in_mirror()
        guarded = key if family is None else f"{family}.>"
        return self._run(self._writer.write(key, value, guarded, after, audit))

    def _run(self, write: Coroutine[Any, Any, int]) -> int:
        try:
            self._connection.refuse_in_outage()
        except StorageUnavailable:
            write.close()
            raise
        try:
            with span("store.write", bucket=self.bucket):
                return self._connection.thread.run(write, self._connection.timeout * 2 + 5)
        except TimeoutError as error:
            raise StorageUnavailable(
                f"The contract store gave {error}; whether the record was stored is not known: try again, and compare "
                "the digest if it then exists"
            ) from None
