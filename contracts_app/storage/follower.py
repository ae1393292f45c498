"""The process's copy of the bucket: loaded by one pass over the stream, and kept current by its messages.

The copy is current as long as all of this holds; whatever breaks it ends the session, and the next one
begins with a comparison of the copy and the stream:

- the consumer's own numbering has no gap, and each heartbeat names the last number that came;
- a message or a heartbeat came within SILENCE seconds, on the connection the session began with;
- no process of this machine has shown or written a later sequence (the shared high-water mark), nor, where other
  machines serve the same bucket, has the stream a later one (the fence);
- the stream is the one that was loaded: made at the same time, and still holding the last message applied.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.base import CopyStatus, Watcher
from contracts_app.storage.connection import AWAY, BucketConnection
from contracts_app.storage.high_water import HighWaterMark
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.session import SILENCE, Ended, Session, request

logger = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds that a reader waits for a copy which is behind, before it asks the store itself."""

SHORT_PATIENCE = 40
"""How many half milliseconds one on the event loop waits for it."""


@dataclass(frozen=True)
class Loaded:
    """A copy as it was at some moment, to go on from."""

    index: ContractIndex
    stream_made: str
    last_seen: bytes


_NOT_YET = "the copy has not been loaded yet"


class Follower:
    def __init__(
        self,
        bucket: BucketConnection,
        *,
        max_bytes: int,
        start: Loaded | None = None,
        fenced: bool = False,
        report: Callable[[CopyStatus], None] = lambda status: None,
        watchers: Sequence[tuple[Watcher, Callable[[int], None]]] = (),
    ) -> None:
        self.index = start.index if start else ContractIndex(max_bytes=max_bytes)
        self.bucket = bucket
        self.max_bytes = max_bytes
        self.report = report
        self.watchers = watchers
        self.fenced = fenced
        """Whether other machines write and show, too: each read then asks the stream for its last sequence first."""
        self.mark: HighWaterMark | None = None
        self.live = False
        self.reason = _NOT_YET
        self.stream_made = start.stream_made if start else ""
        self.last_seen = start.last_seen if start else b""
        self.heard = 0.0
        self.sessions = 0
        self.untold = bool(watchers)
        self.waiting: dict[int, asyncio.Future[None]] = {}
        self.broken: asyncio.Event | None = None
        self._future: Any = None
        # What asks the stream for its last sequence now, and what will as soon as that is answered.
        self._question: asyncio.Future[None] | None = None
        self._next_question: asyncio.Future[None] | None = None

    # From any thread

    def start(self) -> None:
        self._future = asyncio.run_coroutine_threadsafe(self._follow(), self.bucket.thread.loop())

    def restart(self) -> None:
        """Begin a new session, which tells those who watch where they stand."""
        self.untold = True
        self.bucket.thread.loop().call_soon_threadsafe(self.break_off, "somebody new watches")

    def stop(self) -> None:
        if self._future is not None:
            self._future.cancel()
        self.live = False

    @property
    def current(self) -> bool:
        """Whether the copy holds all that any process of this machine has shown or written."""
        mark = self.mark
        return self.live and mark is not None and mark.value <= self.index.sequence

    @property
    def behind(self) -> bool:
        mark = self.mark
        return self.live and mark is not None and mark.value > self.index.sequence

    def loaded(self, deadline: float) -> Loaded | None:
        """Wait until the copy is loaded; None where the store is away, or the time is up (of `time.monotonic`)."""
        while not self.live:
            if self.reason != _NOT_YET or self.bucket.away or time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return Loaded(self.index, self.stream_made, self.last_seen)

    def wait(self) -> bool:
        """Wait a moment for the copy to be current; whether it is."""
        if self.bucket.thread.here():
            return self.current and not self.fenced  # what is waited for would come on this very loop
        if self.fenced and self.live:
            try:
                self.bucket.thread.run(self._ask_together(), SILENCE)
            except (Ended, TimeoutError, *AWAY):
                return False
        deadline = time.monotonic() + PATIENCE
        while not self.current:
            if not self.live or time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        return True

    def status(self) -> CopyStatus:
        index, mark = self.index, self.mark
        behind = max(0, mark.value - index.sequence) if mark else 0
        reason = self.reason if not self.live else f"{behind} messages behind" if behind else ""
        return CopyStatus(
            current=self.current,
            sequence=index.sequence,
            behind=behind,
            silence=round(time.monotonic() - self.heard, 3) if self.heard else 0.0,
            contracts=index.count_names(),
            versions=len(index),
            body_bytes=index.bodies.bytes,
            resyncs=max(0, self.sessions - 1),
            reason=reason,
        )

    # On the event loop

    async def arrive(self) -> bool:
        """As `wait`, for who is on the event loop: whether the copy holds all that was written before this call."""
        if self.fenced and self.live:
            try:
                async with asyncio.timeout(SILENCE):
                    await self._ask_together()
            except (Ended, TimeoutError, *AWAY):
                return False
        for _ in range(SHORT_PATIENCE):
            if not self.behind:
                break
            await asyncio.sleep(0.0005)
        return self.current

    async def _ask_together(self) -> None:
        """Raise the mark to the stream's last sequence, as it is after this call; many who call share one question.

        A question that is under way may have been answered before the call, so that they wait for the one after it.
        """
        if self._next_question is None:
            self._next_question = asyncio.ensure_future(self._ask(self._question))
            # Those who asked may have gone by then.
            self._next_question.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        await asyncio.shield(self._next_question)

    async def _ask(self, before: asyncio.Future[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._question, self._next_question = self._next_question, None
        state = await request(self.bucket, f"STREAM.INFO.{self.bucket.stream}")
        if self.mark is not None:
            self.mark.raise_to(state["state"]["last_seq"])

    async def wrote(self, sequence: int) -> None:
        """This process has written `sequence`: no process may show less from now on, and this one need not wait for it.

        On the event loop; the message comes on the connection that the acknowledgement came on.
        """
        if self.mark is not None:
            self.mark.raise_to(sequence)
        if self.live and self.index.sequence < sequence:
            loop = asyncio.get_running_loop()
            self.waiting[sequence] = applied = loop.create_future()
            # After that time the readers see for themselves that the copy is behind.
            timer = loop.call_later(PATIENCE, self.release, sequence)
            try:
                await applied
            finally:
                timer.cancel()
                self.waiting.pop(sequence, None)

    def release(self, sequence: int) -> None:
        """Let who waits for this sequence go on."""
        waiting = self.waiting.get(sequence)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _follow(self) -> None:
        self.bucket.on_lost = lambda: self.break_off("the connection to the server was lost")
        while True:
            session = Session(self)
            try:
                js = await self.bucket.ready(time.monotonic() + 5)
                await session.run(js)
            except (Ended, StorageUnavailable, *AWAY) as error:
                self.reason = str(error) or type(error).__name__
            except Exception as error:  # a copy that nobody keeps would be worse than a log line
                logger.exception("the copy's session failed")
                self.reason = str(error)
            finally:
                self.live = False
                await session.close()
            logger.debug("the copy is looked at again", extra={"reason": self.reason})
            self.report(self.status())
            await asyncio.sleep(0.05)

    def break_off(self, reason: str) -> None:
        self.live = False
        self.reason = reason
        if self.broken is not None:
            self.broken.set()
