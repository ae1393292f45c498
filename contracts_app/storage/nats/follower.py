"""Following the stream: one session after the other, each loaded or resumed, proven complete, and probed.

Whatever breaks a proof ends the session, and the next one begins by comparing the replica with the stream:

- the session proves that no message is missing between the server and here (session.py);
- the stream is the one that was loaded, and has not lost messages of what was applied (stream_state.py), as is checked
  every PROBE_SECONDS, at each fence, and whenever the server announces a change of the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.nats.audit_headers import stored_write
from contracts_app.storage.nats.connection import OUTAGE_ERRORS, BucketConnection, NotProven
from contracts_app.storage.nats.high_water_mark import HighWaterMark
from contracts_app.storage.nats.jetstream_api import request
from contracts_app.storage.nats.reads import Message, deletes
from contracts_app.storage.nats.session import ConsumerSession, Delivered, SessionEnded
from contracts_app.storage.nats.stream_state import StreamState, Tally, identity_of, nanoseconds
from contracts_app.storage.replica import Watchers
from contracts_app.storage.writes import StoredWrite

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.25
MAX_FAILURES = 2
"""Failures in a row after which the connection is replaced."""
MAX_DOUBT_SECONDS = 5
"""Seconds without a proof after which another server is tried, where there are several."""
MAX_COMPLETION_SECONDS = 3
"""Seconds for which a server that lags behind the stream's leader is waited for."""
_NOT_LOADED = "the replica has not been loaded yet"


@dataclass(frozen=True)
class ReplicaSnapshot:
    """A replica at one moment, from which a process can continue."""

    index: ContractIndex
    stream_created: str
    last_message: tuple[str, int]
    tally: Tally


class StreamFollower:
    """Keeps an index current. Everything but the properties is for the event loop."""

    def __init__(
        self,
        bucket: BucketConnection,
        *,
        max_bytes: int,
        start: ReplicaSnapshot | None,
        fenced: bool,
        watchers: Watchers,
        report: Callable[[], None],
        applied: Callable[[int], None],
    ) -> None:
        self._bucket = bucket
        self._max_bytes = max_bytes
        self._watchers = watchers
        self._report = report
        self._applied = applied
        """Called with the sequence of each message that was applied."""
        self.index = start.index if start else ContractIndex(max_bytes=max_bytes)
        self.mark: HighWaterMark | None = None
        self.fenced = fenced
        """Whether each read first asks the stream's leader: other machines write, or the stream has several copies."""
        self.stream = identity_of(start.stream_created if start else "")
        self.proven_at = 0.0
        """When the index was last proven to be current; 0 if it never was."""
        self.sessions = 0
        self.full = ""
        """Why the store refuses writes for want of room; empty if it does not."""
        self._fullness = 0, 0
        self._tally = start.tally if start else Tally()
        self._live = False
        self._doubt = ""
        """Why it is not certain that the replica is current, although it follows the stream."""
        self._observed: StreamState | None = None
        """What the stream is compared with once its last message is applied."""
        self._reason = _NOT_LOADED
        self._stream_created = start.stream_created if start else ""
        self._last_message = start.last_message if start else ("", 0)
        """Subject and time of writing of the last message that was applied."""
        self._failures = 0
        self._reached = False
        """Whether the stream's state was proven in the present attempt to follow it."""
        self._reload_watchers = bool(watchers)
        self._session: ConsumerSession | None = None
        self._advised = asyncio.Event()

    # From any thread

    @property
    def follows(self) -> bool:
        """Whether the messages come, and nothing speaks against the proof that there are no others."""
        session = self._session
        return self._live and not self._doubt and session is not None and not session.ended.is_set()

    @property
    def is_behind(self) -> bool:
        mark = self.mark
        return mark is None or mark.value > self.index.sequence or self._observed is not None

    @property
    def reason(self) -> str:
        """Why it does not follow; empty if it does."""
        return self._reason if not self._live else self._doubt

    @property
    def silence(self) -> float:
        """Seconds since the server last proved that nothing is missing."""
        session = self._session
        return session.silence if session else 0.0

    def stop(self) -> None:
        self._live = False

    def reload_watchers(self) -> None:
        """Begin a new session, so that new watchers are called with its sequence."""
        self._reload_watchers = True
        self._bucket.thread.loop().call_soon_threadsafe(self.end_session, "a watcher was added")

    def snapshot(self) -> ReplicaSnapshot:
        return ReplicaSnapshot(self.index, self._stream_created, self._last_message, self._tally)

    # On the event loop

    def raise_mark(self, sequence: int) -> None:
        if self.mark is not None:
            self.mark.raise_to(sequence)

    async def run(self) -> None:
        """Run one session after the other."""
        while True:
            self._reached = False
            try:
                await self._bucket.ready(time.monotonic() + 1)
                self._bucket.on_lost = lambda: self.end_session("the connection to the server was lost")
                await self._run_session()
            except (SessionEnded, StorageUnavailable, *OUTAGE_ERRORS) as error:
                self._fail(error)
            except Exception as error:  # without a session the replica would never be current again
                logger.exception("the replica's session failed")
                self._fail(error)
            finally:
                self._live = False
                await self._close_session()
            self._report()
            await asyncio.sleep(min(0.5, 0.05 * 2**self._failures))

    def _fail(self, error: BaseException) -> None:
        self._reason = self._bucket.explain(error)
        self._failures += 1
        if self._failures == MAX_FAILURES:
            logger.error("the contract store cannot be used", extra={"reason": self._reason})
        else:
            logger.debug("the replica is compared with the stream again", extra={"reason": self._reason})
        if self._reached and not isinstance(error, SessionEnded):
            return  # the stream itself can be read and written
        self._bucket.report_outage(self._reason)
        if self._failures < MAX_FAILURES or isinstance(error, StorageUnavailable):
            return
        # Another server may be well; only the connection itself may be dead.
        if not isinstance(error, NotProven) or len(self._bucket.servers) > 1:
            self._bucket.reconnect()

    async def _run_session(self) -> None:
        """Catch up, and follow until the session ends. Raises SessionEnded, OUTAGE_ERRORS, StorageUnavailable."""
        # Read before the stream's state: a mark beyond that state means that the stream has lost messages.
        mark = self.mark
        known = mark.value if mark else 0
        state = await self._bucket.state()
        self._bucket.report_recovery()
        self._reached = True
        if mark is None or state.created != self._stream_created:
            self.mark = mark = HighWaterMark(f"{self._bucket.stream} {state.created}")
            known = min(mark.value, state.last)  # another process may be ahead
        if state.last < known:
            mark.lower(known, state.last)
        resumed = await self._can_resume(state)
        index = self.index if resumed else ContractIndex(max_bytes=self._max_bytes)
        tally = self._tally if resumed else Tally()
        self._observed = None
        self._session = session = ConsumerSession(
            self._bucket.client,
            self._bucket.stream,
            self._bucket.prefix + ">",
            partial(self._apply, index, tally),
            self._advised_of_change,
            # With the fence, each read would be a request that is announced to all.
            audited=not self.fenced,
        )
        if not resumed:
            index.begin()
            gc.disable()  # it would traverse all that is being loaded, many times
        await session.start(index.sequence if resumed else None)
        await session.catch_up()
        if not resumed:
            index.finish()
            # The garbage collector need not traverse what stays: it would stop all threads each time.
            gc.freeze()
            gc.enable()
        state = await self._complete(session, index, state.created)
        if lost := tally.contradiction(state):
            self._stream_created = ""  # load anew
            raise SessionEnded(lost)
        self._tally = tally
        self._become_live(session, index, mark, state, resumed=resumed)
        await self._watch(session, mark)

    async def _complete(self, session: ConsumerSession, index: ContractIndex, created: str) -> StreamState:
        """Wait until all that the leader has is applied: the consumer may be on a server that lags behind it."""
        deadline = time.monotonic() + MAX_COMPLETION_SECONDS
        while True:
            state = await self._bucket.state()
            if state.created != created:
                raise SessionEnded("the bucket was made anew")
            if state.last <= index.sequence:
                return state
            wanted = {"seq": index.sequence + 1, "next_by_subj": self._bucket.prefix + ">"}
            following = await request(
                self._bucket.client, f"STREAM.MSG.GET.{self._bucket.stream}", wanted, missing=True
            )
            if following is None:  # what came last was removed
                index.sequence = max(index.sequence, state.last)
                return state
            if time.monotonic() > deadline:
                raise SessionEnded("the consumer's server lags behind the stream's leader")
            await session.pause(0.02)

    def _become_live(
        self, session: ConsumerSession, index: ContractIndex, mark: HighWaterMark, state: StreamState, *, resumed: bool
    ) -> None:
        self._stream_created, self.stream = state.created, state.identity
        self.fenced = self.fenced or state.replicas > 1
        mark.raise_to(index.sequence)
        self.index = index
        self.sessions += 1
        self._failures = 0
        self._reason = self._doubt = ""
        self._observed = None
        self.proven_at = time.monotonic()
        if not resumed or self._reload_watchers:
            self._reload_watchers = False
            for _, loaded in self._watchers:
                loaded(index.sequence, state.identity)
        self._live = not session.ended.is_set()
        self._report()
        logger.info(
            "the replica is current",
            extra={"sequence": index.sequence, "versions": len(index), "resumed": resumed},
        )

    async def _close_session(self) -> None:
        session, self._session = self._session, None
        gc.enable()
        if session is not None:
            await session.close()

    async def _can_resume(self, state: StreamState) -> bool:
        """Return whether the stream is the one that was loaded, and still has the last message that was applied."""
        sequence = self.index.sequence
        if state.created != self._stream_created or state.last < sequence:
            return False
        subject, written = self._last_message
        if not sequence or not subject:
            return sequence == 0 or state.last == sequence
        found = await request(
            self._bucket.client, f"STREAM.MSG.GET.{self._bucket.stream}", {"seq": sequence}, missing=True
        )
        if found is None:
            return False
        return bool((found["message"]["subject"], nanoseconds(found["message"]["time"])) == (subject, written))

    # Messages

    def _apply(self, index: ContractIndex, tally: Tally, delivered: Delivered) -> None:
        loading = index is not self.index
        key, sequence = delivered.subject[len(self._bucket.prefix) :], delivered.sequence
        if not loading:
            self.raise_mark(sequence)
        index.apply(key, sequence, None if deletes(delivered.headers) else delivered.data)
        tally.add(sequence, delivered.written, index.subjects)
        self._last_message = delivered.subject, delivered.written
        if self._observed is not None and sequence >= self._observed.last:
            self._compare(self._observed)
        if not loading and not self._reload_watchers:
            for watcher, _ in self._watchers:
                watcher(sequence, len(delivered.data), partial(_write_of, delivered, key))
        self._applied(sequence)

    def end_session(self, reason: str) -> None:
        self._live = False
        self._reason = reason
        if self._session is not None:
            self._session.end(reason)

    # The stream

    def _advised_of_change(self) -> None:
        self._doubt = "the server announced a change of the bucket"
        self._advised.set()

    async def observe(self) -> None:
        """Compare the replica with the stream. Raises SessionEnded, OUTAGE_ERRORS, StorageUnavailable."""
        index, known = self.index, self.index.sequence
        state = await self._bucket.state()
        if not self._live or index is not self.index:
            raise SessionEnded(self._reason)
        if state.created != self._stream_created:
            self.end_session("the bucket was made anew")
            raise SessionEnded(self._reason)
        if state.last < known:
            # A follower may have delivered what the leader itself has not applied yet.
            self._advised_of_change()
            raise NotProven(f"the stream ends at {state.last}, and {known} was applied")
        self.raise_mark(state.last)
        if index.sequence >= state.last:
            self._compare(state)
        else:
            self._observed = state
        self._fullness, before = (state.bytes, state.max_bytes), self._fullness
        if state.is_full:
            self.full = f"the bucket has reached its limit of {state.max_bytes} bytes"
        elif self.full and (state.bytes < before[0] or state.max_bytes != before[1]):
            self.full = ""
        self.proven_at = time.monotonic()

    def _compare(self, state: StreamState) -> None:
        self._observed = None
        if lost := self._tally.contradiction(state):
            logger.warning("the bucket is loaded anew: messages are missing from the stream", extra={"reason": lost})
            self._stream_created = ""
            self.end_session(lost)

    async def _watch(self, session: ConsumerSession, mark: HighWaterMark) -> None:
        """Probe the stream until the session ends. Raises SessionEnded."""
        probing = asyncio.ensure_future(self._probe(session))
        lagging_since = None
        try:
            while True:
                await session.pause(PROBE_SECONDS)
                self._report()
                now = time.monotonic()
                if mark.value <= self.index.sequence:
                    lagging_since = None
                else:
                    lagging_since = lagging_since or now
                    if now - lagging_since > 1:
                        raise SessionEnded("another process has seen messages that do not come here")
        finally:
            probing.cancel()

    async def _probe(self, session: ConsumerSession) -> None:
        failing_since = 0.0
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._advised.wait(), PROBE_SECONDS)
            self._advised.clear()
            try:
                await self.observe()
                failing_since, self._doubt = 0.0, ""
                self._bucket.report_recovery()
            except SessionEnded as ended:
                session.end(str(ended))
                return
            except (StorageUnavailable, *OUTAGE_ERRORS) as error:
                self._doubt = self._bucket.explain(error)
                self._bucket.report_outage(self._doubt)
                failing_since = failing_since or time.monotonic()
                # The messages may still come, and all is well again when the server has its leader back; but another
                # server may have it already.
                if len(self._bucket.servers) > 1 and time.monotonic() - failing_since > MAX_DOUBT_SECONDS:
                    session.end(self._doubt)
                    return


def _write_of(delivered: Delivered, key: str) -> StoredWrite:
    written = delivered.message.metadata.timestamp
    return stored_write(Message(key, delivered.data, delivered.sequence, delivered.headers, written))
