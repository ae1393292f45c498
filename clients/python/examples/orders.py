"""Publish four orders into the stream ORDERS, one of which its contract refuses, and show what became of each.

Needs NATS_URL, REGISTRY_ENDPOINT and JWT_TOKEN in the environment.
"""

from __future__ import annotations

import asyncio
import os

import nats
from contract_registry_client import AsyncRegistryClient, ContractClient, Contracts, InvalidMessage

ORDERS = [
    {"orderId": "1", "quantity": 1},
    {"orderId": "2"},
    {"orderId": 3, "quantity": 1},  # a number where the contract wants a string
    {"orderId": "4", "quantity": 7},
]


async def main() -> None:
    nc = await nats.connect(os.environ["NATS_URL"])
    endpoint = os.environ.get("REGISTRY_ENDPOINT", "http://localhost:8090")
    async with AsyncRegistryClient(endpoint, os.environ["JWT_TOKEN"]) as registry:
        contracts = await Contracts.follow(nc, registry, bucket=os.environ.get("REGISTRY_KV_BUCKET", "contracts"))
        client = ContractClient(nc, contracts)
        js = client.jetstream()
        await js.js.add_stream(name="ORDERS", subjects=["orders.>"])
        dead_letters = await nc.subscribe("dead-letter.orders.>")
        for order in ORDERS:
            try:
                stored = await js.publish("orders.eu.created", order)
                print(f"stored as {stored.seq}: {order}")
            except InvalidMessage as refused:
                print(f"refused: {refused}")
        letter = await dead_letters.next_msg(timeout=2)
        print(f"on {letter.subject}: {letter.data.decode()}, because {letter.headers['Registry-Error']}")
        await contracts.stop()
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main())
