"""A process's connection to NATS, and the bucket at its other end."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.event_loop import EventLoopThread
from contracts_app.storage.publisher import Publisher
from contracts_app.storage.quick_client import QuickClient

T = TypeVar("T")

# The first server that honours Nats-Expected-Last-Subject-Sequence-Subject.
MINIMUM_SERVER = (2, 11)
_STREAM_NAME_IN_USE = 10058
AWAY = (
    nats.errors.Error,
    nats.js.errors.ServiceUnavailableError,
    nats.js.errors.NoStreamResponseError,
    asyncio.TimeoutError,
    OSError,
)
"""What an outage looks like from here; anything else is a fault to show."""


class BucketConnection:
    """Opened at first use, kept over outages, and opened anew after a fork. Coroutines run on its own loop."""

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
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # A connection belongs to the process that opened it.
        self.client: QuickClient | None = None
        self._context: JetStreamContext | None = None
        self.publisher: Publisher | None = None
        self.direct = False
        self.on_lost: Callable[[], None] = lambda: None
        """Called on the loop when the server is lost."""
        self._connecting: asyncio.Lock | None = None
        self._stream_known = False
        self._last_error = ""

    @property
    def away(self) -> bool:
        """Whether the server has not been reached yet, for all that was tried."""
        return self.client is None and bool(self._last_error)

    def run(self, work: Callable[[JetStreamContext], Awaitable[T]], *, timeout: float | None = None) -> T:
        """Do `work`, which must be safe to repeat, until it succeeds or the time is up. Raises StorageUnavailable."""
        limit = timeout or self.timeout
        try:
            return self.thread.run(self.attempt(work, time.monotonic() + limit), limit + 5)
        except TimeoutError as error:
            raise self.unavailable(error) from None

    async def attempt(self, work: Callable[[JetStreamContext], Awaitable[T]], deadline: float) -> T:
        while True:
            try:
                return await work(await self.ready(deadline))
            except AWAY as error:
                await self.pause(error, deadline)

    def close(self) -> None:
        client = self.client
        if client is not None:
            self.thread.run(client.close(), self.timeout)
        self._forget()
        self.thread.stop()

    async def ready(self, deadline: float) -> JetStreamContext:
        """A connected client whose bucket exists. Raises what AWAY names, StorageUnavailable."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            client: Any = self.client
            if client is None or client.is_closed:
                self.client = client = await asyncio.wait_for(self._connect(), max(0.1, deadline - time.monotonic()))
                self._context = client.jetstream(timeout=2)
                self.publisher = Publisher(client)
                self._stream_known = False
            while not client.is_connected:
                if time.monotonic() > deadline:
                    raise nats.errors.TimeoutError
                await asyncio.sleep(0.02)
            assert self._context is not None
            if not self._stream_known:
                await self._ensure_bucket(self._context)
        return self._context

    async def _connect(self) -> QuickClient:
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
        client = QuickClient()
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
                info = await js.stream_info(self.stream)  # another process made it first
        self.direct = bool(info.config.allow_direct)
        self._stream_known = True

    def look_again(self) -> None:
        """The bucket may have gone: the next `ready` sees to it that it exists."""
        self._stream_known = False

    async def pause(self, error: BaseException, deadline: float) -> None:
        if isinstance(error, nats.js.errors.APIError) and not isinstance(
            error, (nats.js.errors.ServiceUnavailableError, nats.js.errors.NotFoundError)
        ):
            raise StorageUnavailable(f"The contract store answered: {error.description or error}") from None
        self.look_again()  # the bucket may have gone with its server
        if time.monotonic() + 0.1 > deadline:
            raise self.unavailable(error) from None
        await asyncio.sleep(0.1)

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        reason = self._last_error if self.client is None else ""
        shown = reason or str(error) or type(error).__name__
        return StorageUnavailable(f"The contract store is unreachable: {shown}")
