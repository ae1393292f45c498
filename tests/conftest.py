"""A real nats-server for every test session, on a port and in a folder of its own."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

# Before Django reads its settings: nothing of the developer's environment, nothing in var/.
for _name in [name for name in os.environ if name.startswith(("JWT_", "NATS_", "REGISTRY_", "BIND_", "CONTRACT_"))]:
    del os.environ[_name]
os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="registry-test-")

import pytest

from contracts_app.embedded import EmbeddedServer, free_port
from contracts_app.storage import contract_storages
from contracts_app.storage.jetstream import JetStreamContractStorage


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path_factory.mktemp("nats"), port=free_port(0), largest_record=21 * 1024 * 1024)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def jetstream(nats_server: EmbeddedServer, bucket: str) -> Iterator[JetStreamContractStorage]:
    storage = JetStreamContractStorage(servers=nats_server.url, bucket=bucket)
    yield storage
    storage.close()


@pytest.fixture
def registry(settings, nats_server: EmbeddedServer, bucket: str) -> Iterator[None]:
    """The configured storage of this process: a bucket of its own on the real server."""
    settings.CONTRACT_STORAGES = {
        "default": {
            "BACKEND": "contracts_app.storage.jetstream.JetStreamContractStorage",
            "OPTIONS": {"servers": nats_server.url, "bucket": bucket},
        }
    }
    contract_storages.close()
    yield
    contract_storages.close()


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent.parent / "contracts" / "fixtures" / "linter"
