"""A real gunicorn for tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from contracts_app.serving.embedded_nats import free_port

ROOT = Path(__file__).parent.parent.parent


def wait_for(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


def unmeasured(**more: str) -> dict[str, str]:
    """Without coverage, which makes a process several times slower and its timeouts meaningless."""
    return {name: value for name, value in environment(**more).items() if not name.startswith("COVERAGE_")}


@contextlib.contextmanager
def serving(
    nats_url: str, log: Path, *arguments: str, measured: bool = False, **variables: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run gunicorn with the project's own settings; yield its URL and process."""
    port = free_port(0)
    more = {"NATS_URL": nats_url, "REGISTRY_KV_BUCKET": f"served-{port}", "BIND_ADDR": f"127.0.0.1:{port}"} | variables
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments],
            cwd=ROOT,
            env=(environment if measured else unmeasured)(**more),
            stderr=stderr,
        )
    try:
        wait_for(port)
        while httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code != 200:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(40)
