"""Speed of the service, relative to baselines measured in the same run: `python -m bench.service [--quick]`.

Real parts: a nats-server that has every write on disk before it acknowledges, gunicorn with two workers, and a load
generator in its own process. Rounds are interleaved, so that a noisy machine affects all equally; the output shows
medians and their ratios. `--plots` draws the growth curves into docs/bench/.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
_FOLDER = tempfile.TemporaryDirectory(prefix="registry-bench-")
_VAR = _FOLDER.name
os.environ["VAR_DIR"] = _VAR

import django  # noqa: E402

django.setup()

from bench import store  # noqa: E402
from contracts_app.management.commands.issue_token import make_token  # noqa: E402
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port  # noqa: E402

TOKEN = make_token("bench", ["contracts:read", "contracts:write"], 24 * 3600)


@contextlib.contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[int]:
    """Run gunicorn with two workers on a free port, until the block ends."""
    port = free_port(0)
    log = open(Path(_VAR) / f"log-{port}", "wb")  # noqa: SIM115  it outlives this line
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments, "--workers", "2", "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        # Limits that no load generator reaches: counting requests is part of what is measured.
        env={**os.environ, "MAX_REQUESTS_PER_MINUTE": str(10**9), **environment},
        stdout=log,
        stderr=log,
    )
    try:
        _wait(port, "/readyz" if "NATS_URL" in environment else "/")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


@contextlib.contextmanager
def nginx(body: Path) -> Iterator[int | None]:
    """Run nginx with two workers that serve one file; yield None if it is not installed."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not found:
        yield None
        return
    port, folder = free_port(0), Path(tempfile.mkdtemp(prefix="registry-nginx-"))
    (folder / "body").write_bytes(body.read_bytes())
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(
        f"worker_processes 2; daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; root {folder};\n"
        "default_type application/json; } }\n"
    )
    process = subprocess.Popen([found, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, path: str) -> float:
    """Wait until many responses in a row have status 200; return the seconds it took."""
    begun, good = time.monotonic(), 0
    while good < 12:  # two workers respond in turn
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                good = good + 1 if answer.status == 200 else 0
        except OSError:
            good = 0
            time.sleep(0.05)
        if time.monotonic() - begun > 120:
            raise SystemExit(f"nothing answers on port {port}; see {_VAR}")
    return time.monotonic() - begun


def load(port: int, path: str, connections: int, seconds: float, *headers: str, body: Any = None) -> dict[str, float]:
    """Send GETs of a path, or with a body POSTs to it."""
    sent = b"" if body is None else json.dumps(body).encode()
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost", *headers]
    lines += [f"Authorization: Bearer {TOKEN}", *([f"Content-Length: {len(sent)}"] if sent else [])]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode() + sent
    return _generator("load", port, connections, seconds, sent=request)


def publishes(port: int, connections: int, seconds: float, texts: str) -> dict[str, float]:
    return _generator("publishers", port, connections, seconds, texts, sent=TOKEN.encode())


def _generator(module: str, *arguments: Any, sent: bytes) -> dict[str, float]:
    """Run a load generator in its own process; return its JSON output."""
    command = [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=sent, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    result: dict[str, float] = json.loads(done.stdout)
    return result


def fetch(port: int, path: str) -> tuple[bytes, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read(), answer.headers["ETag"]


def compare(title: str, runs: dict[str, Any], rounds: int) -> dict[str, dict[str, float]]:
    """Run each of `runs` in turn, `rounds` times; print and return medians, the first being the baseline."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            results[name].append(run())
    medians = {
        name: {key: statistics.median(result[key] for result in found) for key in found[0]}
        for name, found in results.items()
    }
    print(f"\n{title}")
    baseline = next(iter(medians.values()))["perSecond"]
    for name, found in medians.items():
        tail = f"p50 {found['p50']:7.2f} ms  p99 {found['p99']:7.2f} ms" if "p99" in found else ""
        print(f"  {name:28} {found['perSecond']:10.0f}/s  {found['perSecond'] / baseline:6.2f}  {tail}", flush=True)
    return medians


def reads(server: EmbeddedServer, size: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure GET, 304 and the list, with one number of bundles."""
    bucket = f"reads-{size}"
    store.fill(server.url, bucket, size)
    environment = {"NATS_URL": server.url, "REGISTRY_KV_BUCKET": bucket, "LOG_LEVEL": "info"}
    figures: dict[str, Any] = {"size": size}
    begun = time.monotonic()
    with serving("registry_project.asgi", **environment) as port:
        figures["ready"] = time.monotonic() - begun
        figures["memory"] = store.resident_megabytes(port)
        print(f"\n{size} bundles: ready after {figures['ready']:.1f} s, {figures['memory']:.0f} MB a worker")
        path = f"/registry/contracts/{store.name_of(size // 2)}/{store.version_of(size // 2)}"
        body, etag = fetch(port, path)
        file = Path(_VAR) / "body"
        file.write_bytes(body)
        with (
            serving("bench.bare:application", "--config", "bench/bare_gunicorn.py", BENCH_BODY=str(file)) as bare,
            nginx(file) as static,
        ):
            for connections in (16, 256):
                runs = {
                    "bare ASGI application": lambda c=connections: load(bare, "/", c, seconds),
                    "GET of a bundle": lambda c=connections: load(port, path, c, seconds),
                }
                if static:
                    runs["nginx, the same bytes"] = lambda c=connections: load(static, "/body", c, seconds)
                figures[f"get{connections}"] = compare(
                    f"GET, {len(body)} bytes, {connections} connections, {size} bundles", runs, rounds
                )
            figures["304"] = compare(
                f"304, 16 connections, {size} bundles",
                {
                    "bare ASGI application": lambda: load(bare, "/", 16, seconds, f"If-None-Match: {etag}"),
                    "304 of a bundle": lambda: load(port, path, 16, seconds, f"If-None-Match: {etag}"),
                },
                rounds,
            )
        body, _ = fetch(port, "/registry/contracts")
        file.write_bytes(body)
        with serving("bench.bare:application", "--config", "bench/bare_gunicorn.py", BENCH_BODY=str(file)) as bare:
            figures["list"] = compare(
                f"the full list, {len(body)} bytes, 16 connections, {size} bundles",
                {
                    "bare ASGI application": lambda: load(bare, "/", 16, seconds),
                    "GET /registry/contracts": lambda: load(port, "/registry/contracts", 16, seconds),
                },
                rounds,
            )
    return figures


def django_reads(server: EmbeddedServer, size: int, seconds: float, rounds: int) -> None:
    """Measure pages, searches and verdicts, which Django answers from the index in its threads."""
    bucket = f"django-reads-{size}"
    store.fill(server.url, bucket, size)
    schema = json.loads(store.SCHEMA)
    wider = {**schema, "properties": {**schema["properties"], "more": {"type": "integer"}}}
    narrower = {**schema, "required": ["field_1", "field_2"]}
    name, version = store.name_of(0), store.version_of(0)
    requests: dict[str, tuple[str, Any]] = {
        "a version, by Django": (f"/registry/contracts/{name}/latest", None),
        "a page of 1,000": ("/registry/contracts?limit=1000", None),
        "a search that finds one": (f"/registry/contracts?q={name}&limit=1", None),
        "a search that finds none": ("/registry/contracts?q=nothing-like-that", None),
        "check, compatible": ("/registry/check", {"old": {"jsonSchema": schema}, "new": {"jsonSchema": wider}}),
        "check, breaking": ("/registry/check", {"old": {"jsonSchema": schema}, "new": {"jsonSchema": narrower}}),
        "validate an instance": (f"/registry/contracts/{name}/{version}/validate", {"field_1": "x"}),
    }
    with serving("registry_project.asgi", NATS_URL=server.url, REGISTRY_KV_BUCKET=bucket, LOG_LEVEL="info") as port:
        compare(
            f"requests answered by Django, 16 connections, {size} bundles",
            {
                title: lambda path=path, body=body: load(port, path, 16, seconds, body=body)
                for title, (path, body) in requests.items()
            },
            rounds,
        )


def shared(server: EmbeddedServer, seconds: float, rounds: int) -> None:
    """Measure reads where other machines may serve the bucket: each first requests the last sequence."""
    store.fill(server.url, "shared", 1000)
    environment = {"NATS_URL": server.url, "REGISTRY_KV_BUCKET": "shared", "LOG_LEVEL": "info"}
    path = f"/registry/contracts/{store.name_of(500)}/{store.version_of(500)}"
    with (
        serving("registry_project.asgi", **environment) as alone,
        serving("registry_project.asgi", REGISTRY_SEVERAL_HOSTS="true", **environment) as several,
    ):
        for connections in (16, 256):
            compare(
                f"GET of a bundle, {connections} connections, 1000 bundles",
                {
                    "one machine": lambda c=connections: load(alone, path, c, seconds),
                    "several machines": lambda c=connections: load(several, path, c, seconds),
                },
                rounds,
            )


def writes(server: EmbeddedServer, seconds: float, rounds: int) -> None:
    environment = {"NATS_URL": server.url, "REGISTRY_KV_BUCKET": "writes", "LOG_LEVEL": "info"}
    store.fill(server.url, "writes", 10)
    with serving("registry_project.asgi", **environment) as port:
        for connections in (16, 64):
            compare(
                f"publish, {connections} at once, every write on disk",
                {
                    "raw kv.create": lambda c=connections: store.raw_creates(server.url, c, seconds),
                    "POST, texts seen before": lambda c=connections: publishes(port, c, seconds, "seen"),
                    "POST, every text new": lambda c=connections: publishes(port, c, seconds, "new"),
                    "POST, new, with alternatives": lambda c=connections: publishes(
                        port, c, seconds, "new, with alternatives"
                    ),
                },
                rounds,
            )
    compare(
        "one reader",
        {
            "raw kv.get": lambda: store.raw_gets(server.url, seconds),
        },
        rounds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, up to 10,000 bundles")
    parser.add_argument("--plots", metavar="FOLDER", help="draw the growth curves there")
    options = parser.parse_args()
    seconds, rounds = (1, 3) if options.quick else (2, 3)
    sizes = [10, 1000, 10_000] if options.quick else [10, 100, 1000, 10_000, 100_000]
    server = EmbeddedServer(Path(_VAR) / "nats", port=free_port(0), max_record_bytes=21 * 1024 * 1024)
    server.start()
    try:
        writes(server, seconds, rounds)
        shared(server, seconds, rounds)
        from bench.validation import validation

        validation(server, seconds, rounds)
        django_reads(server, 10_000 if options.quick else 100_000, seconds, rounds)
        figures = [reads(server, size, seconds, rounds) for size in sizes]
    finally:
        server.stop()
        shutil.rmtree(_VAR, ignore_errors=True)
    if options.plots:
        from bench.plots import draw

        draw(figures, Path(options.plots))


if __name__ == "__main__":
    main()
