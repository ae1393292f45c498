"""The Python client against a real registry, a real nats-server, and outages of both."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import nats
import pytest
from contract_registry_client import (
    AsyncRegistryClient,
    Binding,
    ContractClient,
    Contracts,
    InvalidMessage,
    RegistryClient,
    RegistryError,
    RegistryUnreachable,
    binding_for,
    covers,
)

from contracts_app import bindings as server_rules
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.api.conftest import make_token
from tests.commands.serving import serving

SCOPES = ("contracts:read", "contracts:write", "contracts:admin")
ORDER = {
    "type": "object",
    "properties": {"orderId": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
    "required": ["orderId"],
}
BUCKET = {"REGISTRY_KV_BUCKET": "contracts"}


@pytest.fixture
def parts(tmp_path):
    """A nats-server and a registry of this test, which may stop each."""
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=4 << 20)
    server.start()
    more = {**BUCKET, "VAR_DIR": str(tmp_path / "var")}
    with serving(server.url, tmp_path / "log", "registry_project.asgi", "--workers", "1", **more) as (url, process):
        token = make_token(*SCOPES)
        with RegistryClient(url, token) as registry:
            registry.publish({"name": "order.created", "version": "1.0.0", "jsonSchema": ORDER})
            registry.bind("orders", {"subject": "orders.>", "contract": "order.created", "mode": "enforce"})
            yield SimpleNamespace(
                server=server, url=url, process=process, token=token, registry=registry, cache=tmp_path / "cache"
            )
    server.stop()


async def until(holds, seconds=5.0):
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not become true in time"
        await asyncio.sleep(0.02)


async def connected(parts, work, **options):
    nc = await nats.connect(parts.server.url, reconnect_time_wait=0.1, max_reconnect_attempts=-1)
    async with AsyncRegistryClient(parts.url, parts.token, cache=parts.cache, timeout=2) as registry:
        contracts = await Contracts.follow(nc, registry, **options)
        try:
            await work(nc, contracts, ContractClient(nc, contracts, dataschema=True))
        finally:
            await contracts.stop()
            await nc.close()


def test_the_client_and_the_registry_agree_on_which_binding_holds():
    patterns = (">", "a.>", "a.*.c", "a.b.*", "a.b.c", "*", "a", "a.b.>")
    subjects = ("a", "a.b", "a.b.c", "a.x.c", "a.b.c.d", "z")
    ours = [Binding(str(number), pattern, "c") for number, pattern in enumerate(patterns)]
    theirs = [server_rules.Binding(str(number), pattern, "c") for number, pattern in enumerate(patterns)]
    for subject in subjects:
        for pattern in patterns:
            assert covers(pattern, subject) is server_rules.covers(pattern, subject), (pattern, subject)
        found, expected = binding_for(ours, subject), server_rules.binding_for(theirs, subject)
        assert found is not None
        assert expected is not None
        assert found.subject == expected.subject


def test_valid_messages_are_stamped_and_others_are_buried_with_the_reason(parts):
    async def work(nc, contracts, client):
        received, buried = [], []

        async def keep(message):
            received.append(message)

        async def bury(message):
            buried.append(message)

        await client.subscribe("orders.>", cb=keep)
        await nc.subscribe("dead-letter.>", cb=bury)
        await client.publish("orders.eu.created", {"orderId": "7"}, headers={"Trace": "t"})
        await until(lambda: received)
        assert received[0].headers == {
            "Trace": "t",
            "Nats-Schema": "order.created",
            "Nats-Schema-Version": "1.0.0",
            "ce-dataschema": f"{parts.url}/registry/contracts/order.created/1.0.0/schema",
        }
        with pytest.raises(InvalidMessage, match="orders.eu.created: not valid by order.created 1.0.0 at /orderId"):
            await client.publish("orders.eu.created", {"orderId": 7}, headers={"Trace": "u"})
        await nc.publish("orders.eu.created", b"nonsense")  # past the client
        await until(lambda: len(buried) == 2)
        assert buried[0].subject == "dead-letter.orders.eu.created"
        assert json.loads(buried[0].data) == {"orderId": 7}
        assert buried[0].headers["Registry-Error-Place"] == "/orderId"
        assert "is not of type" in buried[0].headers["Registry-Error"]
        assert buried[0].headers["Trace"] == "u"
        assert buried[1].headers["Registry-Error"].startswith("not JSON")
        assert len(received) == 1
        with pytest.raises(InvalidMessage):  # formats are checked
            await client.publish("orders.x", {"orderId": "1", "at": "yesterday"})
        await client.publish("other.subject", b"anything")

    asyncio.run(connected(parts, work))


def test_jetstream_pull_consumers_and_requests(parts):
    async def work(nc, contracts, client):
        plain = nc.jetstream()
        await plain.add_stream(name="ORDERS", subjects=["orders.>"])
        js = client.jetstream()
        assert (await js.publish("orders.a", {"orderId": "1"})).seq == 1
        with pytest.raises(InvalidMessage):
            await js.publish("orders.a", {"orderId": 1})
        await plain.publish("orders.a", b"{}")
        await plain.publish("orders.a", b'{"orderId": "2"}')
        consumer = await plain.pull_subscribe("orders.>", durable="d")
        messages = await js.fetch(consumer, 10, timeout=2)
        assert [json.loads(message.data)["orderId"] for message in messages] == ["1", "2"]
        for message in messages:
            await message.ack()
        info = await plain.consumer_info("ORDERS", "d")
        await until(lambda: True)
        assert (info.num_pending, info.num_redelivered) == (0, 0)

        async def answer(message):
            await message.respond(b'{"ok": true}')

        await client.subscribe("service.orders", cb=answer)
        assert (await client.request("service.orders", {"x": 1})).data == b'{"ok": true}'

    asyncio.run(connected(parts, work))


def test_bindings_and_versions_follow_the_registry(parts):
    async def work(nc, contracts, client):
        await client.publish("orders.a", {"orderId": "1"})
        stricter = {**ORDER, "required": ["orderId", "at"]}
        await asyncio.to_thread(
            parts.registry.publish, {"name": "order.created", "version": "2.0.0", "jsonSchema": stricter}
        )
        await until(lambda: contracts.check("orders.a", b'{"orderId": "1"}').version == "2.0.0", 10)
        with pytest.raises(InvalidMessage):
            await client.publish("orders.a", {"orderId": "1"})
        binding = {"subject": "orders.>", "contract": "order.created", "range": "^1", "mode": "report"}
        await asyncio.to_thread(parts.registry.bind, "orders", binding)
        await until(lambda: contracts.check("orders.a", b"{}").version == "1.0.0", 10)
        await client.publish("orders.a", {})  # reported, and published
        await asyncio.to_thread(parts.registry._send, "DELETE", "/registry/bindings/orders")
        await until(lambda: contracts.binding_for("orders.a") is None, 10)

    asyncio.run(connected(parts, work))


def test_a_program_announces_what_it_uses(parts):
    async def work(nc, contracts, client):
        uses = [{"contract": "order.created", "range": "^1", "access": "read", "fields": ["/orderId"]}]
        contracts.announce("billing", uses, version="1.2", environment="test")

        def known():
            found = parts.registry._read(parts.registry._send("GET", "/registry/contracts/order.created/usage"))
            return [(each["client"], each["uses"], each["fields"]) for each in found["clients"]]

        for _ in range(100):
            if found := await asyncio.to_thread(known):
                break
            await asyncio.sleep(0.1)
        assert found == [("billing", "1.0.0", ["/orderId"])]

    asyncio.run(connected(parts, work))


def test_without_the_registry_and_its_link_clients_go_on_and_converge_after_it(parts):
    async def work(nc, contracts, client):
        parts.process.terminate()
        parts.process.wait(30)
        parts.server.stop()
        for _ in range(100):  # without HTTP or NATS
            assert contracts.check("orders.a", b'{"orderId": "1"}').valid
            assert not contracts.check("orders.b", b'{"orderId": 1}').valid
        again = EmbeddedServer(parts.cache.parent / "nats", port=parts.server.port, max_record_bytes=4 << 20)
        again.start()
        try:
            more = {**BUCKET, "VAR_DIR": str(parts.cache.parent / "var")}
            log = parts.cache.parent / "log2"
            with serving(again.url, log, "registry_project.asgi", "--workers", "1", **more) as (url, _):
                with RegistryClient(url, parts.token) as registry:
                    bound = {"subject": "orders.>", "contract": "order.created", "mode": "off"}
                    await asyncio.to_thread(registry.bind, "orders", bound)
                await until(lambda: contracts.binding_for("orders.c").mode == "off", 15)
        finally:
            again.stop()

    asyncio.run(connected(parts, work))


def test_a_watcher_that_loses_a_cancellation_ends(parts):
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async def work():
        async with AsyncRegistryClient(parts.url, parts.token) as registry:
            contracts = Contracts.fixed(registry, [], {})
            contracts._tasks.append(asyncio.ensure_future(stubborn()))
            await asyncio.sleep(0)
            await asyncio.wait_for(contracts.stop(), 10)

    asyncio.run(work())


def test_a_program_starts_from_the_cache_without_the_registry(parts):
    async def nothing(nc, contracts, client):
        assert contracts.check("orders.a", b'{"orderId": "1"}').version == "1.0.0"

    asyncio.run(connected(parts, nothing))
    parts.process.terminate()
    parts.process.wait(30)

    async def work(nc, contracts, client):
        assert contracts.check("orders.a", b'{"orderId": 1}').version == "1.0.0"
        with pytest.raises(InvalidMessage):
            await client.publish("orders.a", {"orderId": 1})

    asyncio.run(connected(parts, work))


def test_the_blocking_client_reads_checks_and_uses_its_cache(parts, tmp_path):
    with RegistryClient(parts.url, parts.token, cache=tmp_path / "own") as registry:
        schema = registry.schema("order.created", "^1")
        assert (schema.version, json.loads(schema.text)) == ("1.0.0", ORDER)
        assert registry.schema("order.created", "^1") == schema  # 304
        assert registry.get("order.created")["version"] == "1.0.0"
        assert registry.search("orderId")["total"] == 1
        assert [each["name"] for each in registry.bindings()] == ["orders"]
        verdict = registry.check({"jsonSchema": ORDER}, {"jsonSchema": {**ORDER, "required": ["orderId", "at"]}})
        assert verdict["verdict"] == "breaking"
        with pytest.raises(RegistryError) as refused:
            registry.publish({"name": "order.created", "version": "1.1.0", "jsonSchema": {"type": "string"}})
        assert (refused.value.status, refused.value.code) == (422, "content_refused")
        parts.process.terminate()
        parts.process.wait(30)
        assert registry.schema("order.created", "^1") == schema
        with pytest.raises(RegistryUnreachable):
            registry.get("order.created")
