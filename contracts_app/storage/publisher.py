"""Writes to the stream, and their acknowledgements: one inbox for all of them, one future for each."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import nats.js.errors
from nats.aio.msg import Msg

from contracts_app.storage.quick_client import QuickClient


class Publisher:
    """Belongs to one connection and its event loop.

    The library's `publish` makes a task and a timer for each write, and its `publish_async` (2.16) leaves the
    future of a refused write waiting for ever.
    """

    def __init__(self, client: QuickClient) -> None:
        self._client = client
        self._inbox = client.new_inbox() + "."
        self._waiting: dict[str, asyncio.Future[Msg]] = {}
        self._number = 0
        self._subscribed = False

    async def publish(self, subject: str, data: bytes, headers: dict[str, str], *, within: float) -> int:
        """Write one message, and return its sequence.

        Raises TimeoutError after `within` seconds (it may have been written), NoStreamResponseError (it was not),
        or the error that JetStream answered with (nats.js.errors.APIError).
        """
        if not self._subscribed:
            self._subscribed = True
            await self._client.listen(self._inbox + "*", self._receive)
        self._number += 1
        reply = f"{self._inbox}{self._number}"
        future = self._waiting[reply] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await self._client.publish(subject, data, reply=reply, headers=headers)
                answer = await future
        finally:
            del self._waiting[reply]
        if (answer.headers or {}).get("Status") == "503":
            raise nats.js.errors.NoStreamResponseError
        acknowledgement: dict[str, Any] = json.loads(answer.data)
        if "error" in acknowledgement:
            nats.js.errors.APIError.from_error(acknowledgement["error"])  # it raises, whatever its name says
        return int(acknowledgement["seq"])

    async def _receive(self, message: Msg) -> None:
        future = self._waiting.get(message.subject)
        if future is not None and not future.done():
            future.set_result(message)
