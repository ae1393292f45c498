"""The Go client: its own tests, and messages between it and the Python client with the registry stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from types import SimpleNamespace

import httpx
import nats
import pytest
from contract_registry_client import AsyncRegistryClient, ContractClient, Contracts, InvalidMessage, RegistryClient

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.api.conftest import make_token
from tests.commands.serving import ROOT, serving

GO = shutil.which("go") or ("/usr/local/go/bin/go" if os.path.exists("/usr/local/go/bin/go") else None)
FOLDER = ROOT / "clients" / "go"
MESSAGES = 10_000
pytestmark = [
    pytest.mark.skipif(
        GO is None and not os.environ.get("REQUIRE_GO"), reason="Go is not installed (REQUIRE_GO=1 requires it)"
    ),
    pytest.mark.xdist_group("go"),
]


def go(*arguments: str) -> str:
    assert GO, "Go is required and not installed"
    done = subprocess.run([GO, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass_on_the_common_vectors():
    go("vet", "./...")
    assert "ok" in go("test", "-count=1", "./...")


@pytest.fixture
def started(tmp_path):
    """A registry that has order.created bound to orders.>, and the program of the Go client."""
    program = tmp_path / "orders"
    go("build", "-o", str(program), "./cmd/orders")
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=4 << 20)
    server.start()
    more = {"REGISTRY_KV_BUCKET": "contracts", "VAR_DIR": str(tmp_path / "var")}
    with serving(server.url, tmp_path / "log", "registry_project.asgi", "--workers", "1", **more) as (url, process):
        token = make_token("contracts:read", "contracts:write", "contracts:admin")
        schema = {"type": "object", "properties": {"orderId": {"type": "string"}}, "required": ["orderId"]}
        with RegistryClient(url, token) as registry:
            registry.publish({"name": "order.created", "version": "1.0.0", "jsonSchema": schema})
            registry.bind("orders", {"subject": "orders.>", "contract": "order.created", "mode": "enforce"})
        environment = {**os.environ, "NATS_URL": server.url, "REGISTRY_ENDPOINT": url, "JWT_TOKEN": token}

        def run(*arguments: str, **variables: str) -> subprocess.Popen[str]:
            child = subprocess.Popen(
                [program, *arguments],
                env=environment | variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            return child

        def stop() -> None:
            process.terminate()
            process.wait(30)

        yield SimpleNamespace(url=url, token=token, nats=server.url, run=run, stop=stop)
    server.stop()


async def python_side(started, work):
    nc = await nats.connect(started.nats, pending_size=64 * 1024 * 1024)
    async with AsyncRegistryClient(started.url, started.token) as registry:
        contracts = await Contracts.follow(nc, registry)
        client = ContractClient(nc, contracts, on_invalid=lambda subject, outcome: None)
        await work(nc, client)
        await contracts.stop()
    await nc.close()


def test_go_publishes_and_python_receives_without_the_registry(started):
    async def work(nc, client):
        received, letters, done = [], [], asyncio.Event()

        async def keep(message):
            received.append(message.headers["Nats-Schema-Version"])
            if len(received) == MESSAGES - 1:
                done.set()

        async def bury(message):
            letters.append(message)

        await client.subscribe("orders.>", cb=keep)
        await nc.subscribe("dead-letter.>", cb=bury)
        await nc.flush()
        child = started.run("publish", str(MESSAGES))
        started.stop()
        output, _ = await asyncio.to_thread(child.communicate, "go\n", 60)
        await asyncio.wait_for(done.wait(), 60)
        assert output.startswith(
            f"published {MESSAGES - 1}, refused: orders.go: not valid by order.created 1.0.0 at /orderId"
        )
        assert set(received) == {"1.0.0"}
        assert [letter.headers["Registry-Error-Place"] for letter in letters] == ["/orderId"]

    asyncio.run(python_side(started, work))


def test_python_publishes_and_go_receives_without_the_registry(started):
    async def work(nc, client):
        child = started.run("receive", str(MESSAGES))
        started.stop()
        for number in range(MESSAGES):
            await client.publish("orders.python", {"orderId": str(number)})
        with pytest.raises(InvalidMessage):
            await client.publish("orders.python", {"orderId": 1})
        await nc.publish("orders.python", b'{"orderId": 2}')  # past the client: the receiver refuses it
        await nc.flush()
        output, _ = await asyncio.to_thread(child.communicate, None, 60)
        assert output == f"received {MESSAGES}\n"

    asyncio.run(python_side(started, work))


def test_go_says_what_it_uses_and_begins_with_its_cache_without_the_registry(started, tmp_path):
    cache = {"CACHE": str(tmp_path / "cache")}
    child = started.run("publish", "10", **cache)
    headers = {"Authorization": f"Bearer {started.token}"}
    usage = f"{started.url}/registry/contracts/order.created/usage"
    deadline = time.monotonic() + 20
    while not (found := httpx.get(usage, headers=headers).json()["clients"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    (client,) = found
    assert (client["client"], client["access"], client["range"]) == ("orders-go", "write", "^1")
    assert client["fields"] == ["/orderId"]
    child.communicate("go\n", 60)
    started.stop()
    # Neither the registry nor its bucket: a server of another site, which knows nothing of it.
    elsewhere = EmbeddedServer(tmp_path / "elsewhere", port=free_port(0), max_record_bytes=4 << 20)
    elsewhere.start()
    try:
        child = started.run("publish", "10", NATS_URL=elsewhere.url, **cache)
        output, _ = child.communicate("go\n", 60)
        assert output.startswith("published 9, refused: orders.go: not valid by order.created 1.0.0 at /orderId")
        nothing = subprocess.run(
            [tmp_path / "orders", "publish", "10"],
            env={**os.environ, "NATS_URL": elsewhere.url, "REGISTRY_ENDPOINT": started.url, "JWT_TOKEN": "x"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "the cache has no bindings of it" in nothing.stderr
    finally:
        elsewhere.stop()
