"""nats-py with contracts: what is published, requested and received is validated by the binding of its subject.

In the mode `report` a message that is not valid is logged and goes on; in the mode `enforce` it is sent to the subject
`dead-letter.<subject>` instead, with its headers, the reason and the place, and `publish` raises InvalidMessage.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import PubAck

from contract_registry_client.contracts import Contracts, Outcome

logger = logging.getLogger(__name__)
DEAD_LETTER_PREFIX = "dead-letter."
SCHEMA, SCHEMA_VERSION, DATASCHEMA = "Nats-Schema", "Nats-Schema-Version", "ce-dataschema"
ERROR, PLACE, SUBJECT = "Registry-Error", "Registry-Error-Place", "Registry-Subject"

Handler = Callable[[Msg], Awaitable[None]]
Payload = bytes | dict[str, Any] | list[Any]
_STANDARD = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def _encoded(payload: dict[str, Any] | list[Any]) -> bytes:
    """Return a value as the JSON that the standard library writes, in a fraction of the time."""
    with suppress(TypeError):  # such as an integer of more than 64 bits, or a key that is no string
        body = orjson.dumps(payload, option=_STANDARD)
        if b"null" not in body:  # orjson writes it for NaN, which is refused and must not be changed
            return body
    return json.dumps(payload, separators=(",", ":")).encode()


class InvalidMessage(ValueError):
    """A message that its contract refuses was not published; it is on the dead-letter subject."""

    def __init__(self, subject: str, outcome: Outcome) -> None:
        place = f" at {outcome.place}" if outcome.place else ""
        super().__init__(
            f"{subject}: not valid by {outcome.binding.contract} {outcome.version}{place}: {outcome.reason}"
        )
        self.subject, self.outcome = subject, outcome


class _Validation:
    """What publishing and receiving have in common."""

    def __init__(
        self,
        nc: Client,
        contracts: Contracts,
        *,
        dead_letters: str = DEAD_LETTER_PREFIX,
        dataschema: bool = False,
        on_invalid: Callable[[str, Outcome], None] | None = None,
    ) -> None:
        self.nc, self.contracts = nc, contracts
        self._dead_letters, self._dataschema = dead_letters, dataschema
        self._on_invalid = on_invalid or _log

    async def outgoing(
        self, subject: str, payload: Payload, headers: dict[str, str] | None
    ) -> tuple[bytes, dict[str, str] | None]:
        """Return the body and the headers of a message that may be published. Raises InvalidMessage."""
        body = payload if isinstance(payload, bytes) else _encoded(payload)
        outcome = self.contracts.check(subject, body, headers)
        if outcome is None:
            return body, headers
        if not outcome.valid:
            self._on_invalid(subject, outcome)
            if outcome.binding.mode == "enforce":
                await self._bury(subject, body, headers, outcome)
                raise InvalidMessage(subject, outcome)
        if not outcome.version:
            return body, headers
        stamped = {SCHEMA: outcome.binding.contract, SCHEMA_VERSION: outcome.version, **(headers or {})}
        if self._dataschema:
            url = self.contracts.registry.schema_url(outcome.binding.contract, outcome.version)
            stamped.setdefault(DATASCHEMA, url)
        return body, stamped

    async def incoming(self, message: Msg) -> bool:
        """Return whether a received message may be handled; if not, it is on the dead-letter subject."""
        outcome = self.contracts.check(message.subject, message.data, message.headers)
        if outcome is None or outcome.valid:
            return True
        self._on_invalid(message.subject, outcome)
        if outcome.binding.mode != "enforce":
            return True
        await self._bury(message.subject, message.data, message.headers, outcome)
        return False

    async def _bury(self, subject: str, body: bytes, headers: dict[str, str] | None, outcome: Outcome) -> None:
        more = {
            ERROR: " ".join(outcome.reason.split()),
            PLACE: outcome.place or "/",
            SUBJECT: subject,
            SCHEMA: outcome.binding.contract,
            SCHEMA_VERSION: outcome.version,
        }
        await self.nc.publish(self._dead_letters + subject, body, headers={**(headers or {}), **more})


class ContractClient(_Validation):
    """A nats-py client whose messages satisfy their contracts."""

    async def publish(
        self, subject: str, payload: Payload = b"", reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Publish a message. Raises InvalidMessage in the mode `enforce`."""
        body, stamped = await self.outgoing(subject, payload, headers)
        await self.nc.publish(subject, body, reply=reply, headers=stamped)

    async def request(
        self, subject: str, payload: Payload = b"", timeout: float = 0.5, headers: dict[str, str] | None = None
    ) -> Msg:
        """Send a request, and return the reply, which is validated by the binding of `<subject>.reply`, if any."""
        body, stamped = await self.outgoing(subject, payload, headers)
        reply = await self.nc.request(subject, body, timeout=timeout, headers=stamped)
        outcome = self.contracts.check(f"{subject}.reply", reply.data, reply.headers)
        if outcome is not None and not outcome.valid:
            self._on_invalid(f"{subject}.reply", outcome)
            if outcome.binding.mode == "enforce":
                raise InvalidMessage(f"{subject}.reply", outcome)
        return reply

    async def subscribe(self, subject: str, cb: Handler, queue: str = "") -> Subscription:
        """Have `cb` called with the messages that satisfy their contracts."""
        return await self.nc.subscribe(subject, queue=queue, cb=self.handler(cb))

    def handler(self, handle: Handler) -> Handler:
        """Return a handler that calls another for the messages that satisfy their contracts; also of micro services."""

        async def validated(message: Any) -> None:
            if await self.incoming(message):
                await handle(message)
            elif hasattr(message, "respond_error"):
                await message.respond_error("400", "the request is not valid by its contract")

        return validated

    def jetstream(self, js: JetStreamContext | None = None) -> ContractJetStream:
        """Return the same over JetStream."""
        return ContractJetStream(js or self.nc.jetstream(), self)


class ContractJetStream:
    """JetStream publishing, subscriptions and pull consumers with contracts."""

    def __init__(self, js: JetStreamContext, client: ContractClient) -> None:
        self.js, self._client = js, client

    async def publish(
        self, subject: str, payload: Payload = b"", headers: dict[str, str] | None = None, **options: Any
    ) -> PubAck:
        """Publish into a stream. Raises InvalidMessage in the mode `enforce`."""
        body, stamped = await self._client.outgoing(subject, payload, headers)
        return await self.js.publish(subject, body, headers=stamped, **options)

    async def subscribe(self, subject: str, cb: Handler, **options: Any) -> JetStreamContext.PushSubscription:
        """Have `cb` called with valid messages; others are on the dead-letter subject, and are not delivered again."""

        async def validated(message: Msg) -> None:
            if await self._client.incoming(message):
                await cb(message)
            else:
                await message.term()

        return await self.js.subscribe(subject, cb=validated, **options)

    async def fetch(
        self, consumer: JetStreamContext.PullSubscription, batch: int = 1, timeout: float | None = 5
    ) -> list[Msg]:
        """Return the valid messages of a batch; others are on the dead-letter subject, and are not delivered again."""
        valid = []
        for message in await consumer.fetch(batch, timeout=timeout):
            if await self._client.incoming(message):
                valid.append(message)
            else:
                await message.term()
        return valid


def _log(subject: str, outcome: Outcome) -> None:
    binding = outcome.binding
    logger.warning(
        "A message on %s is not valid by %s %s: %s at %s",
        *(subject, binding.contract, outcome.version, outcome.reason, outcome.place or "/"),
    )
