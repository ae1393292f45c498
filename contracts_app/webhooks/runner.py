"""The process that sends webhooks: a durable JetStream consumer of the bucket's stream for each.

The server keeps what was sent, so that nothing is lost while no such process runs; several of them share the work. This
module uses nats-py, like the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from contracts_app.exceptions import ContractError
from contracts_app.services.events import event_of
from contracts_app.storage import Actor, ContractStore
from contracts_app.webhooks.changes import disable_webhook, keep_dead_letter
from contracts_app.webhooks.delivery import GONE, Outcome, deliver
from contracts_app.webhooks.hooks import Webhook, webhooks_of

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks at which webhooks there are."""
FETCH_SECONDS = 20.0
MAX_PENDING = 1000
"""Events of one webhook that wait for another attempt; while so many do, no newer ones are sent."""
_CONSUMER = "webhook-"
_JITTER = 0.2
_ERRORS = (nats.errors.Error, nats.js.errors.Error, ContractError, OSError, asyncio.TimeoutError)


class WebhookRunner:
    """Sends the events of every webhook until it is cancelled.

    retries: seconds to wait after the first failure, the second and so on; after the last an event is a dead letter.
    """

    def __init__(self, store: ContractStore, client: Client, bucket: str, retries: Sequence[float]) -> None:
        self._store = store
        self._js: JetStreamContext = client.jetstream()
        self._bucket, self._stream = bucket, f"KV_{bucket}"
        self._retries = tuple(retries)
        self._hooks: dict[str, tuple[int, Webhook]] = {}
        """By id."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._has_cleaned = False

    async def run(self) -> None:
        """Follow the webhooks as they come, change and go."""
        try:
            while True:
                try:
                    await self._follow()
                except _ERRORS as error:
                    logger.warning("webhooks cannot be read", extra={"reason": str(error)})
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self) -> None:
        index = await asyncio.to_thread(self._store.index, "webhook")
        self._hooks = {hook.id: (sequence, hook) for sequence, hook in webhooks_of(index.documents).values()}
        for identity in self._tasks.keys() - self._hooks.keys():
            task = self._tasks.pop(identity)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._delete(identity)
        for identity in self._hooks.keys() - self._tasks.keys():
            self._tasks[identity] = asyncio.create_task(self._serve(identity))
        if not self._has_cleaned:
            await self._delete_orphans()
            self._has_cleaned = True

    async def _delete_orphans(self) -> None:
        """Delete the consumers of webhooks that were deleted while no process ran."""
        for each in await self._js.consumers_info(self._stream):
            if each.name.startswith(_CONSUMER) and each.name.removeprefix(_CONSUMER) not in self._hooks:
                await self._delete(each.name.removeprefix(_CONSUMER))

    async def _delete(self, identity: str) -> None:
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await self._js.delete_consumer(self._stream, f"{_CONSUMER}{identity}")

    async def _serve(self, identity: str) -> None:
        """Send the events of one webhook, one after the other; those that failed are sent later, among others."""
        while True:
            try:
                subscription = await self._consumer(identity)
                try:
                    while True:
                        await self._send_next(identity, subscription)
                finally:
                    with contextlib.suppress(*_ERRORS):
                        await subscription.unsubscribe()
            except KeyError:
                return  # deleted
            except _ERRORS as error:
                logger.warning("a webhook waits", extra={"webhook": identity, "reason": str(error)})
                await asyncio.sleep(LOOK_SECONDS)

    async def _send_next(self, identity: str, subscription: JetStreamContext.PullSubscription) -> None:
        """Send the next event, if there is one soon. Raises KeyError if the webhook was deleted."""
        if not self._hooks[identity][1].enabled:
            await asyncio.sleep(LOOK_SECONDS)
            return
        with contextlib.suppress(nats.errors.TimeoutError):
            for message in await subscription.fetch(1, timeout=FETCH_SECONDS):
                await self._handle(self._hooks[identity][1], message)

    async def _consumer(self, identity: str) -> JetStreamContext.PullSubscription:
        """Return a subscription of the consumer of a webhook; a new one begins where the webhook did."""
        name = f"{_CONSUMER}{identity}"
        try:
            await self._js.consumer_info(self._stream, name)
        except nats.js.errors.NotFoundError:
            config = api.ConsumerConfig(
                name=name,
                durable_name=name,
                filter_subject=f"$KV.{self._bucket}.>",
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._hooks[identity][0] + 1,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=60,
                max_ack_pending=MAX_PENDING,
                headers_only=True,
            )
            await self._js.add_consumer(self._stream, config)
        return await self._js.pull_subscribe_bind(name, self._stream)

    async def _handle(self, hook: Webhook, message: Msg) -> None:
        sequence, attempts = message.metadata.sequence.stream, message.metadata.num_delivered
        writes = await asyncio.to_thread(self._store.history, after=sequence - 1, limit=1)
        if not writes or writes[0].sequence != sequence:
            await message.ack()  # no longer kept
            return
        stream = (await asyncio.to_thread(self._store.position)).stream
        event = event_of(writes[0], stream)
        if not hook.admits(event.type, event.contract):
            await message.ack()
            return
        outcome = await deliver(hook, str(event.id), event.body)
        self._log(hook, str(event.id), attempts, outcome)
        if outcome.delivered:
            await message.ack()
        elif outcome.status == GONE:
            actor = Actor("webhooks")
            await asyncio.to_thread(
                disable_webhook, hook.name, actor, "410 Gone: it wants no events", store=self._store
            )
            await message.nak(delay=self._delay(attempts, outcome))
        elif attempts > len(self._retries):
            await asyncio.to_thread(keep_dead_letter, hook, event, attempts, outcome, self._store)
            await message.term()
        else:
            await message.nak(delay=self._delay(attempts, outcome))

    def _delay(self, attempts: int, outcome: Outcome) -> float:
        seconds = self._retries[min(attempts, len(self._retries)) - 1] if self._retries else LOOK_SECONDS
        return max(seconds * random.uniform(1, 1 + _JITTER), outcome.retry_after)

    def _log(self, hook: Webhook, event: str, attempts: int, outcome: Outcome) -> None:
        logger.log(
            logging.INFO if outcome.delivered else logging.WARNING,
            "webhook delivered" if outcome.delivered else "webhook failed",
            extra={
                "webhook": hook.name,
                "event": event,
                "attempt": attempts,
                "status": outcome.status,
                "reason": outcome.reason,
                "durationMs": round(outcome.seconds * 1000, 2),
            },
        )
