"""A process's connection to NATS, and the stream of the bucket."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api

from contracts_app.exceptions import StorageUnavailable
from contracts_app.request_context import current_work
from contracts_app.storage.nats.event_loop import EventLoopThread

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
    ) -> None:
        self.servers = servers
        self.stream = f"KV_{bucket}"
        self.prefix = f"$KV.{bucket}."
        self.timeout = timeout
        self._login = login
        self._tls = tls
        self._config = config
        self.thread = EventLoopThread()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        # A connection belongs to the process that opened it.
        self.client: Client | None = None
        self._context: JetStreamContext | None = None
        self.direct = False
        self.on_lost: Callable[[], None] = lambda: None
        """Called on the event loop when the connection is lost."""
        self._connecting: asyncio.Lock | None = None
        self._stream_known = False
        self._last_error = ""

    @property
    def is_unreachable(self) -> bool:
        """Whether the server was tried and never reached since the process began."""
        return self.client is None and bool(self._last_error)

    def run(self, work: Callable[[JetStreamContext], Awaitable[T]], *, timeout: float | None = None) -> T:
        """Run `work`, which must be safe to repeat, until it succeeds or the time is up. Raises StorageUnavailable."""
        limit = timeout or self.timeout
        if (request := current_work.get()) is not None:  # its client does not wait for longer
            limit = max(0.1, min(limit, self.timeout, request.seconds_left))
        try:
            return self.thread.run(self.attempt(work, time.monotonic() + limit), limit + 1)
        except TimeoutError as error:
            raise self.unavailable(error) from None

    async def attempt(self, work: Callable[[JetStreamContext], Awaitable[T]], deadline: float) -> T:
        while True:
            try:
                return await work(await self.ready(deadline))
            except OUTAGE_ERRORS as error:
                await self.wait_to_retry(error, deadline)

    def close(self) -> None:
        client = self.client
        if client is not None:
            self.thread.run(client.close(), self.timeout)
        self._reset()
        self.thread.stop()

    async def ready(self, deadline: float) -> JetStreamContext:
        """Return the JetStream context of a connected client. Raises OUTAGE_ERRORS, StorageUnavailable."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            client: Any = self.client
            if client is None or client.is_closed:
                self.client = client = await asyncio.wait_for(self._connect(), max(0.1, deadline - time.monotonic()))
                self._context = client.jetstream(timeout=2)
                self._stream_known = False
            while not client.is_connected:
                if time.monotonic() > deadline:
                    raise nats.errors.TimeoutError
                await asyncio.sleep(0.02)
            assert self._context is not None
            if not self._stream_known:
                await self._ensure_bucket(self._context)
        return self._context

    async def _connect(self) -> Client:
        async def on_error(error: Exception) -> None:
            self._last_error = str(error) or type(error).__name__

        async def on_lost() -> None:
            self.on_lost()

        login: dict[str, Any] = {key: value for key, value in self._login.items() if value}
        if any(self._tls):
            ca, certificate, key = self._tls
            context = ssl.create_default_context(cafile=ca or None)
            if certificate:
                context.load_cert_chain(certificate, key or None)
            login["tls"] = context
        client = Client()
        await client.connect(
            self.servers,
            name="contract-registry",
            error_cb=on_error,
            disconnected_cb=on_lost,
            closed_cb=on_lost,
            connect_timeout=2,
            reconnect_time_wait=0.1,
            max_reconnect_attempts=-1,
            ping_interval=10,
            **login,
        )
        return client

    async def _ensure_bucket(self, js: JetStreamContext) -> None:
        assert self.client is not None
        version = self.client.connected_server_version
        if (version.major, version.minor) < MINIMUM_SERVER:
            wanted = ".".join(map(str, MINIMUM_SERVER))
            raise StorageUnavailable(f"nats-server {version} is too old: {wanted} or newer is needed")
        try:
            info = await js.stream_info(self.stream)
        except nats.js.errors.NotFoundError:
            config = api.StreamConfig(
                name=self.stream,
                subjects=[self.prefix + ">"],
                storage=api.StorageType.FILE,
                discard=api.DiscardPolicy.NEW,
                deny_delete=True,
                allow_rollup_hdrs=True,
                duplicate_window=120,
                max_msgs=-1,
                max_consumers=-1,
                **self._config,  # type: ignore[arg-type]
            )
            try:
                info = await js.add_stream(config)
            except nats.js.errors.BadRequestError as error:
                if error.err_code != _STREAM_NAME_IN_USE:
                    raise
                info = await js.stream_info(self.stream)  # another process created it first
        self.direct = bool(info.config.allow_direct)
        self._stream_known = True

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
        reason = self._last_error if self.client is None else ""
        shown = reason or str(error) or type(error).__name__
        return StorageUnavailable(f"The contract store is unreachable: {shown}")
