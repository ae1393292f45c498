"""One session of following the bucket: a consumer's life, from catching up until something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts_app.storage.audit import written
from contracts_app.storage.base import Written
from contracts_app.storage.connection import BucketConnection
from contracts_app.storage.high_water import HighWaterMark
from contracts_app.storage.index import ContractIndex
from contracts_app.storage.messages import Message, deletes

if TYPE_CHECKING:
    from contracts_app.storage.follower import Follower

logger = logging.getLogger(__name__)

HEARTBEAT = 0.5
SILENCE = 3 * HEARTBEAT


class Ended(Exception):
    """The session cannot go on; the message says why."""


class Session:
    """One consumer's life."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._bucket = follower.bucket
        self._index = follower.index
        self._consumed = 0
        self._loading = False
        self._waiting_for = 0
        self._subscription: Any = None
        self._caught_up = asyncio.Event()
        self._dead = False
        follower.broken = asyncio.Event()
        self._broken = follower.broken

    async def run(self, js: JetStreamContext) -> None:
        """Catch up, and follow until something breaks. Raises Ended."""
        follower, client = self._follower, self._bucket.client
        assert client is not None
        # Read before the stream's state: a mark beyond that state means that the stream has lost messages.
        mark = follower.mark
        known = mark.value if mark else 0
        state = await request(self._bucket, f"STREAM.INFO.{self._bucket.stream}")
        made, last = state["created"], state["state"]["last_seq"]
        if mark is None or made != follower.stream_made:
            mark = self._new_mark(made)
            known = min(mark.value, last)  # another process may have come further since
        if last < known:
            mark.lower(known, last)
        resumed = await self._continues(made, last)
        config: dict[str, Any] = {
            "deliver_subject": client.new_inbox(),
            "deliver_policy": "by_start_sequence" if resumed else "last_per_subject",
            "ack_policy": "none",
            "max_deliver": 1,
            "filter_subject": self._bucket.prefix + ">",
            "flow_control": True,
            "idle_heartbeat": int(HEARTBEAT * 1e9),
            "inactive_threshold": int(5e9),
            "mem_storage": True,
            "num_replicas": 1,
            "name": f"copy-{uuid.uuid4().hex[:16]}",
        }
        if resumed:
            config["opt_start_seq"] = self._index.sequence + 1
        else:
            self._index = ContractIndex(max_bytes=follower.max_bytes)
            self._index.begin()
            self._loading = True
            gc.disable()  # it would walk over all that is being loaded, many times
        self._subscription = await client.listen(config["deliver_subject"], self._receive)
        answer = await request(
            self._bucket,
            f"CONSUMER.CREATE.{self._bucket.stream}.{config['name']}.{config['filter_subject']}",
            {"stream_name": self._bucket.stream, "config": config},
        )
        pending = answer.get("num_pending", 0) + answer.get("delivered", {}).get("consumer_seq", 0)
        follower.heard = time.monotonic()
        if pending:
            self._waiting_for = pending
            if self._consumed < pending:
                await self._unless_broken(self._caught_up)
        else:
            self._index.sequence = max(self._index.sequence, last)
        if self._loading:
            self._index.finish()
            self._loading = False
            # The collector need not walk over what stays: it would stop all threads for it, again and again.
            gc.freeze()
            gc.enable()
        follower.stream_made = made
        mark.raise_to(self._index.sequence)
        follower.index = self._index
        follower.sessions += 1
        follower.reason = ""
        if not resumed or follower.untold:
            follower.untold = False
            for _, loaded in follower.watchers:
                loaded(self._index.sequence)
        follower.live = not self._broken.is_set()
        follower.report(follower.status())
        logger.info(
            "the copy is current",
            extra={"sequence": self._index.sequence, "versions": len(self._index), "resumed": resumed},
        )
        await self._watch(mark)

    async def close(self) -> None:
        self._dead = True
        gc.enable()
        if self._subscription is not None:
            with contextlib.suppress(Exception):
                await self._subscription.unsubscribe()  # the server then drops the consumer
            # It refers back to the session, and so to a copy that may be replaced. The collector does not see to such
            # circles: when the next copy is loaded, all that is in memory is taken out of its sight.
            self._subscription = None

    def _new_mark(self, made: str) -> HighWaterMark:
        servers = ",".join(sorted(self._bucket.servers))
        self._follower.mark = mark = HighWaterMark(f"{servers} {self._bucket.stream} {made}")
        return mark

    async def _continues(self, made: str, last: int) -> bool:
        """Whether the stream is the one that was loaded, and still holds the last message that was applied."""
        follower, sequence = self._follower, self._index.sequence
        if made != follower.stream_made or last < sequence:
            return False
        if not sequence or not follower.last_seen:
            return sequence == 0 or last == sequence
        found = await request(self._bucket, f"STREAM.MSG.GET.{self._bucket.stream}", {"seq": sequence}, missing=True)
        if found is None:
            return False
        return _fingerprint(found["message"]["subject"], found["message"]["time"]) == follower.last_seen

    async def _receive(self, message: Msg) -> None:
        """One message of the consumer: of the bucket, a heartbeat, or a question of flow control."""
        if self._dead:
            return
        try:
            self._follower.heard = time.monotonic()
            headers = message.headers or {}
            status = headers.get("Status")
            if status is not None and not message.data:
                await self._control(message, status, headers)
                return
            # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns since 1970>.<pending>,
            # or with <domain>.<account hash> before the stream and a token behind: the tail is counted from its end.
            tokens = message.reply.split(".")
            first = 4 if len(tokens) == 9 else 6
            sequence, consumed, moment = map(int, tokens[first + 1 : first + 4])
            if consumed != self._consumed + 1:
                raise Ended(f"the consumer's messages have a gap: {consumed} came after {self._consumed}")
            self._consumed = consumed
            deleted = deletes(headers)
            key = message.subject[len(self._bucket.prefix) :]
            if not self._loading and self._follower.mark is not None:
                self._follower.mark.raise_to(sequence)
            self._index.apply(key, sequence, None if deleted else message.data)
            self._follower.last_seen = b"%s %d" % (message.subject.encode(), moment)
            if self._follower.watchers and not self._loading and not self._follower.untold:
                self._tell(message, key, sequence, headers)
            self._follower.release(sequence)
            if consumed == self._waiting_for:
                self._caught_up.set()
        except Ended as ended:
            self._end(str(ended))
        except Exception as error:
            logger.exception("a message of the bucket could not be applied")
            self._end(f"a message could not be applied: {error}")

    def _tell(self, message: Msg, key: str, sequence: int, headers: dict[str, str]) -> None:
        def told() -> Written:
            return written(Message(key, message.data, sequence, headers, message.metadata.timestamp))

        for watcher, _ in self._follower.watchers:
            watcher(sequence, len(message.data), told)

    async def _control(self, message: Msg, status: str, headers: dict[str, str]) -> None:
        client = self._bucket.client
        if status != "100" or client is None:
            raise Ended(f"the consumer ended: {status} {headers.get('Description', '')}")
        if message.reply:
            await client.publish(message.reply)
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await client.publish(stalled)
        last = headers.get("Nats-Last-Consumer")
        if last is not None and int(last) != self._consumed:
            raise Ended(f"the consumer's messages have a gap: {last} were sent, {self._consumed} came")

    def _end(self, reason: str) -> None:
        if not self._dead:
            self._dead = True
            self._follower.break_off(reason)

    async def _watch(self, mark: HighWaterMark) -> None:
        """Return never; raise Ended when the copy may have missed something."""
        behind_since = None
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._broken.wait(), HEARTBEAT / 2)
                raise Ended(self._follower.reason)
            now = time.monotonic()
            self._follower.report(self._follower.status())
            if now - self._follower.heard > SILENCE:
                raise Ended(f"no heartbeat for {SILENCE:g} seconds")
            if mark.value <= self._index.sequence:
                behind_since = None
            else:
                behind_since = behind_since or now
                if now - behind_since > 1:
                    raise Ended("another process has seen messages that do not come here")

    async def _unless_broken(self, event: asyncio.Event) -> None:
        while not event.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(event.wait(), HEARTBEAT)
            if self._broken.is_set():
                raise Ended(self._follower.reason)
            if time.monotonic() - self._follower.heard > SILENCE:
                raise Ended(f"no heartbeat for {SILENCE:g} seconds")


async def request(bucket: BucketConnection, method: str, body: Any = None, *, missing: bool = False) -> Any:
    """Ask the JetStream API. Raises what AWAY names, Ended; with `missing`, None for what is not there."""
    client = bucket.client
    assert client is not None
    payload = json.dumps(body).encode() if body else b""
    message = await client.request(f"$JS.API.{method}", payload, timeout=2)
    if (message.headers or {}).get("Status") == "503":
        raise Ended("JetStream is not available")
    answer = json.loads(message.data)
    if "error" in answer:
        if missing and answer["error"].get("code") == 404:
            return None
        bucket.look_again()
        raise Ended(f"JetStream answered: {answer['error'].get('description')}")
    return answer


def _fingerprint(subject: str, written: str) -> bytes:
    """A message's subject and time of writing, in the form that `_receive` notes them."""
    seconds, _, fraction = written.removesuffix("Z").partition(".")
    moment = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return b"%s %d" % (subject.encode(), moment * 10**9 + int(fraction.ljust(9, "0") or 0))
