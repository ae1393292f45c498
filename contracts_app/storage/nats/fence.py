"""The fence of reads where several machines use one bucket: the stream's state, proven at the time of the read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Fence:
    """Calls `observe`, which asks for the stream's state; concurrent reads share one request.

    A request already in flight may have been answered before a read began, so the read waits for the next one.
    """

    def __init__(self, observe: Callable[[], Awaitable[None]]) -> None:
        self._observe = observe
        self._running: asyncio.Future[None] | None = None
        self._following: asyncio.Future[None] | None = None

    async def pass_through(self) -> None:
        """Have the stream's state as of this call observed. Raises the errors of `observe`."""
        if self._following is None:
            self._following = asyncio.ensure_future(self._ask(self._running))
            # The callers may be gone by then.
            self._following.add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.shield(self._following)

    async def _ask(self, before: asyncio.Future[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._following = self._following, None
        await self._observe()
