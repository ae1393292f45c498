"""The fence of reads where several machines use one bucket: the stream's last sequence at the time of the read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from contracts_app.storage.nats.connection import BucketConnection
from contracts_app.storage.nats.jetstream_api import request


class Fence:
    """Asks the stream for its last sequence; concurrent reads share one request.

    A request already in flight may have been answered before a read began, so the read waits for the next one.
    """

    def __init__(self, bucket: BucketConnection, raise_mark: Callable[[int], None]) -> None:
        self._bucket = bucket
        self._raise_mark = raise_mark
        self._running: asyncio.Future[None] | None = None
        self._following: asyncio.Future[None] | None = None

    async def pass_through(self) -> None:
        """Raise the mark to the stream's last sequence as of this call. Raises the errors of `request`."""
        if self._following is None:
            self._following = asyncio.ensure_future(self._ask(self._running))
            # The callers may be gone by then.
            self._following.add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.shield(self._following)

    async def _ask(self, before: asyncio.Future[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._following = self._following, None
        state = await request(self._bucket, f"STREAM.INFO.{self._bucket.stream}")
        self._raise_mark(state["state"]["last_seq"])
