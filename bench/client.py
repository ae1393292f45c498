"""Cost of a message through the Python client, relative to plain nats-py: publishing and receiving an event of 1 KB.

python -m bench.client

Medians of interleaved rounds over one nats-server of its own; the schema has 20 properties.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "clients" / "python" / "src"))

import nats
from contract_registry_client import AsyncRegistryClient, Binding, ContractClient, Contracts
from contract_registry_client.registry import Schema

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port

MESSAGES, ROUNDS = 5_000, 7
SCHEMA = {
    "type": "object",
    "properties": {f"field{number}": {"type": "string", "maxLength": 100} for number in range(20)},
    "required": ["field0"],
}
OBJECT = {f"field{number}": "x" * 35 for number in range(20)}
EVENT = json.dumps(OBJECT).encode()


def known_contracts(registry: AsyncRegistryClient) -> Contracts:
    """Return contracts that know two bindings and their schema, without a registry."""
    bindings = [Binding(name, f"{name}.>", "event", mode="enforce") for name in ("bench", "bench-js")]
    return Contracts.fixed(registry, bindings, {("event", "latest"): Schema("event", "1.0.0", json.dumps(SCHEMA))})


async def measure(url: str) -> None:
    nc = await nats.connect(url)
    async with AsyncRegistryClient("http://127.0.0.1:1", "none") as registry:
        client = ContractClient(nc, known_contracts(registry))
        headers = {"Nats-Schema": "event", "Nats-Schema-Version": "1.0.0"}

        async def plain_publish() -> None:
            for _ in range(MESSAGES):
                await nc.publish("bench.a", EVENT, headers=headers)
            await nc.flush()

        async def contract_publish() -> None:
            for _ in range(MESSAGES):
                await client.publish("bench.a", EVENT)
            await nc.flush()

        async def plain_object() -> None:
            for _ in range(MESSAGES):
                await nc.publish("bench.a", json.dumps(OBJECT).encode(), headers=headers)
            await nc.flush()

        async def contract_object() -> None:
            for _ in range(MESSAGES):
                await client.publish("bench.a", OBJECT)
            await nc.flush()

        async def received(subscribe: Any) -> None:
            count, done = 0, asyncio.Event()

            async def handle(message: Any) -> None:
                nonlocal count
                count += 1
                if count == MESSAGES:
                    done.set()

            subscription = await subscribe("bench.a", cb=handle)
            await plain_publish()
            await done.wait()
            await subscription.unsubscribe()

        js = nc.jetstream()
        await js.add_stream(name="BENCH", subjects=["bench-js.>"])
        stream = client.jetstream(js)

        async def plain_stream() -> None:
            for _ in range(MESSAGES // 10):
                await js.publish("bench-js.a", EVENT, headers=headers)

        async def contract_stream() -> None:
            for _ in range(MESSAGES // 10):
                await stream.publish("bench-js.a", EVENT)

        works = {
            "JetStream publish, plain": plain_stream,
            "JetStream publish, with a contract": contract_stream,
            "publish, plain": plain_publish,
            "publish, with a contract": contract_publish,
            "publish an object, plain (json.dumps)": plain_object,
            "publish an object, with a contract": contract_object,
            "publish and receive, plain": lambda: received(nc.subscribe),
            "publish and receive, with a contract": lambda: received(client.subscribe),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(ROUNDS):
            for name, work in works.items():
                start = time.perf_counter()
                await work()
                times[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(found) for name, found in times.items()}
        for name, seconds in medians.items():
            base = next(medians[other] for other in works if other.startswith(name.partition(", ")[0] + ", plain"))
            count = MESSAGES // 10 if name.startswith("JetStream") else MESSAGES
            print(f"{name:38} {seconds / count * 1e6:7.1f} µs for a message {seconds / base:6.2f}")
    await nc.close()


def main() -> None:
    """Print the table. An event has 1 KB."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), port=free_port(0), max_record_bytes=1 << 20)
        server.start()
        try:
            asyncio.run(measure(server.url))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
