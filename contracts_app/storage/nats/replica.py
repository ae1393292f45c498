"""The replica of the stream in this process: read by any thread, and kept current by a follower (follower.py).

It is current while the follower can prove that nothing is missing, and no process of this machine has shown or written
a later sequence (the shared high-water mark). Where other machines or servers have copies, the stream's leader must
prove for each read that it has no later one (the fence).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.nats.connection import OUTAGE_ERRORS, BucketConnection
from contracts_app.storage.nats.fence import Fence
from contracts_app.storage.nats.follower import ReplicaSnapshot, StreamFollower
from contracts_app.storage.nats.session import MAX_SILENCE, SessionEnded
from contracts_app.storage.replica import Replica, ReplicaStatus, Watchers

MAX_WAIT = 0.25
"""Seconds that a read waits for a lagging replica before it asks the store itself."""
MAX_LOOP_WAIT = 0.02
"""The same for a read on the event loop, which then continues in a thread."""
_POLL = 0.0005
_FENCE_ERRORS = (SessionEnded, StorageUnavailable, TimeoutError, *OUTAGE_ERRORS)


class StreamReplica(Replica):
    def __init__(
        self,
        bucket: BucketConnection,
        *,
        max_bytes: int,
        start: ReplicaSnapshot | None = None,
        fenced: bool = False,
        report: Callable[[ReplicaStatus], None] = lambda status: None,
        watchers: Watchers | None = None,
    ) -> None:
        self._bucket = bucket
        self._follower = StreamFollower(
            bucket,
            max_bytes=max_bytes,
            start=start,
            fenced=fenced,
            watchers=watchers if watchers is not None else [],
            report=lambda: report(self.status()),
            applied=self._release,
        )
        self._fence = Fence(self._follower.observe)
        self._applied: dict[int, asyncio.Future[None]] = {}
        self._task: Any = None

    # From any thread

    def start(self) -> None:
        self._task = asyncio.run_coroutine_threadsafe(self._follower.run(), self._bucket.thread.loop())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._follower.stop()

    @property
    def index(self) -> ContractIndex:
        return self._follower.index

    @property
    def stream(self) -> str:
        return self._follower.stream

    @property
    def is_current(self) -> bool:
        return self._follower.follows and not self._follower.is_behind

    @property
    def is_lagging(self) -> bool:
        return self._follower.follows and self._follower.is_behind

    @property
    def stale_seconds(self) -> float | None:
        proven = self._follower.proven_at
        return time.monotonic() - proven if proven else None

    def reload_watchers(self) -> None:
        """Begin a new session, so that new watchers are called with its sequence."""
        self._follower.reload_watchers()

    def snapshot(self, deadline: float) -> ReplicaSnapshot | None:
        """Return the replica once it is current, or None if it is not by then, or the server was never reached."""
        while not self.is_current:
            if time.monotonic() > deadline or self._bucket.outage_seconds:
                return None
            time.sleep(0.01)
        return self._follower.snapshot()

    def wait(self) -> bool:
        if self._bucket.thread.is_current():
            return self.is_current and not self._follower.fenced  # awaited messages would come on this very loop
        if self._follower.fenced and self._follower.follows:
            try:
                self._bucket.thread.run(self._fence.pass_through(), MAX_SILENCE)
            except _FENCE_ERRORS:
                return False
        deadline = time.monotonic() + MAX_WAIT
        while not self.is_current:
            if not self._follower.follows or time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True

    async def wait_until_current(self) -> bool:
        if not self._follower.fenced:
            if self.is_current:
                return True
        elif self._follower.follows:
            try:
                async with asyncio.timeout(MAX_SILENCE):
                    await self._bucket.thread.await_result(self._fence.pass_through())
            except _FENCE_ERRORS:
                return False
        deadline = time.monotonic() + MAX_LOOP_WAIT
        while self.is_lagging and time.monotonic() < deadline:
            await asyncio.sleep(_POLL)
        return self.is_current

    def status(self) -> ReplicaStatus:
        follower, index = self._follower, self.index
        behind = max(0, follower.mark.value - index.sequence) if follower.mark else 0
        return ReplicaStatus(
            current=self.is_current,
            sequence=index.sequence,
            behind=behind,
            silence=round(follower.silence, 3),
            contracts=index.count_names(),
            versions=len(index),
            body_bytes=index.contents.bytes,
            resyncs=max(0, follower.sessions - 1),
            reason=follower.reason or (f"{behind} messages behind" if behind else ""),
            refuses_writes=follower.full,
            warnings=self._bucket.warnings,
        )

    # On the event loop

    async def applied(self, sequence: int) -> None:
        """Wait a moment until a write of this process is applied here; from now on, no process may show less."""
        self._follower.full = ""
        self._follower.raise_mark(sequence)
        if self._follower.follows and self.index.sequence < sequence:
            loop = asyncio.get_running_loop()
            self._applied[sequence] = applied = loop.create_future()
            # After that time, reads find by themselves that the replica is lagging.
            timer = loop.call_later(MAX_WAIT, self._release, sequence)
            try:
                await applied
            finally:
                timer.cancel()
                self._applied.pop(sequence, None)

    def refused(self, reason: str) -> None:
        """Note that the store refused a write because it is full, until one succeeds or the stream has room."""
        self._follower.full = reason

    def _release(self, sequence: int) -> None:
        applied = self._applied.get(sequence)
        if applied is not None and not applied.done():
            applied.set_result(None)
