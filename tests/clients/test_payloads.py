"""Python objects that are published: as the JSON that the standard library writes, or refused as it would be."""

from __future__ import annotations

import asyncio
import datetime
import json

import nats
import pytest
from contract_registry_client import AsyncRegistryClient, Binding, ContractClient, Contracts, InvalidMessage
from contract_registry_client.registry import Schema


def published(nats_server, payload):
    """Publish a payload; return the body that arrives."""

    async def run() -> bytes:
        nc = await nats.connect(nats_server.url)
        async with AsyncRegistryClient("http://127.0.0.1:1", "none") as registry:
            schema = Schema("order", "1.0.0", '{"type": ["object", "array"]}')
            bindings = [Binding("payloads", "payloads.>", "order", mode="enforce")]
            client = ContractClient(nc, Contracts.fixed(registry, bindings, {("order", "latest"): schema}))
            subscription = await nc.subscribe("payloads.a")
            try:
                await client.publish("payloads.a", payload)
                return (await subscription.next_msg(timeout=5)).data
            finally:
                await nc.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "Größe", "list": [1, 2.5, True, None], "text": "null"},
        [1, 10**30, -(10**30)],
        {1: "a", None: "b", 2.5: "c"},
        {"tuple": (1, 2)},
        {},
    ],
)
def test_objects_arrive_as_they_are(nats_server, payload):
    assert json.loads(published(nats_server, payload)) == json.loads(json.dumps(payload))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "\ud800"])
def test_values_that_json_does_not_have_are_refused_and_not_changed(nats_server, value):
    with pytest.raises(InvalidMessage, match="not JSON"):
        published(nats_server, {"total": value})


def test_what_json_does_not_have_is_an_error_of_the_caller(nats_server):
    with pytest.raises(TypeError, match="not JSON serializable"):
        published(nats_server, {"at": datetime.datetime.now(datetime.UTC)})
