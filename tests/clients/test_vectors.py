"""The vectors that all clients have in common, with the Python client over a real nats-server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import nats
import pytest
from contract_registry_client import (
    AsyncRegistryClient,
    Binding,
    ContractClient,
    Contracts,
    InvalidMessage,
    binding_for,
)
from contract_registry_client.registry import Schema

VECTORS = json.loads((Path(__file__).parents[2] / "clients" / "vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["bindings"], ids=lambda each: f"{each['subject']} {each['patterns']}")
def test_the_most_specific_binding_holds(vector):
    bindings = [Binding(str(number), pattern, "c") for number, pattern in enumerate(vector["patterns"])]
    found = binding_for(bindings, vector["subject"])
    assert (found.subject if found else None) == vector["holds"]


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda each: each["name"])
def test_messages_are_stamped_or_refused(vector, nats_server):
    async def run():
        nc = await nats.connect(nats_server.url)
        binding = Binding.read("orders", json.dumps(vector["binding"]))
        schema = Schema("order", VECTORS["version"], json.dumps(VECTORS["schema"]))
        async with AsyncRegistryClient("http://127.0.0.1:1", "none") as registry:
            contracts = Contracts.fixed(registry, [binding], {("order", "latest"): schema})
            client = ContractClient(nc, contracts, on_invalid=lambda subject, outcome: None)
            outcome = contracts.check("orders.eu", vector["body"].encode(), vector["headers"])
            assert (outcome.valid if outcome else None) == vector["valid"]
            if outcome is not None:
                assert (outcome.place, outcome.version) == (vector.get("place", ""), VECTORS["version"])
            published = await nc.subscribe("orders.eu")
            letters = await nc.subscribe("dead-letter.orders.eu")
            refused = False
            try:
                await client.publish("orders.eu", vector["body"].encode(), headers=vector["headers"] or None)
            except InvalidMessage:
                refused = True
            assert refused is ("deadLetter" in vector)
            message = await (letters if refused else published).next_msg(timeout=5)
            headers = dict(message.headers or {})
            assert bool(headers.pop("Registry-Error", "")) is refused
            assert headers == vector["deadLetter" if refused else "published"]
            assert message.data == vector["body"].encode()
        await nc.close()

    asyncio.run(run())
