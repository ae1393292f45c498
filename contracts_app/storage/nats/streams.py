"""Reading the messages of any stream in order, without a trace: an ephemeral consumer that acknowledges nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timezone

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from contracts_app.exceptions import ContractNotFound, ContractRefused
from contracts_app.storage.base import StreamMessage
from contracts_app.storage.nats.connection import OUTAGE_ERRORS, BucketConnection

BATCH_MESSAGES = 500
MAX_PENDING_BYTES = 16 * 1024 * 1024
"""Bytes that the server may send ahead: the memory that reading takes."""
NEXT_SECONDS = 5
_BUCKETS = ("KV_", "OBJ_")
_LATEST = datetime(2262, 1, 1, tzinfo=timezone.utc)


class StreamReader:
    """An ordered consumer of the messages on some subjects of a stream; `pending` is how many are left."""

    def __init__(self, connection: BucketConnection, stream: str, subject: str) -> None:
        self._connection, self._stream, self._subject = connection, stream, subject
        self._subscription: JetStreamContext.PushSubscription | None = None
        self.pending = 0

    def open(self, *, since: datetime | None = None, after: int = 0) -> None:
        """Begin at a time, after a sequence, or at the first message.

        Raises ContractNotFound, ContractRefused, StorageUnavailable.
        """
        if self._stream.startswith(_BUCKETS):
            raise ContractRefused(f"The stream {self._stream} has the values of a bucket, which are not messages")
        config = api.ConsumerConfig(inactive_threshold=60)
        if since is not None:
            config.deliver_policy = api.DeliverPolicy.BY_START_TIME
            # The server counts nanoseconds in 64 bits, and reads a later time as none.
            config.opt_start_time = min(since, _LATEST)
        elif after:
            config.deliver_policy, config.opt_start_seq = api.DeliverPolicy.BY_START_SEQUENCE, after + 1
        self.pending = self._connection.run(lambda js: self._open(js, config))

    async def _open(self, js: JetStreamContext, config: api.ConsumerConfig) -> int:
        try:
            self._subscription = await js.subscribe(
                self._subject,
                stream=self._stream,
                ordered_consumer=True,
                config=config,
                pending_bytes_limit=MAX_PENDING_BYTES,
            )
            info = await self._subscription.consumer_info()
        except nats.js.errors.NotFoundError:
            raise ContractNotFound(f"There is no stream {self._stream} in this account") from None
        except nats.js.errors.APIError as error:
            raise ContractRefused(f"The stream {self._stream} cannot be read: {error.description}") from None
        return (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)

    def batches(self) -> Iterator[list[StreamMessage]]:
        """Yield the messages up to the last one that was there at the beginning, in batches.

        Raises StorageUnavailable.
        """
        left = self.pending
        while left > 0:
            try:
                batch = self._connection.thread.run(self._batch(min(left, BATCH_MESSAGES)), NEXT_SECONDS * 4)
            except OUTAGE_ERRORS as error:
                raise self._connection.unavailable(error) from error
            if not batch:
                return  # purged or expired meanwhile
            left = min(left - len(batch), batch[-1].pending)
            yield batch

    async def _batch(self, count: int) -> list[StreamMessage]:
        assert self._subscription is not None
        found: list[StreamMessage] = []
        with contextlib.suppress(nats.errors.TimeoutError):
            while len(found) < count:
                message = await self._subscription.next_msg(timeout=NEXT_SECONDS)
                meta = message.metadata
                headers = dict(message.headers or {})
                found.append(
                    StreamMessage(meta.sequence.stream, message.subject, headers, message.data, meta.num_pending)
                )
                if meta.num_pending == 0:
                    break
        return found

    def close(self) -> None:
        """End the consumer."""
        subscription = self._subscription
        if subscription is not None:
            with contextlib.suppress(Exception):  # otherwise the server drops it after some idle time
                self._connection.thread.run(self._close(subscription), 5)

    async def _close(self, subscription: JetStreamContext.PushSubscription) -> None:
        name = (await subscription.consumer_info()).name
        await subscription.unsubscribe()
        await self._connection.run_now(lambda js: js.delete_consumer(self._stream, name))
