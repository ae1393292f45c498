"""Drills with two registries and three nats-servers: no fault loses, doubles or ages what was acknowledged.

`make drills` runs all of them; `make test` the short ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time

import httpx
import nats
import pytest

from tests.commands.serving import serving
from tests.drills.cluster import NODES, Cluster, until
from tests.drills.ledger import HEADERS, NAME, Ledger

LONG = pytest.mark.skipif("DRILLS" not in os.environ, reason="a long drill: `make drills` runs it")
BUCKET = "drill"
STORE_TIMEOUT = 5  # seconds: the default of NATS_TIMEOUT
pytestmark = pytest.mark.xdist_group("drills")


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    cluster.start()
    yield cluster
    cluster.stop()


@contextlib.contextmanager
def registry(cluster: Cluster, log, *nodes: str, workers: int = 1, **more: str):
    variables = {
        "NATS_USER": "registry",
        "NATS_PASSWORD": "registry",
        "NATS_REPLICAS": "3",
        "REGISTRY_SEVERAL_HOSTS": "true",
        "REGISTRY_KV_BUCKET": BUCKET,
        "VAR_DIR": str(log.with_suffix(".var")),
        "LOG_LEVEL": "debug",
    } | more
    urls = cluster.urls(*nodes)
    with serving(urls, log, "--workers", str(workers), "registry_project.asgi", **variables) as (url, process):
        yield url, process


@pytest.fixture
def registries(cluster, tmp_path):
    """One registry that reaches n1 only, and one that reaches all nodes."""
    with (
        registry(cluster, tmp_path / "one.log", "n1") as (one, _),
        registry(cluster, tmp_path / "two.log", "n2", "n3", "n1") as (two, _),
    ):
        for url in (one, two):
            deadline = time.monotonic() + 30
            while httpx.get(f"{url}/readyz").status_code != 200:
                assert time.monotonic() < deadline, httpx.get(f"{url}/readyz").text
                time.sleep(0.1)
        yield one, two


def leader_of(cluster: Cluster, *nodes: str) -> str:
    """Return the node that leads the stream; empty if these nodes see none."""

    async def ask() -> str:
        client = await nats.connect(cluster.urls(*nodes).split(","), **cluster.login)
        try:
            answer = await client.request(f"$JS.API.STREAM.INFO.KV_{BUCKET}", b"", timeout=2)
            found = json.loads(answer.data).get("cluster", {})
            silent = [peer for peer in found.get("replicas", ()) if not 0 < peer.get("active", 0) < 2.5e9]
            return str(found.get("leader", "")) if len(silent) < 2 else ""
        except (nats.errors.Error, OSError):
            return ""
        finally:
            await client.close()

    return asyncio.run(ask())


def has_leader(cluster: Cluster) -> bool:
    return all(leader_of(cluster, name) for name in NODES)


def ready(url: str) -> int:
    return httpx.get(f"{url}/readyz", timeout=5).status_code


def finish(cluster: Cluster, ledger: Ledger, *, within: float = 5) -> None:
    """Wait for the registries. NATS itself may elect leaders for some seconds, also some time after the fault."""
    ledger.wait_for_success(within, lambda: has_leader(cluster))
    time.sleep(0.5)
    assert ledger.slowest_health < STORE_TIMEOUT / 2, "a health check waited for the store"


@pytest.mark.parametrize("silently", [pytest.param(False, id="cut"), pytest.param(True, id="silent", marks=LONG)])
def test_an_isolated_node_answers_nothing_old(cluster, registries, silently):
    one, _ = registries
    with Ledger(*registries) as ledger:
        time.sleep(1)
        cluster.isolate("n1", silently=silently)
        until(lambda: ready(one) == 503, 5, "the isolated registry says that it is ready")
        time.sleep(14)  # a new leader is elected, and the old one has not noticed
        assert ready(one) == 503
        started = time.monotonic()
        assert httpx.get(f"{one}/registry/contracts/{NAME}/latest", headers=HEADERS).status_code == 503
        assert time.monotonic() - started < STORE_TIMEOUT / 2, "the refusal waited for the store"
        before = len(ledger.acknowledged)
        cluster.heal()
        finish(cluster, ledger)
    ledger.check()
    assert before > 20


@LONG
def test_a_killed_leader(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        name = leader_of(cluster)
        cluster.nodes[name].kill()
        time.sleep(12)
        cluster.nodes[name].start()
        cluster.wait_until_up()
        finish(cluster, ledger)
    ledger.check()


@LONG
def test_a_frozen_leader(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        node = cluster.nodes[leader_of(cluster)]
        for seconds in (3, 15):
            node.freeze()
            time.sleep(seconds)
            node.thaw()
            finish(cluster, ledger)
    ledger.check()


@LONG
def test_a_lost_quorum(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        for name in ("n2", "n3"):
            cluster.nodes[name].freeze()
        until(lambda: {ready(url) for url in registries} == {503}, 6, "a registry is ready without a quorum")
        time.sleep(6)
        for name in ("n2", "n3"):
            cluster.nodes[name].thaw()
        finish(cluster, ledger)
    ledger.check()


@LONG
def test_a_rolling_restart(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        for name in NODES:
            cluster.nodes[name].stop()
            cluster.nodes[name].start()
            cluster.wait_until_up()
            finish(cluster, ledger)
    ledger.check()


@LONG
def test_all_nodes_down(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        for node in cluster.nodes.values():
            node.kill()
        time.sleep(3)
        cluster.start()
        finish(cluster, ledger)
    ledger.check()


@LONG
def test_a_network_that_swallows_all_bytes(cluster, registries):
    with Ledger(*registries) as ledger:
        time.sleep(1)
        for door in cluster.doors.values():
            door.silence()
        time.sleep(8)
        cluster.heal()
        finish(cluster, ledger)
    ledger.check()


@LONG
def test_a_reload_and_killed_workers(cluster, tmp_path):
    with (
        registry(cluster, tmp_path / "one.log", "n1", workers=2) as (one, first),
        registry(cluster, tmp_path / "two.log", "n2", workers=2) as (two, second),
        Ledger(one, two) as ledger,
    ):
        ledger.wait_for_success(20)
        for each in (first, second):
            each.send_signal(signal.SIGHUP)
            time.sleep(5)
        assert not ledger.cut, ledger.cut
        for _ in range(3):
            time.sleep(1)
            workers = subprocess.run(["pgrep", "-P", str(second.pid)], capture_output=True, text=True).stdout.split()
            os.kill(int(workers[0]), signal.SIGKILL)
        finish(cluster, ledger)
        ledger.__exit__()
        ledger.check()
