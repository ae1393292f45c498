"""Bundles in a NATS JetStream KV bucket: the record, its history and its audit entry in one write."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import nats
import nats.errors
import nats.js.errors
from django.core.checks import CheckMessage, Error
from nats.aio.client import Client
from nats.js import JetStreamContext, api

from contracts_app.bundles import ContractBundle, key_of, read_record
from contracts_app.exceptions import ContractNotFound, ContractTooLarge, StorageUnavailable, VersionSetChanged
from contracts_app.storage.base import Actor, ContractStorage, Listing, VersionSet, belongs_to, read_listing
from contracts_app.storage.event_loop import EventLoopThread

T = TypeVar("T")

# The first server that honours Nats-Expected-Last-Subject-Sequence-Subject.
MINIMUM_SERVER = (2, 11)
_WRONG_LAST_SEQUENCE = (10071, 10164)
_MESSAGE_TOO_LARGE = 10054
_STREAM_NAME_IN_USE = 10058
_PUBLISH_ID = "Registry-Publish-Id"
# What an outage looks like from here; anything else is a fault to show.
_AWAY = (
    nats.errors.Error,
    nats.js.errors.ServiceUnavailableError,
    nats.js.errors.NoStreamResponseError,
    asyncio.TimeoutError,
    OSError,
)


@dataclass(frozen=True)
class _Message:
    key: str
    data: bytes | None
    sequence: int
    headers: dict[str, str]

    @property
    def deleted(self) -> bool:
        return self.headers.get("KV-Operation") in ("DEL", "PURGE")


class JetStreamContractStorage(ContractStorage):
    """See ContractStorage. Options:

    servers: NATS URLs, separated by commas. bucket: the KV bucket, created where missing.
    credentials, nkey_seed, user, password: how to log in; tls_ca, tls_cert, tls_key: PEM files.
    replicas, history, direct: of a bucket created here; an existing one is used as it is.
    timeout: seconds that one call may take, waiting for a reconnection included.
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
    ) -> None:
        self.bucket = bucket
        self._servers = [server.strip() for server in servers.split(",") if server.strip()]
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."
        self._login = {"user_credentials": credentials, "nkeys_seed_str": nkey_seed, "user": user, "password": password}
        self._tls = (tls_ca, tls_cert, tls_key)
        self._config = {"num_replicas": replicas, "max_msgs_per_subject": history, "allow_direct": direct}
        self._timeout = timeout
        self._thread = EventLoopThread()
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # A connection belongs to the process that opened it.
        self._client: Client | None = None
        self._connecting: asyncio.Lock | None = None
        self._stream_known = False
        self._direct = False
        self._last_error = ""

    # The blocking face

    def get(self, name: str, version: str) -> ContractBundle:
        key = key_of(name, version)

        async def work(js: JetStreamContext) -> _Message | None:
            # A follower may lag behind: a miss is confirmed with the leader.
            found = await self._last(js, key, direct=True) if self._direct else None
            return found or await self._last(js, key, direct=False)

        message = self._run(work)
        if message is None or message.deleted:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        return read_record(key, message.data)

    def list_all(self) -> Listing:
        messages = self._run(lambda js: self._pass(js, "meta.>"), timeout=self._timeout * 6)
        return read_listing((message.key, message.data) for message in messages if not message.deleted)

    def versions(self, name: str) -> VersionSet:
        messages = self._run(lambda js: self._last_of_each(js, f"meta.{name}.>"))
        listing = read_listing(
            (message.key, message.data) for message in messages if not message.deleted and belongs_to(name, message.key)
        )
        # The revision covers longer names too (`name.more`), as the expectation below does.
        revision = max((message.sequence for message in messages), default=0)
        return VersionSet(listing.bundles, revision, listing.faults)

    def create(self, bundle: ContractBundle, *, after: int, actor: Actor) -> int:
        record = bundle.to_record()
        headers = {
            "Nats-Expected-Last-Subject-Sequence": str(after),
            "Nats-Expected-Last-Subject-Sequence-Subject": f"{self._prefix}meta.{bundle.name}.>",
            "Registry-Action": "publish",
            # Percent-encoded: a header holds no line break and no character beyond ASCII.
            "Registry-Actor": quote(actor.subject, safe="@:/ "),
            "Registry-Request-Id": quote(actor.request_id, safe=""),
            _PUBLISH_ID: uuid.uuid4().hex,
        }
        return self._thread.run(self._create(bundle, record, headers), self._timeout * 2 + 5)

    def check(self) -> list[CheckMessage]:
        problems: list[CheckMessage] = []
        if not self._servers:
            problems.append(Error("NATS_URL names no server.", id="contracts.E001"))
        if not self.bucket or not all(c.isascii() and (c.isalnum() or c in "-_") for c in self.bucket):
            problems.append(
                Error(
                    f"REGISTRY_KV_BUCKET={self.bucket!r} is not a bucket name.",
                    hint="Use A-Z a-z 0-9 _ and - only.",
                    id="contracts.E002",
                )
            )
        return problems

    def close(self) -> None:
        client = self._client
        if client is not None:
            self._thread.run(client.close(), self._timeout)
        self._forget()
        self._thread.stop()

    # On the event loop

    def _run(self, work: Callable[[JetStreamContext], Awaitable[T]], *, timeout: float | None = None) -> T:
        """Do `work`, which must be safe to repeat, until it succeeds or the time is up."""
        limit = timeout or self._timeout

        async def attempt() -> T:
            deadline = time.monotonic() + limit
            while True:
                try:
                    return await work(await self._ready(deadline))
                except _AWAY as error:
                    await self._pause(error, deadline)

        try:
            return self._thread.run(attempt(), limit + 5)
        except TimeoutError as error:
            raise self._unavailable(error) from None

    async def _create(self, bundle: ContractBundle, record: bytes, headers: dict[str, str]) -> int:
        deadline = time.monotonic() + self._timeout * 2
        in_doubt = False
        while True:
            try:
                js = await self._ready(deadline)
                if in_doubt and (written := await self._own(js, bundle, headers[_PUBLISH_ID])):
                    return written
                ack = await js.publish(self._prefix + bundle.key, record, headers=headers, stream=self._stream)
                return ack.seq
            except nats.errors.MaxPayloadError:
                raise self._too_large(record) from None
            except nats.js.errors.NoStreamResponseError as error:
                await self._pause(error, deadline)  # nobody listened: not written
            except nats.js.errors.APIError as error:
                if error.err_code == _MESSAGE_TOO_LARGE:
                    raise self._too_large(record) from None
                if error.err_code in _WRONG_LAST_SEQUENCE:
                    # An earlier attempt of this very call may be what moved the sequence.
                    if in_doubt and (written := await self._own(js, bundle, headers[_PUBLISH_ID])):
                        return written
                    raise VersionSetChanged from None
                in_doubt = True
                await self._pause(error, deadline)
            except _AWAY as error:
                in_doubt = True
                try:
                    await self._pause(error, deadline)
                except StorageUnavailable as unavailable:
                    raise StorageUnavailable(
                        f"{unavailable.message}; whether {bundle.name}/{bundle.version} was stored is not known: "
                        "publish it again, and compare the digest if it then exists"
                    ) from None

    async def _own(self, js: JetStreamContext, bundle: ContractBundle, publish_id: str) -> int | None:
        """The sequence of the stored record if this very publish wrote it."""
        found = await self._last(js, bundle.key, direct=False)
        return found.sequence if found and found.headers.get(_PUBLISH_ID) == publish_id else None

    async def _last(self, js: JetStreamContext, key: str, *, direct: bool) -> _Message | None:
        try:
            raw = await js.get_msg(self._stream, subject=self._prefix + key, direct=direct)
        except nats.js.errors.NotFoundError as error:
            if error.err_code == 10059:  # the stream itself is gone
                raise nats.js.errors.NoStreamResponseError from None
            return None
        return _Message(key, raw.data, raw.seq or 0, dict(raw.headers or {}))

    async def _last_of_each(self, js: JetStreamContext, keys: str) -> list[_Message]:
        """As _pass, in one round trip where the bucket allows direct gets and has few enough such keys."""
        if not self._direct or self._client is None:
            return await self._pass(js, keys)
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        try:
            # https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
            request = json.dumps({"multi_last": [self._prefix + keys]}).encode()
            await self._client.publish(f"$JS.API.DIRECT.GET.{self._stream}", request, reply=inbox)
            messages: list[_Message] = []
            while True:
                answer = await subscription.next_msg(timeout=2)
                headers = dict(answer.headers or {})
                status = headers.get("Status")
                if status in ("204", "404"):  # the end, or nothing at all
                    return messages
                if status == "503":
                    raise nats.js.errors.NoStreamResponseError
                if status is not None:  # more than the server sends at once
                    return await self._pass(js, keys)
                key = headers["Nats-Subject"][len(self._prefix) :]
                messages.append(_Message(key, answer.data, int(headers["Nats-Sequence"]), headers))
        finally:
            await subscription.unsubscribe()

    async def _pass(self, js: JetStreamContext, keys: str) -> list[_Message]:
        """The last message of every key that matches, by one ordered consumer."""
        subscription = await js.subscribe(
            self._prefix + keys,
            stream=self._stream,
            ordered_consumer=True,
            deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT,
            inactive_threshold=30,
            pending_bytes_limit=4 * 1024**3,
            pending_msgs_limit=10_000_000,
        )
        try:
            info = await subscription.consumer_info()
            delivered = info.delivered.consumer_seq if info.delivered else 0
            messages: list[_Message] = []
            if not (info.num_pending or 0) + delivered:
                return messages
            while True:
                message = await subscription.next_msg(timeout=2)
                meta = message.metadata
                key = message.subject[len(self._prefix) :]
                messages.append(_Message(key, message.data, meta.sequence.stream, dict(message.headers or {})))
                if meta.num_pending == 0:
                    return messages
        finally:
            await subscription.unsubscribe()
            with contextlib.suppress(Exception):  # else the server drops it when it has been idle
                await js.delete_consumer(self._stream, (await subscription.consumer_info()).name)

    async def _ready(self, deadline: float) -> JetStreamContext:
        """A connected client whose bucket exists. Raises what _AWAY names, StorageUnavailable."""
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            client: Any = self._client
            if client is None or client.is_closed:
                self._client = client = await asyncio.wait_for(self._connect(), max(0.1, deadline - time.monotonic()))
                self._stream_known = False
            while not client.is_connected:
                if time.monotonic() > deadline:
                    raise nats.errors.TimeoutError
                await asyncio.sleep(0.02)
            js = client.jetstream(timeout=2)
            if not self._stream_known:
                await self._ensure_bucket(js)
        return js

    async def _connect(self) -> Client:
        async def on_error(error: Exception) -> None:
            self._last_error = str(error) or type(error).__name__

        login: dict[str, Any] = {key: value for key, value in self._login.items() if value}
        if any(self._tls):
            ca, certificate, key = self._tls
            context = ssl.create_default_context(cafile=ca or None)
            if certificate:
                context.load_cert_chain(certificate, key or None)
            login["tls"] = context
        return await nats.connect(
            self._servers,
            name="contract-registry",
            error_cb=on_error,
            connect_timeout=2,
            reconnect_time_wait=0.1,
            max_reconnect_attempts=-1,
            ping_interval=10,
            **login,
        )

    async def _ensure_bucket(self, js: JetStreamContext) -> None:
        assert self._client is not None
        version = self._client.connected_server_version
        if (version.major, version.minor) < MINIMUM_SERVER:
            wanted = ".".join(map(str, MINIMUM_SERVER))
            raise StorageUnavailable(f"nats-server {version} is too old: {wanted} or newer is needed")
        try:
            info = await js.stream_info(self._stream)
        except nats.js.errors.NotFoundError:
            config = api.StreamConfig(
                name=self._stream,
                subjects=[self._prefix + ">"],
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
                info = await js.stream_info(self._stream)  # another process made it first
        self._direct = bool(info.config.allow_direct)
        self._stream_known = True

    async def _pause(self, error: BaseException, deadline: float) -> None:
        if isinstance(error, nats.js.errors.APIError) and not isinstance(
            error, (nats.js.errors.ServiceUnavailableError, nats.js.errors.NotFoundError)
        ):
            raise StorageUnavailable(f"The contract store answered: {error.description or error}") from None
        # The bucket may have gone with its server: look again before the next attempt.
        self._stream_known = False
        if time.monotonic() + 0.1 > deadline:
            raise self._unavailable(error) from None
        await asyncio.sleep(0.1)

    def _unavailable(self, error: BaseException) -> StorageUnavailable:
        reason = self._last_error if self._client is None else ""
        shown = reason or str(error) or type(error).__name__
        return StorageUnavailable(f"The contract store is unreachable: {shown}")

    def _too_large(self, record: bytes) -> ContractTooLarge:
        return ContractTooLarge(
            f"The record is {len(record)} bytes, more than the NATS server accepts; raise its max_payload"
        )
