"""A real nats-server for each test session, with its own port and folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

# Before Django reads its settings: ignore the developer's environment, and write nothing to var/.
for _name in [name for name in os.environ if name.startswith(("JWT_", "NATS_", "REGISTRY_", "BIND_", "CONTRACT_"))]:
    del os.environ[_name]
_VAR = tempfile.TemporaryDirectory(prefix="registry-test-")
os.environ["VAR_DIR"] = _VAR.name

import nats
import pytest

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port, nats_server_path
from contracts_app.storage import contract_store, contract_stores
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.commands.serving import wait_for

LOGIN = {"user": "registry", "password": os.environ["TEST_NATS_PASSWORD"]} if "TEST_NATS_URL" in os.environ else {}


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path_factory.mktemp("nats"), port=free_port(0), max_record_bytes=21 * 1024 * 1024)
    if "TEST_NATS_URL" in os.environ:  # a server that is running, with other permissions
        server.url = os.environ["TEST_NATS_URL"]
        yield server
        return
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server_with(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Start a nats-server with a configuration of its own, where FOLDER is a folder of the test; return its port."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(config: str) -> int:
        port, path = free_port(0), tmp_path / "nats-server.conf"
        path.write_text(f"listen: 127.0.0.1:{port}\n" + config.replace("FOLDER", str(tmp_path)))
        processes.append(subprocess.Popen([nats_server_path(), "-c", str(path)], stderr=subprocess.DEVNULL))
        wait_for(port)
        return port

    yield start
    for process in processes:
        process.terminate()
        process.wait()


@pytest.fixture
def bucket() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def jetstream(nats_server: EmbeddedServer, bucket: str) -> Iterator[JetStreamContractStore]:
    store = JetStreamContractStore(servers=nats_server.url, bucket=bucket, **LOGIN)
    yield store
    store.close()


@pytest.fixture
def registry(settings, nats_server: EmbeddedServer, bucket: str) -> Iterator[None]:
    """The configured store of this process, with its own bucket on the real server."""
    settings.CONTRACT_STORAGES = {
        "default": {
            "BACKEND": "contracts_app.storage.nats.store.JetStreamContractStore",
            "OPTIONS": {"servers": nats_server.url, "bucket": bucket, **LOGIN},
        }
    }
    contract_stores.close()
    yield
    contract_stores.close()


@pytest.fixture
def replicated(registry):
    """The configured store with a current replica."""
    store = contract_store()
    store.enable_replica()
    deadline = time.monotonic() + 10
    while not store.replica.is_current:
        assert time.monotonic() < deadline, store.replica.status()
        time.sleep(0.01)
    return store


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent.parent / "contracts" / "fixtures" / "linter"


@pytest.fixture
def stream(registry, nats_server, request):
    """A stream of its own, and a function that fills it with messages (subject, body, headers)."""
    name = f"S{abs(hash(request.node.nodeid)) % 10**12}"

    async def connected(work):
        client = await nats.connect(nats_server.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    async def fill(js, messages):
        waiting = [js.publish_async(f"{name}.{subject}", body, headers=headers) for subject, body, headers in messages]
        await asyncio.gather(*[await each for each in waiting])

    def filled(*messages):
        asyncio.run(connected(lambda js: fill(js, messages)))

    asyncio.run(connected(lambda js: js.add_stream(name=name, subjects=[f"{name}.>"])))
    filled.name = name
    filled.info = lambda: asyncio.run(connected(lambda js: js.stream_info(name)))
    yield filled
    asyncio.run(connected(lambda js: js.delete_stream(name)))
