"""Rate limits, counted across the workers of a real gunicorn."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from contracts_app.serving.shared_counters import SharedCounters
from tests.api.conftest import make_token
from tests.commands.serving import ROOT, serving

LIMIT = 40


@pytest.fixture
def server(nats_server, tmp_path):
    variables = {"MAX_REQUESTS_PER_MINUTE": str(LIMIT), "MAX_ANONYMOUS_REQUESTS_PER_MINUTE": "5"}
    with serving(nats_server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi", **variables) as (url, _):
        yield url


def headers(subject):
    return {"Authorization": f"Bearer {make_token('contracts:read', sub=subject)}", "Accept": "application/json"}


def test_each_subject_has_its_limit_over_all_workers(server):
    def get(subject):
        # A connection each, so that both workers take part.
        return httpx.get(f"{server}/registry/contracts", headers=headers(subject))

    responses = [get("busy") for _ in range(LIMIT + 20)]
    refused = [response for response in responses if response.status_code == 429]
    assert 5 <= len(refused) <= 20  # a minute may begin between them
    assert {response.status_code for response in responses} == {200, 429}
    assert responses[0].headers["ratelimit-policy"].endswith(";w=60")
    assert refused[0].headers["ratelimit"].startswith('"subject";r=0;t=')
    assert 0 < int(refused[0].headers["retry-after"]) <= 61
    assert refused[0].json()["code"] == "rate_limited"
    assert get("other").status_code == 200
    assert httpx.get(f"{server}/healthz").status_code == 200


def test_clients_without_a_valid_token_are_limited_by_address(server):
    statuses = [
        httpx.get(f"{server}/registry/contracts", headers={"Authorization": f"Bearer {number}"}).status_code
        for number in range(20)
    ]
    assert set(statuses) == {401, 429}
    assert httpx.get(f"{server}/registry/contracts", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401


COUNT = """
from contracts_app.serving.shared_counters import SharedCounters
counters = SharedCounters({path!r})
for _ in range(2000):
    counters.add("one", 7)
"""


def test_no_request_is_lost_between_processes(tmp_path):
    path = tmp_path / "counters"
    command = [sys.executable, "-c", COUNT.format(path=str(path))]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0] * 3
    assert SharedCounters(path).add("one", 7) == 6001
    assert SharedCounters(path).add("one", 8) == 1


def test_many_keys_take_no_more_memory(tmp_path):
    counters = SharedCounters(tmp_path / "counters")
    for number in range(50_000):
        counters.add(str(number), 1)
    assert (tmp_path / "counters").stat().st_size == 16_384 * 16
