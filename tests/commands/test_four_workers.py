"""Four workers: what one of them has shown, every other one shows too."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import httpx
import pytest

from contracts_app.serving.access_log import BATCH_SECONDS
from tests.api.conftest import make_token
from tests.commands.serving import serving

SCOPES = [f"contracts:{scope}" for scope in ("read", "write", "admin", "override", "audit")]
ROUNDS = 60


@pytest.fixture
def clients(nats_server, tmp_path):
    """Clients with a connection each. The kernel chooses the worker, so there are many of them."""
    headers = {"Authorization": f"Bearer {make_token(*SCOPES)}"}
    with serving(nats_server.url, tmp_path / "log", "--workers", "4", "registry_project.asgi") as (url, _):
        opened = [httpx.Client(base_url=url, headers=headers, timeout=30) for _ in range(16)]
        for client in opened:
            client.get("/healthz")
        yield opened
        for client in opened:
            client.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert not [line for line in lines if line["level"] == "error"]


def test_a_publish_of_one_worker_is_readable_from_every_other(clients):
    for number in range(ROUNDS):
        name, writer = f"one.truth{number}", clients[number % 16]
        schema = {"type": "object", "title": str(number)}
        published = writer.post(
            "/registry/contracts", json={"name": name, "version": "1.0.0", "jsonSchema": schema, "labels": [name]}
        )
        assert published.status_code == 201
        digest = published.json()["digest"]
        for reader in clients:
            assert reader.get(f"/registry/contracts/{name}/1.0.0").status_code == 200
            assert f'"{name}"' in reader.get("/registry/contracts").text
            assert len(reader.get(f"/registry/contracts?label={name}").json()["contracts"]) == 1
            assert reader.get(f"/registry/contracts/{name}/latest").json()["version"] == "1.0.0"
            assert reader.get(f"/registry/digests/{digest}").status_code == 200


def test_policies_and_lifecycles_apply_in_every_worker_immediately(clients):
    def publish(client: httpx.Client, name: str, version: str, schema: object) -> int:
        body = {"name": name, "version": version, "jsonSchema": schema}
        return client.post("/registry/contracts", params={"dryRun": "true"}, json=body).status_code

    first = {"name": "one.policy", "version": "1.0.0", "jsonSchema": {"type": "integer"}}
    assert clients[0].post("/registry/contracts", json=first).status_code == 201
    for number in range(ROUNDS):
        mode, status = (("none", 200), ("backward", 422))[number % 2]
        writer = clients[number % 16]
        put = writer.put("/registry/policies/contracts/one.policy", json={"compatibility": mode})
        assert put.status_code == 200
        action, state = (("deprecate", "deprecated"), ("activate", "active"))[number % 2]
        assert writer.post(f"/registry/contracts/one.policy/1.0.0/{action}").status_code == 200
        for reader in clients:
            assert publish(reader, "one.policy", "1.1.0", {"type": "string"}) == status
            answer = reader.get("/registry/contracts/one.policy/1.0.0")
            assert answer.json()["lifecycle"]["state"] == state
            assert ("Deprecation" in answer.headers) == (state == "deprecated")


def test_every_worker_is_ready_and_reports_its_metrics(clients):
    assert {client.get("/readyz").status_code for client in clients} == {200}
    time.sleep(2 * BATCH_SECONDS)
    lines = clients[0].get("/metrics").text.splitlines()
    current = [line.split() for line in lines if line.startswith("registry_copy_current{")]
    assert [value for _, value in current] == ["1.0"] * 4
    counted = [line for line in lines if line.startswith("registry_requests_total{") and 'route="/healthz"' in line]
    assert float(counted[0].split()[-1]) >= 16


def test_what_operators_ask_is_counted(clients):
    def total(name: str, *labels: str) -> float:
        time.sleep(2 * BATCH_SECONDS)
        lines = clients[0].get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(name) and all(label in line for label in labels)]
        return sum(float(line.split()[-1]) for line in found)

    names = {
        "published": ("registry_publishes_total", 'outcome="published"'),
        "refused": ("registry_publishes_total", 'outcome="content_refused"'),
        "breaking": ("registry_verdicts_total", 'verdict="breaking"'),
        "rule": ("registry_findings_total", 'rule="type-narrowed"'),
        "hits": ("registry_cached_reads_total", 'outcome="hit"'),
        "quick": ("registry_request_duration_seconds_bucket", 'status_class="2xx"', 'le="10.0"', 'method="POST"'),
    }
    before = {name: total(*wanted) for name, wanted in names.items()}
    body = {"name": "one.metric", "version": "1.0.0", "jsonSchema": {"type": ["string", "null"]}}
    assert clients[0].post("/registry/contracts", json=body).status_code == 201
    body |= {"version": "1.1.0", "jsonSchema": {"type": "string"}}
    assert clients[1].post("/registry/contracts", json=body).status_code == 422
    for _ in range(2):
        assert clients[0].get("/registry/contracts/one.metric/1.0.0").status_code == 200
    after = {name: total(*wanted) for name, wanted in names.items()}
    assert {name for name in names if after[name] <= before[name]} == set()


def test_workers_end_when_their_master_is_killed(nats_server, tmp_path):
    with serving(nats_server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi") as (url, process):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while [child for child in children if Path(f"/proc/{child}").exists()]:
            assert time.monotonic() < deadline, "a worker lives on"
            time.sleep(0.05)
        host, port = url.removeprefix("http://").split(":")
        socket.create_server((host, int(port))).close()
