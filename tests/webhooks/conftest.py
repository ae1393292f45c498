from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.api.conftest import API, make_token
from tests.api.test_bindings import ADMIN
from tests.commands.serving import ROOT, unmeasured
from tests.conftest import LOGIN


class Receiver:
    """A service that receives webhooks, with the responses that a test sets."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: Callable[[dict[str, Any]], int] = lambda event: 204
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                self.send_response(receiver.answers(json.loads(body)))
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?a=1"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    def subjects(self) -> list[str]:
        return [each["subject"] for each in self.events]

    def wait(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.requests) >= count, seconds)
        return self.events


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, daemon=True).start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def hooks(registry, settings) -> API:
    """The API with the token of an administrator, where webhooks may be sent to this machine."""
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    api = API()
    api.token = make_token(*ADMIN)
    return api


def put(api: API, name: str, **hook: Any) -> Any:
    headers = api.headers({"Accept": "application/json"})
    return api.client.put(f"/registry/webhooks/{name}", hook, content_type="application/json", headers=headers)


@pytest.fixture
def run(nats_server, bucket, settings, tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `manage.py serve_webhooks` with the bucket and the secrets of this process."""
    processes: list[subprocess.Popen[str]] = []

    def start(**more: str) -> subprocess.Popen[str]:
        variables = {
            "NATS_URL": nats_server.url,
            "NATS_USER": LOGIN.get("user", ""),
            "NATS_PASSWORD": LOGIN.get("password", ""),
            "REGISTRY_KV_BUCKET": bucket,
            "SECRET_KEY": settings.SECRET_KEY,
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
            "WEBHOOK_RETRY_SECONDS": "0.2,0.2",
            "VAR_DIR": str(tmp_path / "var"),
            **more,
        }
        log = (tmp_path / "log").open("a")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve_webhooks"],
            cwd=ROOT,
            env=unmeasured(**variables),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Sending events to webhooks")
        return process

    yield start
    for process in processes:
        process.terminate()
        assert process.wait(20) == 0
