"""How often versions are read: counted by each worker on every way to a content, and added up."""

from __future__ import annotations

import threading
import time

import httpx

from contracts_app.read_counts import MAX_VERSIONS, ReadCounts
from contracts_app.services import reads as services
from contracts_app.services.reads import ReadReporter, reads_of
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.commands.serving import serving
from tests.drills.cluster import until
from tests.drills.ledger import HEADERS


def forgotten(monkeypatch):
    monkeypatch.setattr(services, "_kept", None)


def test_processes_are_added_up(jetstream, monkeypatch):
    first, second = ReadCounts(), ReadCounts()
    one, other = ReadReporter(jetstream, first), ReadReporter(jetstream, second)
    for _ in range(3):
        first.add("order", "1.0.0")
    second.add("order", "1.0.0")
    second.add("order", "2.0.0")
    second.add("other", "1.0.0")
    one.flush()
    other.flush()
    forgotten(monkeypatch)
    found = reads_of("order", jetstream)
    assert {version: each.number for version, each in found.items()} == {"1.0.0": 4, "2.0.0": 1}
    assert abs(found["1.0.0"].last - time.time()) < 20
    first.add("order", "1.0.0")
    one.flush()
    forgotten(monkeypatch)
    assert reads_of("order", jetstream)["1.0.0"].number == 5


def test_what_was_not_read_for_long_is_forgotten(jetstream, monkeypatch):
    counts = ReadCounts()
    monkeypatch.setattr("contracts_app.read_counts.time.time", lambda: 1000.0)
    counts.add("order", "1.0.0")
    monkeypatch.undo()
    counts.add("order", "2.0.0")
    assert list(counts.snapshot(since=2000.0)) == [("order", "2.0.0")]
    assert list(counts.snapshot(since=0)) == [("order", "2.0.0")]
    for number in range(MAX_VERSIONS + 10):
        counts.add("many", str(number))
    assert len(counts.snapshot(since=0)) == MAX_VERSIONS


def test_a_store_that_is_away_does_not_stop_the_reporter(jetstream, caplog):
    counts = ReadCounts()
    counts.add("order", "1.0.0")
    store = JetStreamContractStore(servers="nats://127.0.0.1:9", timeout=0.3)
    reporter, stopped = ReadReporter(store, counts), threading.Event()
    stopped.set()
    reporter.run(stopped)
    assert "the counts of reads were not written" in caplog.text
    store.close()


def test_a_service_counts_reads_on_every_way(nats_server, tmp_path):
    with serving(nats_server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi") as (url, process):
        client = httpx.Client(base_url=url, headers=HEADERS, timeout=30)
        for version in ("1.0.0", "1.1.0"):
            body = {"name": "order", "version": version, "jsonSchema": {"title": version}}
            assert client.post("/registry/contracts", json=body).status_code == 201
        at = "/registry/contracts/order"
        for path in (f"{at}/1.1.0", f"{at}/1.1.0", f"{at}/latest", f"{at}/^1/schema", f"{at}/1.1.0/bundled"):
            assert client.get(path).status_code == 200
        etag = client.get(f"{at}/1.0.0").headers["etag"]
        assert client.get(f"{at}/1.0.0", headers={"If-None-Match": etag}).status_code == 304
        assert client.get(f"{at}/3.0.0").status_code == 404
        subject = client.get("/confluent/subjects/order/versions/latest").json()
        assert client.get(f"/confluent/schemas/ids/{subject['id']}").status_code == 200
        assert client.get("/v2/order/manifests/1.0.0").status_code == 200
        # Lists, checks and the console read for themselves.
        client.get("/registry/contracts")
        client.post("/registry/check", json={"old": {"name": "order", "version": "1.0.0"}, "new": {"jsonSchema": {}}})
        bucket = f"served-{url.rpartition(':')[2]}"
        process.terminate()
        process.wait(30)
        store = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
        found = {}
        until(lambda: found.update(reads_of("order", store)) or found, 20)
        assert {version: each.number for version, each in found.items()} == {"1.0.0": 3, "1.1.0": 7}
        store.close()
