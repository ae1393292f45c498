"""Speed relative to another service with the same routes: `python -m bench.reference_service PROGRAM`.

PROGRAM is started with NATS_URL, REGISTRY_KV_BUCKET, JWT_SECRET and BIND_ADDR in its environment, on the same
nats-server, and has the routes for reading, listing and publishing. It is the baseline: 1.00 is its speed. Every write
of both is on disk before it is acknowledged; rounds are interleaved.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from bench import service, store
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port


@contextlib.contextmanager
def running(program: str, **environment: str) -> Iterator[int]:
    port = free_port(0)
    more = {"JWT_SECRET": settings.JWT.key, "BIND_ADDR": f"127.0.0.1:{port}"}
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen([program], env={**os.environ, **environment, **more}, stdout=nowhere, stderr=nowhere)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                service.fetch(port, "/healthz")
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(40)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the other service's executable")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    seconds, rounds = 2, options.rounds
    server = EmbeddedServer(Path(os.environ["VAR_DIR"]) / "nats", port=free_port(0), max_record_bytes=21 * 1024 * 1024)
    server.start()
    try:
        # A bucket for each, because this service follows its bucket and would also process the writes of the other.
        for bucket in ("other", "this"):
            store.fill(server.url, bucket, 1000)
        path = f"/registry/contracts/{store.name_of(500)}/{store.version_of(500)}"
        with (
            running(options.program, NATS_URL=server.url, REGISTRY_KV_BUCKET="other") as other,
            service.serving("registry_project.asgi", NATS_URL=server.url, REGISTRY_KV_BUCKET="this") as this,
        ):
            for connections in (16, 256):
                service.compare(
                    f"GET of a bundle, {connections} connections",
                    {
                        "the other": lambda c=connections: service.load(other, path, c, seconds),
                        "this": lambda c=connections: service.load(this, path, c, seconds),
                    },
                    rounds,
                )
            service.compare(
                "the full list, of 1,000 bundles, 16 connections",
                {
                    "the other": lambda: service.load(other, "/registry/contracts", 16, 2 * seconds),
                    "this": lambda: service.load(this, "/registry/contracts", 16, seconds),
                },
                rounds,
            )
            for connections in (16, 64):
                service.compare(
                    f"publish, {connections} at once, every write on disk",
                    {
                        "the other": lambda c=connections: service.publishes(other, c, seconds, "seen"),
                        "this, texts seen before": lambda c=connections: service.publishes(this, c, seconds, "seen"),
                        "this, every text new": lambda c=connections: service.publishes(this, c, seconds, "new"),
                    },
                    rounds,
                )
    finally:
        server.stop()
        shutil.rmtree(os.environ["VAR_DIR"], ignore_errors=True)


if __name__ == "__main__":
    main()
