"""Reading the bucket's messages: one key's last, every version's of a name, or a pass over all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from contracts_app.storage.connection import BucketConnection

_STREAM_NOT_FOUND = 10059


@dataclass(frozen=True, slots=True)
class Message:
    key: str
    data: bytes | None
    sequence: int
    headers: dict[str, str]

    @property
    def deleted(self) -> bool:
        return self.headers.get("KV-Operation") in ("DEL", "PURGE")

    @property
    def value(self) -> bytes | None:
        """The key's value, or None where the message deletes it."""
        return None if self.deleted else self.data or b""


async def last(bucket: BucketConnection, js: JetStreamContext, key: str, *, direct: bool) -> Message | None:
    """The last message of a key; with `direct` from any replica, which may lag."""
    try:
        raw = await js.get_msg(bucket.stream, subject=bucket.prefix + key, direct=direct)
    except nats.js.errors.NotFoundError as error:
        if error.err_code == _STREAM_NOT_FOUND:
            raise nats.js.errors.NoStreamResponseError from None
        return None
    return Message(key, raw.data, raw.seq or 0, dict(raw.headers or {}))


async def last_of_each(bucket: BucketConnection, js: JetStreamContext, keys: str) -> list[Message]:
    """As `all_last`, in one round trip where the bucket allows direct gets and has few enough such keys."""
    if not bucket.direct or bucket.client is None:
        return await all_last(bucket, js, keys)
    inbox = bucket.client.new_inbox()
    subscription = await bucket.client.subscribe(inbox)
    try:
        # https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
        request = json.dumps({"multi_last": [bucket.prefix + keys]}).encode()
        await bucket.client.publish(f"$JS.API.DIRECT.GET.{bucket.stream}", request, reply=inbox)
        messages: list[Message] = []
        while True:
            answer = await subscription.next_msg(timeout=2)
            headers = dict(answer.headers or {})
            status = headers.get("Status")
            if status in ("204", "404"):  # the end, or nothing at all
                return messages
            if status == "503":
                raise nats.js.errors.NoStreamResponseError
            if status is not None:  # more than the server sends at once
                return await all_last(bucket, js, keys)
            key = headers["Nats-Subject"][len(bucket.prefix) :]
            messages.append(Message(key, answer.data, int(headers["Nats-Sequence"]), headers))
    finally:
        await subscription.unsubscribe()


async def all_last(
    bucket: BucketConnection,
    js: JetStreamContext,
    keys: str,
    policy: api.DeliverPolicy = api.DeliverPolicy.LAST_PER_SUBJECT,
) -> list[Message]:
    """The last message of every key that matches, or with another policy more of them, by one ordered consumer."""
    messages: list[Message] = []

    def keep(message: Msg) -> None:
        key = message.subject[len(bucket.prefix) :]
        messages.append(Message(key, message.data, message.metadata.sequence.stream, dict(message.headers or {})))

    await each(bucket, js, keys, keep, policy)
    return messages


async def each(
    bucket: BucketConnection, js: JetStreamContext, keys: str, keep: Callable[[Msg], None], policy: api.DeliverPolicy
) -> None:
    """Hand over the messages that exist now, in the order of the stream."""
    subscription = await js.subscribe(
        bucket.prefix + keys,
        stream=bucket.stream,
        ordered_consumer=True,
        deliver_policy=policy,
        inactive_threshold=30,
        pending_bytes_limit=4 * 1024**3,
        pending_msgs_limit=10_000_000,
    )
    try:
        info = await subscription.consumer_info()
        delivered = info.delivered.consumer_seq if info.delivered else 0
        if not (info.num_pending or 0) + delivered:
            return
        while True:
            message = await subscription.next_msg(timeout=2)
            keep(message)
            if message.metadata.num_pending == 0:
                return
    finally:
        await subscription.unsubscribe()
        with contextlib.suppress(Exception):  # else the server drops it when it has been idle
            await js.delete_consumer(bucket.stream, (await subscription.consumer_info()).name)
