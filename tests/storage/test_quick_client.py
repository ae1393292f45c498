"""The client hands messages over where they are read, in their order."""

from __future__ import annotations

import asyncio

from nats.aio.msg import Msg

from contracts_app.embedded import EmbeddedServer
from contracts_app.storage.quick_client import QuickClient


def test_messages_come_without_a_queue_between_and_with_their_headers(nats_server: EmbeddedServer, bucket: str) -> None:
    received: list[tuple[bytes, dict[str, str] | None, str]] = []

    tasks = set()

    async def receive(message: Msg) -> None:
        tasks.add(asyncio.current_task())
        received.append((message.data, message.headers, message.reply))

    async def trial() -> None:
        client = QuickClient()
        await client.connect(nats_server.url)
        subscription = await client.listen(f"{bucket}.*", receive)
        for number in range(100):
            await client.publish(
                f"{bucket}.a", b"%d" % number, reply="r", headers={"N": f"{number}"} if number else None
            )
        async with asyncio.timeout(10):
            while len(received) < 100:
                await asyncio.sleep(0.001)
        # In the task that reads, and not in the one that would empty the subscription's queue.
        assert tasks == {client._reading_task}
        assert [data for data, _, _ in received] == [b"%d" % number for number in range(100)]
        assert received[0][1] is None
        assert received[7][1:] == ({"N": "7"}, "r")
        await subscription.unsubscribe()
        await client.publish(f"{bucket}.a", b"late")
        await client.request("$JS.API.INFO", timeout=5)  # is answered behind it
        assert len(received) == 100
        await client.close()

    asyncio.run(trial())
