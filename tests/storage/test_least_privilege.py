"""The permissions of deploy/nats/least-privilege.conf on a real nats-server: enough for the API, and no more."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import nats
import pytest

from contracts_app.exceptions import StorageUnavailable
from contracts_app.serving.embedded_nats import free_port, is_nats_server, nats_server_path
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.storage.suite import AUDIT, make

ROOT = Path(__file__).parent.parent.parent
SUITE = [
    *("tests/api", "--ignore", "tests/api/test_openapi.py", "--ignore", "tests/api/test_search_for_errors.py"),
    "tests/oci/test_pull_and_push.py",
    *("tests/confluent/test_subjects.py", "tests/confluent/test_settings.py", "tests/webhooks"),
]
PASSWORDS = {"REGISTRY_NATS_PASSWORD": "service-0123456789", "REGISTRY_NATS_READER_PASSWORD": "readers-0123456789"}


def start(folder: Path, permissions: str):
    port = free_port(0)
    (folder / "least-privilege.conf").write_text(permissions)
    (folder / "nats-server.conf").write_text(
        f"listen: 127.0.0.1:{port}\nmax_payload: 21037056\n"
        f'jetstream {{ store_dir: "{folder / "data"}" }}\ninclude least-privilege.conf\n'
    )
    log = (folder / "log").open("w")
    command = [nats_server_path(), "-c", str(folder / "nats-server.conf")]
    process = subprocess.Popen(command, env={**os.environ, **PASSWORDS}, stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while not is_nats_server("127.0.0.1", port):
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return f"nats://127.0.0.1:{port}", process


@pytest.fixture
def permissions() -> str:
    return (ROOT / "deploy" / "nats" / "least-privilege.conf").read_text()


@pytest.fixture
def server(tmp_path, permissions):
    url, process = start(tmp_path, permissions)
    yield url
    process.terminate()
    process.wait(20)


@pytest.mark.xdist_group("least-privilege")
def test_the_whole_api_works_with_these_permissions(tmp_path, permissions):
    # Each test has a bucket of its own: the same permissions, with a wildcard for its name.
    for bucket, wildcard in (
        ("OBJ_contracts-uploads", "*"),
        ("$O.contracts-uploads", "$O.*"),
        ("KV_contracts", "*"),
        ("$KV.contracts", "$KV.*"),
    ):
        permissions = permissions.replace(bucket, wildcard)
    url, process = start(tmp_path, permissions)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--no-cov", *SUITE],
            cwd=ROOT,
            env={**os.environ, "TEST_NATS_URL": url, "TEST_NATS_PASSWORD": PASSWORDS["REGISTRY_NATS_PASSWORD"]},
            capture_output=True,
            text=True,
        )
    finally:
        process.terminate()
        process.wait(20)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Violation" not in (tmp_path / "log").read_text()


async def denied(url: str, user: str, password: str, subjects: list[str]) -> list[str]:
    """Return the subjects that the server does not let a user publish to."""
    errors: list[str] = []

    async def on_error(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(url, user=user, password=password, error_cb=on_error)
    for subject in subjects:
        await client.publish(subject, b"{}")
    await client.flush()
    await asyncio.sleep(0.3)
    await client.close()
    return [subject for subject in subjects if any(f'"{subject}"'.lower() in error.lower() for error in errors)]


def test_other_subjects_are_denied(server):
    store = JetStreamContractStore(servers=server, user="registry", password=PASSWORDS["REGISTRY_NATS_PASSWORD"])
    store.index()  # it creates the bucket
    store.close()
    others = [
        "orders.created",
        "$KV.other.a",
        "$JS.API.STREAM.DELETE.KV_contracts",
        "$JS.API.STREAM.PURGE.KV_contracts",
        "$JS.API.STREAM.UPDATE.KV_contracts",
        "$JS.API.STREAM.MSG.DELETE.KV_contracts",
        "$JS.API.STREAM.INFO.KV_other",
        "$JS.API.STREAM.CREATE.other",
        "$JS.API.STREAM.LIST",
        "$SYS.REQ.SERVER.PING",
    ]
    service = "registry", PASSWORDS["REGISTRY_NATS_PASSWORD"]
    assert asyncio.run(denied(server, *service, others)) == others
    assert asyncio.run(denied(server, *service, ["$KV.contracts.x", "$JS.API.STREAM.INFO.KV_contracts"])) == []
    reader = "registry-reader", PASSWORDS["REGISTRY_NATS_READER_PASSWORD"]
    writes = ["$KV.contracts.meta.a.1", "$JS.API.STREAM.CREATE.KV_contracts"]
    assert asyncio.run(denied(server, *reader, [*others, *writes])) == [*others, *writes]


def test_a_reader_follows_the_bucket(server):
    service = JetStreamContractStore(servers=server, user="registry", password=PASSWORDS["REGISTRY_NATS_PASSWORD"])
    reader = JetStreamContractStore(
        servers=server, user="registry-reader", password=PASSWORDS["REGISTRY_NATS_READER_PASSWORD"]
    )
    service.index()
    for store in (service, reader):
        store.enable_replica()
        deadline = time.monotonic() + 20
        while not store.replica.is_current:
            assert time.monotonic() < deadline, store.replica.status()
            time.sleep(0.01)
    service.create(make("a.b"), after=0, audit=AUDIT)
    deadline = time.monotonic() + 10
    while reader.replica.cached_version("a.b", "1.0.0") is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(StorageUnavailable):
        reader.create(make("a.c"), after=0, audit=AUDIT)
    service.close()
    reader.close()
