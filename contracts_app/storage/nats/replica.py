"""The replica of the stream in this process: loaded in one pass, and kept current by its messages.

The replica is current while all of this holds. Whatever breaks it ends the session, and the next session begins by
comparing the replica with the stream:

- the consumer's numbering has no gap, and each heartbeat names the last number that was received;
- a message or a heartbeat came within MAX_SILENCE seconds, on the connection that the session began with;
- no process of this machine has shown or written a later sequence (the shared high-water mark), and, where other
  machines use the same bucket, the stream has no later one (the fence);
- the stream is the one that was loaded: created at the same time, and still holding the last message applied.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.nats.audit_headers import stored_write
from contracts_app.storage.nats.connection import OUTAGE_ERRORS, BucketConnection
from contracts_app.storage.nats.fence import Fence
from contracts_app.storage.nats.high_water_mark import HighWaterMark
from contracts_app.storage.nats.jetstream_api import SessionEnded, request
from contracts_app.storage.nats.reads import Message, deletes
from contracts_app.storage.replica import Replica, ReplicaStatus, Watchers
from contracts_app.storage.writes import StoredWrite

logger = logging.getLogger(__name__)

HEARTBEAT = 0.5
MAX_SILENCE = 3 * HEARTBEAT
MAX_WAIT = 0.25
"""Seconds that a read waits for a lagging replica before it asks the store itself."""
MAX_LOOP_WAIT = 0.02
"""The same for a read on the event loop, which then continues in a thread."""
_POLL = 0.0005
_NOT_LOADED = "the replica has not been loaded yet"


@dataclass(frozen=True)
class ReplicaSnapshot:
    """A replica at one moment, from which a process can continue."""

    index: ContractIndex
    stream_created: str
    last_message: bytes


@dataclass(eq=False)
class _Session:
    """The state of one consumer, from catching up until it ends."""

    index: ContractIndex
    consumed: int = 0
    """The consumer's number of the last message."""
    pending: int = 0
    """The number of the message at which the replica has caught up."""
    loading: bool = False
    subscription: Any = None
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Event = field(default_factory=asyncio.Event)


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
        self._index = start.index if start else ContractIndex(max_bytes=max_bytes)
        self._bucket = bucket
        self._max_bytes = max_bytes
        self._report = report
        self._watchers = watchers if watchers is not None else []
        # If other machines write too, each read first asks the stream for its last sequence.
        self._fence = Fence(bucket, self._raise_mark) if fenced else None
        self._mark: HighWaterMark | None = None
        self._live = False
        self._reason = _NOT_LOADED
        self._stream_created = start.stream_created if start else ""
        self._last_message = start.last_message if start else b""
        self._heard = 0.0
        self._sessions = 0
        self._reload_watchers = bool(watchers)
        self._session: _Session | None = None
        self._applied: dict[int, asyncio.Future[None]] = {}
        self._task: Any = None

    # From any thread

    def start(self) -> None:
        self._task = asyncio.run_coroutine_threadsafe(self._follow(), self._bucket.thread.loop())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._live = False

    @property
    def index(self) -> ContractIndex:
        return self._index

    @property
    def is_current(self) -> bool:
        mark = self._mark
        return self._live and mark is not None and mark.value <= self._index.sequence

    @property
    def is_lagging(self) -> bool:
        mark = self._mark
        return self._live and mark is not None and mark.value > self._index.sequence

    def reload_watchers(self) -> None:
        """Begin a new session, so that new watchers are called with its sequence."""
        self._reload_watchers = True
        self._bucket.thread.loop().call_soon_threadsafe(self._end_session, "a watcher was added")

    def snapshot(self, deadline: float) -> ReplicaSnapshot | None:
        """Wait until the replica is loaded; return None in an outage, or at the deadline (of `time.monotonic`)."""
        while not self._live:
            if self._reason != _NOT_LOADED or self._bucket.is_unreachable or time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return ReplicaSnapshot(self._index, self._stream_created, self._last_message)

    def wait(self) -> bool:
        if self._bucket.thread.is_current():
            return self.is_current and self._fence is None  # the awaited messages would come on this very loop
        if self._fence is not None and self._live:
            try:
                self._bucket.thread.run(self._fence.pass_through(), MAX_SILENCE)
            except (SessionEnded, TimeoutError, *OUTAGE_ERRORS):
                return False
        deadline = time.monotonic() + MAX_WAIT
        while not self.is_current:
            if not self._live or time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True

    async def wait_until_current(self) -> bool:
        if self._fence is None:
            if self.is_current:
                return True
        elif self._live:
            try:
                async with asyncio.timeout(MAX_SILENCE):
                    await self._bucket.thread.await_result(self._fence.pass_through())
            except (SessionEnded, TimeoutError, *OUTAGE_ERRORS):
                return False
        deadline = time.monotonic() + MAX_LOOP_WAIT
        while self.is_lagging and time.monotonic() < deadline:
            await asyncio.sleep(_POLL)
        return self.is_current

    def status(self) -> ReplicaStatus:
        index, mark = self._index, self._mark
        behind = max(0, mark.value - index.sequence) if mark else 0
        reason = self._reason if not self._live else f"{behind} messages behind" if behind else ""
        return ReplicaStatus(
            current=self.is_current,
            sequence=index.sequence,
            behind=behind,
            silence=round(time.monotonic() - self._heard, 3) if self._heard else 0.0,
            contracts=index.count_names(),
            versions=len(index),
            body_bytes=index.contents.bytes,
            resyncs=max(0, self._sessions - 1),
            reason=reason,
        )

    # On the event loop

    async def applied(self, sequence: int) -> None:
        """Wait a moment until a write of this process is applied here; from now on, no process may show less."""
        self._raise_mark(sequence)
        if self._live and self._index.sequence < sequence:
            loop = asyncio.get_running_loop()
            self._applied[sequence] = applied = loop.create_future()
            # After that time, reads find by themselves that the replica is lagging.
            timer = loop.call_later(MAX_WAIT, self._release, sequence)
            try:
                await applied
            finally:
                timer.cancel()
                self._applied.pop(sequence, None)

    def _release(self, sequence: int) -> None:
        applied = self._applied.get(sequence)
        if applied is not None and not applied.done():
            applied.set_result(None)

    def _raise_mark(self, sequence: int) -> None:
        if self._mark is not None:
            self._mark.raise_to(sequence)

    async def _follow(self) -> None:
        """Run one session after the other."""
        self._bucket.on_lost = lambda: self._end_session("the connection to the server was lost")
        while True:
            try:
                js = await self._bucket.ready(time.monotonic() + 5)
                await self._run_session(js)
            except (SessionEnded, StorageUnavailable, *OUTAGE_ERRORS) as error:
                self._reason = str(error) or type(error).__name__
            except Exception as error:  # without a session the replica would never be current again
                logger.exception("the replica's session failed")
                self._reason = str(error)
            finally:
                self._live = False
                await self._close_session()
            logger.debug("the replica is compared with the stream again", extra={"reason": self._reason})
            self._report(self.status())
            await asyncio.sleep(0.05)

    async def _run_session(self, js: JetStreamContext) -> None:
        """Catch up, and follow until the session ends. Raises SessionEnded."""
        # Read before the stream's state: a mark beyond that state means that the stream has lost messages.
        mark = self._mark
        known = mark.value if mark else 0
        state = await request(self._bucket, f"STREAM.INFO.{self._bucket.stream}")
        created, last = state["created"], state["state"]["last_seq"]
        if mark is None or created != self._stream_created:
            mark = self._new_mark(created)
            known = min(mark.value, last)  # another process may be ahead
        if last < known:
            mark.lower(known, last)
        resumed = await self._can_resume(created, last)
        session = _Session(self._index if resumed else ContractIndex(max_bytes=self._max_bytes), loading=not resumed)
        self._session = session
        if session.loading:
            session.index.begin()
            gc.disable()  # it would traverse all that is being loaded, many times
        pending = await self._consume(session)
        self._heard = time.monotonic()
        if pending:
            session.pending = pending
            if session.consumed < pending:
                await self._wait_for(session.caught_up, session)
        else:
            session.index.sequence = max(session.index.sequence, last)
        if session.loading:
            session.index.finish()
            session.loading = False
            # The garbage collector need not traverse what stays: it would stop all threads each time.
            gc.freeze()
            gc.enable()
        self._become_live(session, created, mark, resumed=resumed)
        await self._watch_session(session, mark)

    async def _consume(self, session: _Session) -> int:
        """Create the consumer; return the number of the message at which the replica has caught up."""
        client = self._bucket.client
        assert client is not None
        config: dict[str, Any] = {
            "deliver_subject": client.new_inbox(),
            "deliver_policy": "last_per_subject" if session.loading else "by_start_sequence",
            "ack_policy": "none",
            "max_deliver": 1,
            "filter_subject": self._bucket.prefix + ">",
            "flow_control": True,
            "idle_heartbeat": int(HEARTBEAT * 1e9),
            "inactive_threshold": int(5e9),
            "mem_storage": True,
            "num_replicas": 1,
            "name": f"replica-{uuid.uuid4().hex[:16]}",
        }
        if not session.loading:
            config["opt_start_seq"] = session.index.sequence + 1
        session.subscription = await client.subscribe(
            config["deliver_subject"],
            cb=partial(self._receive, session),
            pending_bytes_limit=1024**3,
            pending_msgs_limit=10_000_000,
        )
        response = await request(
            self._bucket,
            f"CONSUMER.CREATE.{self._bucket.stream}.{config['name']}.{config['filter_subject']}",
            {"stream_name": self._bucket.stream, "config": config},
        )
        return int(response.get("num_pending", 0) + response.get("delivered", {}).get("consumer_seq", 0))

    def _become_live(self, session: _Session, created: str, mark: HighWaterMark, *, resumed: bool) -> None:
        self._stream_created = created
        mark.raise_to(session.index.sequence)
        self._index = session.index
        self._sessions += 1
        self._reason = ""
        if not resumed or self._reload_watchers:
            self._reload_watchers = False
            for _, loaded in self._watchers:
                loaded(session.index.sequence)
        self._live = not session.broken.is_set()
        self._report(self.status())
        logger.info(
            "the replica is current",
            extra={"sequence": session.index.sequence, "versions": len(session.index), "resumed": resumed},
        )

    async def _close_session(self) -> None:
        session, self._session = self._session, None
        gc.enable()
        if session is not None and session.subscription is not None:
            with contextlib.suppress(Exception):
                await session.subscription.unsubscribe()  # the server then deletes the consumer
            # The subscription refers back to the session, and so to an index that may be replaced. The collector does
            # not find such circles, because a load freezes all that is in memory.
            session.subscription = None

    def _new_mark(self, created: str) -> HighWaterMark:
        servers = ",".join(sorted(self._bucket.servers))
        self._mark = mark = HighWaterMark(f"{servers} {self._bucket.stream} {created}")
        return mark

    async def _can_resume(self, created: str, last: int) -> bool:
        """Return whether the stream is the one that was loaded, and still has the last message that was applied."""
        sequence = self._index.sequence
        if created != self._stream_created or last < sequence:
            return False
        if not sequence or not self._last_message:
            return sequence == 0 or last == sequence
        found = await request(self._bucket, f"STREAM.MSG.GET.{self._bucket.stream}", {"seq": sequence}, missing=True)
        if found is None:
            return False
        return _fingerprint(found["message"]["subject"], found["message"]["time"]) == self._last_message

    # Messages

    async def _receive(self, session: _Session, message: Msg) -> None:
        """Handle a message of the consumer: a write, a heartbeat, or a flow control request."""
        if session is not self._session or session.broken.is_set():
            return
        try:
            self._heard = time.monotonic()
            headers = message.headers or {}
            status = headers.get("Status")
            if status is not None and not message.data:
                await self._control(session, message, status, headers)
            else:
                self._apply(session, message, headers)
        except SessionEnded as ended:
            self._end_session(str(ended))
        except Exception as error:
            logger.exception("a message of the stream could not be applied")
            self._end_session(f"a message could not be applied: {error}")

    def _apply(self, session: _Session, message: Msg, headers: dict[str, str]) -> None:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns since 1970>.<pending>, or with
        # <domain>.<account hash> before the stream and a token at the end.
        tokens = message.reply.split(".")
        first = 4 if len(tokens) == 9 else 6
        sequence, consumed, moment = map(int, tokens[first + 1 : first + 4])
        if consumed != session.consumed + 1:
            raise SessionEnded(f"the consumer's messages have a gap: {consumed} came after {session.consumed}")
        session.consumed = consumed
        key = message.subject[len(self._bucket.prefix) :]
        if not session.loading:
            self._raise_mark(sequence)
        session.index.apply(key, sequence, None if deletes(headers) else message.data)
        self._last_message = b"%s %d" % (message.subject.encode(), moment)
        if not session.loading and not self._reload_watchers:
            for watcher, _ in self._watchers:
                watcher(sequence, len(message.data), partial(_write_of, message, key, sequence, headers))
        self._release(sequence)
        if consumed == session.pending:
            session.caught_up.set()

    async def _control(self, session: _Session, message: Msg, status: str, headers: dict[str, str]) -> None:
        client = self._bucket.client
        if status != "100" or client is None:
            raise SessionEnded(f"the consumer ended: {status} {headers.get('Description', '')}")
        if message.reply:
            await client.publish(message.reply)
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await client.publish(stalled)
        last = headers.get("Nats-Last-Consumer")
        if last is not None and int(last) != session.consumed:
            raise SessionEnded(f"the consumer's messages have a gap: {last} were sent, {session.consumed} came")

    def _end_session(self, reason: str) -> None:
        self._live = False
        self._reason = reason
        if self._session is not None:
            self._session.broken.set()

    async def _watch_session(self, session: _Session, mark: HighWaterMark) -> None:
        """Return when the replica may have missed something. Raises SessionEnded."""
        lagging_since = None
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(session.broken.wait(), HEARTBEAT / 2)
                raise SessionEnded(self._reason)
            now = time.monotonic()
            self._report(self.status())
            if now - self._heard > MAX_SILENCE:
                raise SessionEnded(f"no heartbeat for {MAX_SILENCE:g} seconds")
            if mark.value <= session.index.sequence:
                lagging_since = None
            else:
                lagging_since = lagging_since or now
                if now - lagging_since > 1:
                    raise SessionEnded("another process has seen messages that do not come here")

    async def _wait_for(self, event: asyncio.Event, session: _Session) -> None:
        while not event.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(event.wait(), HEARTBEAT)
            if session.broken.is_set():
                raise SessionEnded(self._reason)
            if time.monotonic() - self._heard > MAX_SILENCE:
                raise SessionEnded(f"no heartbeat for {MAX_SILENCE:g} seconds")


def _write_of(message: Msg, key: str, sequence: int, headers: dict[str, str]) -> StoredWrite:
    return stored_write(Message(key, message.data, sequence, headers, message.metadata.timestamp))


def _fingerprint(subject: str, written: str) -> bytes:
    """Return a message's subject and time of writing, in the form of `StreamReplica._last_message`."""
    seconds, _, fraction = written.removesuffix("Z").partition(".")
    moment = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return b"%s %d" % (subject.encode(), moment * 10**9 + int(fraction.ljust(9, "0") or 0))
