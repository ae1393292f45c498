"""Reading the bucket's messages: the last of one key, of every version of a name, or all in one pass.

Of a stream with several copies, each read is proven to be current: the stream's leader says before what its last
sequence is, and only an answer from a copy that has this sequence is accepted.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats.js.errors
from nats.js import JetStreamContext, api

from contracts_app.storage.nats.connection import BucketConnection, NotProven
from contracts_app.storage.nats.jetstream_api import request
from contracts_app.storage.nats.stream_state import StreamState

_STREAM_NOT_FOUND = 10059
_LAGS = "the server that answered lags behind the stream's leader"


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


async def last(bucket: BucketConnection, js: JetStreamContext, key: str) -> Message | None:
    """Return the last message of a key. Raises NotProven."""
    if bucket.replicated and bucket.direct:
        messages = await last_of_each(bucket, js, key)
        return messages[0] if messages else None
    before = await _proven(bucket)
    try:
        raw = await js.get_msg(bucket.stream, subject=bucket.prefix + key, direct=bucket.direct)
        found = Message(key, raw.data, raw.seq or 0, dict(raw.headers or {}))
    except nats.js.errors.NotFoundError as error:
        if error.err_code == _STREAM_NOT_FOUND:
            raise nats.js.errors.NoStreamResponseError from None
        found = None
    await _confirm(bucket, before)
    return found


async def _proven(bucket: BucketConnection) -> StreamState | None:
    """Return the stream's state before a read; None if the stream has one copy, which needs no proof."""
    return await bucket.state() if bucket.replicated else None


async def _confirm(bucket: BucketConnection, before: StreamState | None) -> None:
    """Raise NotProven if the stream's leader is not the one of `before`: one that was deposed may have answered."""
    if before is not None and (await bucket.state()).leadership != before.leadership:
        raise NotProven("the stream has another leader now")


async def _confirm_none(bucket: BucketConnection, before: StreamState, keys: tuple[str, ...], after: int = 0) -> None:
    """Raise NotProven if the leader has messages of these keys after a sequence, up to those that `before` names."""
    for each in keys:
        wanted = {"seq": after + 1, "next_by_subj": bucket.prefix + each}
        found = await request(bucket.client, f"STREAM.MSG.GET.{bucket.stream}", wanted, missing=True)
        if found is not None and found["message"]["seq"] <= before.last:
            raise NotProven(_LAGS)
    await _confirm(bucket, before)


async def last_of_each(bucket: BucketConnection, js: JetStreamContext, *keys: str) -> list[Message]:
    """Like `all_last`, in one round trip where the bucket allows direct gets and few such keys exist."""
    if not bucket.direct:
        return await all_last(bucket, js, *keys)
    before = await _proven(bucket)
    inbox = bucket.client.new_inbox()
    subscription = await bucket.client.subscribe(inbox)
    try:
        # https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
        wanted = json.dumps({"multi_last": [bucket.prefix + each for each in keys]}).encode()
        await bucket.client.publish(f"$JS.API.DIRECT.GET.{bucket.stream}", wanted, reply=inbox)
        messages: list[Message] = []
        while True:
            answer = await subscription.next_msg(timeout=2)
            headers = dict(answer.headers or {})
            status = headers.get("Status")
            if status == "503":
                raise nats.js.errors.NoStreamResponseError
            if status == "204":
                if before is not None and int(headers.get("Nats-UpTo-Sequence", 0)) < before.last:
                    raise NotProven(_LAGS)
                return messages
            if status == "404":
                if before is not None:
                    await _confirm_none(bucket, before, keys)
                return messages
            if status is not None:  # more than the server sends in one response
                return await all_last(bucket, js, *keys)
            key = headers["Nats-Subject"][len(bucket.prefix) :]
            messages.append(Message(key, answer.data, int(headers["Nats-Sequence"]), headers))
    finally:
        await subscription.unsubscribe()


async def all_last(bucket: BucketConnection, js: JetStreamContext, *keys: str) -> list[Message]:
    """Return the last message of every key that matches, in the order of the stream. Raises NotProven."""
    found: list[Message] = []
    for each in keys:
        found += await read(bucket, js, each, deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT)
    return sorted(found, key=lambda message: message.sequence)


async def history(
    bucket: BucketConnection, js: JetStreamContext, keys: str, *, after: int, limit: int
) -> list[Message]:
    """Return the next messages after a sequence, at most `limit`, including superseded ones. Raises NotProven."""
    return await read(
        bucket,
        js,
        keys,
        after=after,
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        limit=limit,
    )


async def read(
    bucket: BucketConnection,
    js: JetStreamContext,
    keys: str,
    *,
    after: int = 0,
    limit: int | None = None,
    **config: Any,
) -> list[Message]:
    """Return the current messages, by one ordered consumer; the first ones in order, if there is a limit."""
    before = await _proven(bucket)
    messages = await _consume(bucket, js, keys, limit, config)
    if before is not None and (limit is None or len(messages) < limit):
        end = messages[-1].sequence if messages else after
        if end < before.last:
            await _confirm_none(bucket, before, (keys,), after=end)
    return messages


async def _consume(
    bucket: BucketConnection, js: JetStreamContext, keys: str, limit: int | None, config: dict[str, Any]
) -> list[Message]:
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


async def written_at(bucket: BucketConnection, sequence: int) -> str | None:
    """Return when the message with this sequence was written, as the server says; None if it is not kept."""
    found = await request(bucket.client, f"STREAM.MSG.GET.{bucket.stream}", {"seq": sequence}, missing=True)
    return found["message"]["time"] if found else None
