"""One consumer of the whole bucket, and the proof that none of its messages is missing here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts_app.storage.nats.jetstream_api import request

logger = logging.getLogger(__name__)

HEARTBEAT = 0.5
MAX_SILENCE = 3 * HEARTBEAT
_REMOVING = ("PURGE", "MSG.DELETE", "RESTORE", "UPDATE")
"""Requests to the JetStream API that may remove messages."""


class SessionEnded(Exception):
    """The session cannot continue; the message says why."""


@dataclass(frozen=True)
class Delivered:
    """A message of the stream, as the consumer delivered it."""

    subject: str
    data: bytes
    headers: dict[str, str]
    sequence: int
    written: int
    """Nanoseconds since 1970."""
    message: Msg


class ConsumerSession:
    """Follows the stream until something may be missing: then `ended` is set, and `reason` says why.

    The consumer's numbering has no gap, each heartbeat names the last number that was received, and a message or a
    heartbeat comes within MAX_SILENCE seconds, on the connection that the session began with.
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        subjects: str,
        apply: Callable[[Delivered], None],
        on_advisory: Callable[[], None],
        *,
        audited: bool,
    ) -> None:
        self._client = client
        self._stream = stream
        self._subjects = subjects
        self._apply = apply
        self._on_advisory = on_advisory
        self._audited = audited
        """Whether to follow what others ask of JetStream: a purge is announced in no other way."""
        self._subscriptions: list[Any] = []
        self._consumed = 0
        """The consumer's number of the last message."""
        self._pending = 0
        """The number of the message at which the consumer has delivered all that it knew at its creation."""
        self._caught_up = asyncio.Event()
        self._heard = time.monotonic()
        self.ended = asyncio.Event()
        self.reason = ""

    @property
    def silence(self) -> float:
        """Seconds since the server last proved that nothing is missing."""
        return time.monotonic() - self._heard

    def end(self, reason: str) -> None:
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()

    async def start(self, after: int | None) -> None:
        """Create the consumer, of all messages after a sequence or, with None, of the last message of each key.

        Raises OUTAGE_ERRORS.
        """
        deliver, advisories = self._client.new_inbox(), f"$JS.EVENT.ADVISORY.STREAM.*.{self._stream}"
        config: dict[str, Any] = {
            "deliver_subject": deliver,
            "deliver_policy": "last_per_subject" if after is None else "by_start_sequence",
            "ack_policy": "none",
            "max_deliver": 1,
            "filter_subject": self._subjects,
            "flow_control": True,
            "idle_heartbeat": int(HEARTBEAT * 1e9),
            "inactive_threshold": int(5e9),
            "mem_storage": True,
            "num_replicas": 1,
            "name": f"replica-{uuid.uuid4().hex[:16]}",
        }
        if after is not None:
            config["opt_start_seq"] = after + 1
        limits = {"pending_bytes_limit": 1024**3, "pending_msgs_limit": 10_000_000}
        self._subscriptions = [
            await self._client.subscribe(deliver, cb=self._receive, **limits),
            # A deletion of the stream reaches no consumer otherwise.
            await self._client.subscribe(advisories, cb=self._advised),
        ]
        if self._audited:
            requests = "$JS.EVENT.ADVISORY.API"
            self._subscriptions.append(await self._client.subscribe(requests, cb=self._advised_of_request))
        response = await request(
            self._client,
            f"CONSUMER.CREATE.{self._stream}.{config['name']}.{self._subjects}",
            {"stream_name": self._stream, "config": config},
        )
        self._pending = int(response.get("num_pending", 0) + response.get("delivered", {}).get("consumer_seq", 0))
        self._heard = time.monotonic()
        if self._consumed >= self._pending:
            self._caught_up.set()

    async def catch_up(self) -> None:
        """Wait for all that the consumer knew at its creation. Raises SessionEnded."""
        while not self._caught_up.is_set():
            await self.pause(HEARTBEAT, self._caught_up)

    async def pause(self, seconds: float, until: asyncio.Event | None = None) -> None:
        """Wait, at most until an event. Raises SessionEnded."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self.ended, until) if event is not None]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if self.silence > MAX_SILENCE:
            self.end(f"no heartbeat for {MAX_SILENCE:g} seconds")
        if self.ended.is_set():
            raise SessionEnded(self.reason)

    async def close(self) -> None:
        self.end("it was closed")
        for each in self._subscriptions:
            with contextlib.suppress(Exception):
                await each.unsubscribe()  # the server then deletes the consumer
        # A subscription refers back to the session, and so to an index that may be replaced. The collector does not
        # find such circles, because a load freezes all that is in memory.
        self._subscriptions = []

    async def _advised(self, message: Msg) -> None:
        if not self.ended.is_set():
            self._on_advisory()

    async def _advised_of_request(self, message: Msg) -> None:
        if any(f".{action}.{self._stream}".encode() in message.data for action in _REMOVING):
            await self._advised(message)

    async def _receive(self, message: Msg) -> None:
        """Handle a message of the consumer: a write, a heartbeat, or a flow control request."""
        if self.ended.is_set():
            return
        try:
            self._heard = time.monotonic()
            headers = message.headers or {}
            status = headers.get("Status")
            if status is not None and not message.data:
                await self._control(message, status, headers)
            else:
                self._deliver(message, headers)
        except SessionEnded as ended:
            self.end(str(ended))
        except Exception as error:
            logger.exception("a message of the stream could not be applied")
            self.end(f"a message could not be applied: {error}")

    def _deliver(self, message: Msg, headers: dict[str, str]) -> None:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns since 1970>.<pending>, or with
        # <domain>.<account hash> before the stream and a token at the end.
        tokens = message.reply.split(".")
        first = 4 if len(tokens) == 9 else 6
        sequence, consumed, written = map(int, tokens[first + 1 : first + 4])
        if consumed != self._consumed + 1:
            raise SessionEnded(f"the consumer's messages have a gap: {consumed} came after {self._consumed}")
        self._consumed = consumed
        self._apply(Delivered(message.subject, message.data, headers, sequence, written, message))
        if consumed == self._pending:
            self._caught_up.set()

    async def _control(self, message: Msg, status: str, headers: dict[str, str]) -> None:
        if status != "100":
            raise SessionEnded(f"the consumer ended: {status} {headers.get('Description', '')}")
        if message.reply:
            await self._client.publish(message.reply)
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await self._client.publish(stalled)
        last = headers.get("Nats-Last-Consumer")
        if last is not None and int(last) != self._consumed:
            raise SessionEnded(f"the consumer's messages have a gap: {last} were sent, {self._consumed} came")
