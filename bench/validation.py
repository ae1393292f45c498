"""Validation of instances: in the worker's process, in its child processes, and its end when the client goes away."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import httpx

from bench import store
from bench.service import TOKEN, compare, load, serving
from contracts_app.serving.embedded_nats import EmbeddedServer

EXPRESSION = {
    "$ref": "#/$defs/e",
    "$defs": {
        "e": {
            "oneOf": [
                {"type": "number"},
                *(
                    {"properties": {"op": {"const": op}, "args": {"items": {"$ref": "#/$defs/e"}}}, "required": ["op"]}
                    for op in ("add", "mul")
                ),
            ]
        }
    },
}


SUM = {"op": "add", "args": [1]}


def validation(server: EmbeddedServer, seconds: float, rounds: int) -> None:
    """Measure validation in the worker's process and in its children, and how soon work ends when its client goes."""
    environment = {
        "NATS_URL": server.url,
        "REGISTRY_KV_BUCKET": "validation",
        "LOG_LEVEL": "info",
        "WORK_SECONDS": "30",
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving("registry_project.asgi", **environment) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client,
    ):
        schemas = {"plain": json.loads(store.SCHEMA), "expression": EXPRESSION, "slow": {"uniqueItems": True}}
        for name, schema in schemas.items():
            body = {"name": f"bench.{name}", "version": "1.0.0", "jsonSchema": schema}
            client.post("/registry/contracts", json=body).raise_for_status()
        path = "/registry/contracts/bench.{}/1.0.0/validate"
        compare(
            "validation, 16 connections",
            {
                "a version, by Django": lambda: load(port, "/registry/contracts/bench.plain/latest", 16, seconds),
                "in the worker": lambda: load(port, path.format("plain"), 16, seconds, body={"field_1": "x"}),
                "in a child": lambda: load(port, path.format("expression"), 16, seconds, body=SUM),
            },
            rounds,
        )
        seconds_left = _seconds_until_free(client, path.format("slow"))
        print(f"work ends {seconds_left:.2f} s after its client goes away\n")


def _seconds_until_free(client: httpx.Client, path: str) -> float:
    """Return the seconds from a disconnect until the processor time of the children stands still."""
    with contextlib.suppress(httpx.ReadTimeout):
        client.post(path, json=[2**70 + number for number in range(40_000)], timeout=2)
    start = time.monotonic()
    while _children_busy():
        time.sleep(0.01)
    return time.monotonic() - start


def _children_busy() -> bool:
    """Return whether a child process of a worker uses the processor."""
    times = []
    for _ in range(2):
        stats = [path for path in Path("/proc").glob("[0-9]*/stat") if _is_child(path)]
        times.append(sum(int(path.read_text().rpartition(")")[2].split()[11]) for path in stats))
        time.sleep(0.05)
    return times[1] - times[0] > 2


def _is_child(stat: Path) -> bool:
    with contextlib.suppress(OSError):
        return b"multiprocessing.forkserver" in (stat.parent / "cmdline").read_bytes()
    return False
