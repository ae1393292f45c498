"""A process's connection to NATS, and the stream of the bucket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from contracts_app.exceptions import StorageUnavailable
from contracts_app.request_context import current_work
from contracts_app.storage.base import MirrorStatus
from contracts_app.storage.nats.bucket_settings import new_stream, refusals, warnings
from contracts_app.storage.nats.event_loop import EventLoopThread
from contracts_app.storage.nats.jetstream_api import request
from contracts_app.storage.nats.known_stream import KnownStream
from contracts_app.storage.nats.stream_state import StreamState
from contracts_app.tracing import span

logger = logging.getLogger(__name__)
T = TypeVar("T")

# The first server that supports Nats-Expected-Last-Subject-Sequence-Subject.
MINIMUM_SERVER = (2, 11)
_STREAM_NAME_IN_USE = 10058
OUTAGE_ERRORS = (
    nats.errors.Error,
    nats.js.errors.ServiceUnavailableError,
    nats.js.errors.NoStreamResponseError,
    asyncio.TimeoutError,
    OSError,
)
"""What the client raises in an outage; any other error is a bug."""
PING_SECONDS = 2
CONNECT_SECONDS = 1
RECENT_SECONDS = 10
PATIENCE_SECONDS = 1.0
"""Seconds of an outage within which requests wait for its end; later ones are refused at once."""


class NotProven(nats.errors.Error):
    """What the server says about the stream cannot be trusted: it may be cut off from the others."""


class BucketUnsuitable(StorageUnavailable):
    """The bucket's settings would lose what is acknowledged."""


class BucketMissing(StorageUnavailable):
    """The bucket does not exist, and this process must not create it."""


class BucketConnection:
    """Opened at first use, kept across outages, and opened again after a fork. Coroutines run on its event loop."""

    def __init__(
        self,
        *,
        servers: list[str],
        bucket: str,
        login: dict[str, str],
        tls: tuple[str, str, str],
        config: dict[str, Any],
        timeout: float,
        create: bool = True,
        known_folder: str = "",
        mirror: MirrorStatus | None = None,
        mirror_domain: str = "",
    ) -> None:
        self.mirror = mirror
        """How far the stream is behind its origin, if it is a mirror."""
        self.mirror_domain = mirror_domain
        self.servers = servers
        self.bucket = bucket
        self.stream = f"KV_{bucket}"
        self.prefix = f"$KV.{bucket}."
        self.timeout = timeout
        self.known = KnownStream(known_folder, servers, bucket)
        self._login = login
        self._tls = tls
        self._config = config
        self.may_create = create
        self.thread = EventLoopThread()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        # A connection belongs to the process that opened it.
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self.direct = self.replicated = False
        """Whether any copy of the stream may be read directly, and whether there are several."""
        self.warnings: tuple[str, ...] = ()
        """What may surprise an operator about the stream's settings."""
        self._used: dict[str, Any] = {}
        self.on_lost: Callable[[], None] = lambda: None
        """Called on the event loop when the connection is lost."""
        self._opening: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._stream_known = False
        self._last_error = 0.0, ""
        """When the client reported an error without raising it, such as a refused login, and which."""
        self._order = random.sample(self.servers, len(self.servers))
        self._outage: tuple[float, str] | None = None

    @property
    def wanted_replicas(self) -> int:
        return int(self._config.get("num_replicas", 1))

    @property
    def client(self) -> Client:
        """The client that is or was connected last. Raises nats.errors.ConnectionClosedError if there is none."""
        if self._client is None:
            raise nats.errors.ConnectionClosedError
        return self._client

    def run(self, work: Callable[[JetStreamContext], Awaitable[T]], *, timeout: float | None = None) -> T:
        """Run `work`, which must be safe to repeat, until it succeeds or the time is up. Raises StorageUnavailable."""
        self.refuse_in_outage()
        limit = timeout or self.timeout
        if (current := current_work.get()) is not None:  # its client does not wait for longer
            limit = max(0.1, min(limit, self.timeout, current.seconds_left))
        try:
            with span("store.read", bucket=self.bucket):
                return self.thread.run(self.attempt(work, time.monotonic() + limit), limit + 1)
        except TimeoutError as error:
            raise self.unavailable(error) from None

    async def attempt(self, work: Callable[[JetStreamContext], Awaitable[T]], deadline: float) -> T:
        while True:
            try:
                return await work(await self.ready(deadline))
            except OUTAGE_ERRORS as error:
                await self.wait_to_retry(error, deadline)

    async def run_now(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Run `work` once, on the event loop, with the context that is connected. Raises the client's errors."""
        return await work(await self.ready(time.monotonic() + self.timeout))

    def close(self) -> None:
        if self._client is not None or self._opening is not None or self._closing:
            with contextlib.suppress(TimeoutError):
                self.thread.run(self._close(), self.timeout)
        self._reset()
        self.thread.stop()

    async def _close(self) -> None:
        tasks = [task for task in (self._opening, *self._closing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    # Outages, as the replica finds them

    def report_outage(self, reason: str) -> None:
        since = self._outage[0] if self._outage else time.monotonic()
        self._outage = since, reason

    def report_recovery(self) -> None:
        self._outage = None

    @property
    def outage_seconds(self) -> float:
        """How long the store has been out of reach; 0 if it is not known to be."""
        outage = self._outage
        return time.monotonic() - outage[0] if outage else 0.0

    @property
    def is_out_of_reach(self) -> bool:
        """Whether the outage lasts for longer than requests wait for its end."""
        return self.outage_seconds > PATIENCE_SECONDS

    def refuse_in_outage(self) -> None:
        """Raise StorageUnavailable if the store has been out of reach for a while; the replica notices its return."""
        outage = self._outage
        if outage is not None and self.is_out_of_reach:
            seconds = time.monotonic() - outage[0]
            raise StorageUnavailable(f"The contract store is unreachable, for {seconds:.0f} seconds now: {outage[1]}")

    # On the event loop

    async def ready(self, deadline: float) -> JetStreamContext:
        """Return the JetStream context of a connected client. Raises OUTAGE_ERRORS, StorageUnavailable."""
        if self._context is None or not self._stream_known or self._client is None or not self._client.is_connected:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.ensure_future(self._open())
                # The callers may be gone by then.
                self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
            opening, left = self._opening, max(0.05, deadline - time.monotonic())
            await asyncio.wait([opening], timeout=left)
            if not opening.done():
                raise nats.errors.TimeoutError  # `explain` adds what the client reported
            if opening.cancelled():
                raise nats.errors.ConnectionClosedError
            opening.result()
        assert self._context is not None
        return self._context

    async def connected(self) -> Client:
        """Return a connected client, whether the bucket exists or not. Raises OUTAGE_ERRORS."""
        if self._client is None or self._client.is_closed:
            client = Client()
            await self._connect(client)
            self._client, self._context, self._stream_known = client, client.jetstream(timeout=2), False
        while not self._client.is_connected:  # the client connects again by itself
            await asyncio.sleep(0.02)
            if self._client.is_closed:
                raise nats.errors.ConnectionClosedError
        return self._client

    async def _open(self) -> None:
        """Connect, if there is no connection, and find the bucket."""
        client = await self.connected()
        if not self._stream_known:
            assert self._context is not None
            await self._find_bucket(client, self._context)

    async def new_client(self) -> Client:
        """Return another client with the same login, for uses other than the bucket. Raises StorageUnavailable."""
        client = Client()
        try:
            await self._connect(client)
        except OUTAGE_ERRORS as error:
            raise self.unavailable(error) from None
        return client

    def reconnect(self) -> None:
        """Leave the connection to itself, and open another, to another server if there is one."""
        client, self._client, self._context = self._client, None, None
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if client is not None:
            if len(self._order) > 1 and client.connected_url is not None:
                # The server that did not help comes last.
                self._order.sort(key=lambda url: client.connected_url.netloc.rpartition("@")[2] in url)
            closing = asyncio.ensure_future(self._abandon(client))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _abandon(self, client: Client) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), 5)

    async def _connect(self, client: Client) -> None:
        async def on_error(error: Exception) -> None:
            when, before = self._last_error
            # A refused login is followed by a connection that is reset, which says less.
            if isinstance(error, OSError) and "Violation" in before and time.monotonic() - when < RECENT_SECONDS:
                return
            self._last_error = time.monotonic(), str(error) or type(error).__name__

        async def on_lost() -> None:
            if self._client is client:
                self.on_lost()

        login: dict[str, Any] = {key: value for key, value in self._login.items() if value}
        if any(self._tls):
            ca, certificate, key = self._tls
            context = ssl.create_default_context(cafile=ca or None)
            if certificate:
                context.load_cert_chain(certificate, key or None)
            login["tls"] = context
        await client.connect(
            list(self._order),
            name="contract-registry",
            error_cb=on_error,
            disconnected_cb=on_lost,
            closed_cb=on_lost,
            connect_timeout=CONNECT_SECONDS,
            reconnect_time_wait=0.1,
            max_reconnect_attempts=-1,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=1,
            dont_randomize=True,
            **login,
        )

    async def state(self) -> StreamState:
        """Return the stream's state, which proves what is current. Raises OUTAGE_ERRORS, BucketMissing."""
        info = await request(
            self.client,
            f"STREAM.INFO.{self.stream}",
            missing=True,
            is_doubtful=lambda found: bool(self.replicated and StreamState.of(found).doubt),
        )
        if info is None:
            self.forget_stream()
            raise self._missing()
        state = StreamState.of(info)
        self._use(info["config"])
        self._follow_mirror(info.get("mirror"))
        if state.doubt:
            raise NotProven(state.doubt)
        return state

    def _follow_mirror(self, reported: Mapping[str, Any] | None) -> None:
        """Note what the server says about the mirror; `active` is nanoseconds since it heard from the origin, or -1."""
        if self.mirror is not None and reported is not None:
            active = reported.get("active", -1)
            heard = time.monotonic() - active / 1e9 if active >= 0 else self.mirror.heard
            self.mirror = replace(self.mirror, lag=reported.get("lag", 0), heard=heard)

    async def _find_bucket(self, client: Client, js: JetStreamContext) -> None:
        version = client.connected_server_version
        if (version.major, version.minor) < MINIMUM_SERVER:
            wanted = ".".join(map(str, MINIMUM_SERVER))
            raise StorageUnavailable(f"nats-server {version} is too old: {wanted} or newer is needed")
        info = await request(client, f"STREAM.INFO.{self.stream}", missing=True)
        if info is None:
            if self.known.created or not self.may_create:
                raise self._missing()
            await self.create_bucket(js)
            info = await request(client, f"STREAM.INFO.{self.stream}")
        self._use(info["config"])
        self.known.remember(info["created"])
        self._stream_known = True

    def _use(self, config: dict[str, Any]) -> None:
        """Take over the settings of the stream. Raises BucketUnsuitable."""
        if config == self._used:
            return
        replicas, is_mirror = self.wanted_replicas, self.mirror is not None
        if refused := refusals(config, prefix=self.prefix, replicas=replicas, mirror=is_mirror):
            self.forget_stream()
            raise BucketUnsuitable(". ".join(refused))
        self.direct = bool(config.get("allow_direct"))
        self.replicated = config.get("num_replicas", 1) > 1
        self.warnings = tuple(warnings(config))
        for warning in self.warnings:
            logger.warning(warning)
        self._used = config

    def _missing(self) -> BucketMissing:
        before = f" It was created at {self.known.created}, and is lost." if self.known.created else ""
        return BucketMissing(
            f"The bucket {self.bucket!r} does not exist.{before} Restore it from a backup, or create an empty one with "
            "`manage.py create_bucket`"
        )

    async def create_bucket(self, js: JetStreamContext) -> None:
        config = new_stream(
            self.bucket, is_mirror=self.mirror is not None, mirror_domain=self.mirror_domain, config=self._config
        )
        try:
            await js.add_stream(config)
        except nats.js.errors.BadRequestError as error:
            if error.err_code != _STREAM_NAME_IN_USE:  # otherwise another process created it first
                raise

    def forget_stream(self) -> None:
        """Check before the next use that the stream still exists."""
        self._stream_known = False

    async def wait_to_retry(self, error: BaseException, deadline: float) -> None:
        if isinstance(error, nats.js.errors.APIError) and not isinstance(
            error, (nats.js.errors.ServiceUnavailableError, nats.js.errors.NotFoundError)
        ):
            raise StorageUnavailable(f"The contract store refused: {error.description or error}") from None
        self.forget_stream()  # it may have been lost with its server
        if time.monotonic() + 0.1 > deadline:
            raise self.unavailable(error) from None
        await asyncio.sleep(0.1)

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        return StorageUnavailable(f"The contract store is unreachable: {self.explain(error)}")

    def explain(self, error: BaseException) -> str:
        """Return the cause of an error: a timeout often follows what the client only reports."""
        when, reported = self._last_error
        if isinstance(error, nats.errors.NoRespondersError):
            return "nobody answers for JetStream: it is not enabled for this account, or the server is still starting"
        if isinstance(error, (TimeoutError, asyncio.TimeoutError, nats.errors.TimeoutError)):
            if reported and time.monotonic() - when < RECENT_SECONDS:
                return reported
            return "the server does not answer in time"
        return str(error) or type(error).__name__
