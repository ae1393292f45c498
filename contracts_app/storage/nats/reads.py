"""Reading the bucket's messages: the last of one key, of every version of a name, or all in one pass."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats.js.errors
from nats.js import JetStreamContext, api

from contracts_app.storage.nats.connection import BucketConnection

_STREAM_NOT_FOUND = 10059


@dataclass(frozen=True, slots=True)
class Message:
    key: str
    data: bytes | None
    sequence: int
    headers: dict[str, str]
    written: datetime | None = None

    @property
    def deleted(self) -> bool:
        return deletes(self.headers)

    @property
    def value(self) -> bytes | None:
        """Return the key's value, or None if the message deletes it."""
        return None if self.deleted else self.data or b""


def deletes(headers: dict[str, str]) -> bool:
    """Return whether a message with these headers deletes its key."""
    return headers.get("KV-Operation") in ("DEL", "PURGE")


async def last(bucket: BucketConnection, js: JetStreamContext, key: str, *, direct: bool) -> Message | None:
    """Return the last message of a key; with `direct` from any replica of the stream, which may lag."""
    try:
        raw = await js.get_msg(bucket.stream, subject=bucket.prefix + key, direct=direct)
    except nats.js.errors.NotFoundError as error:
        if error.err_code == _STREAM_NOT_FOUND:
            raise nats.js.errors.NoStreamResponseError from None
        return None
    return Message(key, raw.data, raw.seq or 0, dict(raw.headers or {}))


async def last_of_each(bucket: BucketConnection, js: JetStreamContext, *keys: str) -> list[Message]:
    """Like `all_last`, in one round trip where the bucket allows direct gets and few such keys exist."""
    if not bucket.direct or bucket.client is None:
        return await all_last(bucket, js, *keys)
    inbox = bucket.client.new_inbox()
    subscription = await bucket.client.subscribe(inbox)
    try:
        # https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
        request = json.dumps({"multi_last": [bucket.prefix + each for each in keys]}).encode()
        await bucket.client.publish(f"$JS.API.DIRECT.GET.{bucket.stream}", request, reply=inbox)
        messages: list[Message] = []
        while True:
            answer = await subscription.next_msg(timeout=2)
            headers = dict(answer.headers or {})
            status = headers.get("Status")
            if status in ("204", "404"):  # the end, or no key at all
                return messages
            if status == "503":
                raise nats.js.errors.NoStreamResponseError
            if status is not None:  # more than the server sends in one response
                return await all_last(bucket, js, *keys)
            key = headers["Nats-Subject"][len(bucket.prefix) :]
            messages.append(Message(key, answer.data, int(headers["Nats-Sequence"]), headers))
    finally:
        await subscription.unsubscribe()


async def all_last(bucket: BucketConnection, js: JetStreamContext, *keys: str) -> list[Message]:
    """Return the last message of every key that matches, in the order of the stream."""
    found: list[Message] = []
    for each in keys:
        found += await read(bucket, js, each, deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT)
    return sorted(found, key=lambda message: message.sequence)


async def history(
    bucket: BucketConnection, js: JetStreamContext, keys: str, *, after: int, limit: int
) -> list[Message]:
    """Return the next messages after a sequence, at most `limit`, including superseded ones."""
    return await read(
        bucket, js, keys, deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1, limit=limit
    )


async def read(
    bucket: BucketConnection, js: JetStreamContext, keys: str, *, limit: int | None = None, **config: Any
) -> list[Message]:
    """Yield the current messages, by one ordered consumer."""
    subscription = await js.subscribe(
        bucket.prefix + keys,
        stream=bucket.stream,
        ordered_consumer=True,
        config=api.ConsumerConfig(inactive_threshold=30, **config),
        pending_bytes_limit=4 * 1024**3,
        pending_msgs_limit=10_000_000,
    )
    messages: list[Message] = []
    try:
        info = await subscription.consumer_info()
        delivered = info.delivered.consumer_seq if info.delivered else 0
        if not (info.num_pending or 0) + delivered:
            return messages
        while limit is None or len(messages) < limit:
            message = await subscription.next_msg(timeout=2)
            key, meta = message.subject[len(bucket.prefix) :], message.metadata
            headers = dict(message.headers or {})
            messages.append(Message(key, message.data, meta.sequence.stream, headers, meta.timestamp))
            if meta.num_pending == 0:
                break
        return messages
    finally:
        await subscription.unsubscribe()
        with contextlib.suppress(Exception):  # otherwise the server drops it after some idle time
            await js.delete_consumer(bucket.stream, (await subscription.consumer_info()).name)
