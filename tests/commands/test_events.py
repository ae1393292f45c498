"""The event feed of a real gunicorn: complete and without repetition over the death of the store and of a worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time

import httpx
import pytest

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from contracts_app.serving.event_streams import MAX_WAITING_PER_SUBJECT
from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

HEADERS = {"Authorization": f"Bearer {make_token(*ALL)}"}


@pytest.fixture
def stack(tmp_path):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=21 * 1024 * 1024)
    server.start()
    with serving(server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi") as (url, process):
        yield url, server, process
    server.stop()


def publish(url: str, name: str) -> int:
    try:
        body = {"name": name, "version": "1.0.0", "jsonSchema": True}
        return httpx.post(f"{url}/registry/contracts", json=body, headers=HEADERS, timeout=30).status_code
    except httpx.HTTPError:
        return 0


class Listener(threading.Thread):
    """Reads the stream, and reconnects with Last-Event-ID whenever it ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.last, self.done = url, "0", threading.Event()
        self.events: list[dict] = []

    def run(self) -> None:
        while not self.done.is_set():
            try:
                headers = {**HEADERS, "Accept": "text/event-stream", "Last-Event-ID": self.last}
                with httpx.stream("GET", f"{self.url}/registry/events", headers=headers, timeout=20) as answer:
                    for line in answer.iter_lines():
                        if line.startswith("id: "):
                            self.last = line[4:]
                        elif line.startswith("data: "):
                            self.events.append(json.loads(line[6:]))
                        if self.done.is_set():
                            return
            except httpx.HTTPError:
                time.sleep(0.1)


def test_the_feed_is_complete_after_kill_9_of_the_store_and_of_a_worker(stack):
    url, server, process = stack
    listeners = [Listener(url) for _ in range(3)]
    for listener in listeners:
        listener.start()
    written: list[str] = []
    done = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            if publish(url, f"feed.w{writer}.n{number}") == 201:
                written.append(f"feed.w{writer}.n{number}/1.0.0")

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(2):
        time.sleep(1)
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(1.5)
        workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(workers[0]), signal.SIGKILL)
    time.sleep(2)
    done.set()
    for writer in writers:
        writer.join()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not all(
        set(written) <= {event["subject"] for event in listener.events} for listener in listeners
    ):
        time.sleep(0.1)
    assert len(written) > 50
    for listener in listeners:
        listener.done.set()
        identities = [int(event["id"].split("-")[1]) for event in listener.events]
        assert identities == sorted(set(identities)), "an event came twice or out of order"
        assert set(written) <= {event["subject"] for event in listener.events}
        assert {event["type"] for event in listener.events} == {"contract.published"}


def test_a_long_poll_waits_for_events_and_checks_tokens(stack):
    url, _, _ = stack
    feed = f"{url}/registry/events"
    assert httpx.get(feed).status_code == 401
    assert httpx.get(feed, headers={"Authorization": f"Bearer {make_token('contracts:write')}"}).status_code == 403
    for bad in ("since=x", "wait=61", "limit=0", "from=1"):
        assert httpx.get(f"{feed}?{bad}", headers=HEADERS).status_code == 400, bad
    empty = httpx.get(f"{feed}?since=0", headers=HEADERS)
    assert empty.json() == {"events": [], "next": 0}
    assert empty.headers["Registry-Stream"]
    assert empty.headers["X-Request-ID"]
    threading.Timer(0.5, publish, (url, "poll.one")).start()
    started = time.monotonic()
    answer = httpx.get(f"{feed}?since=0&wait=10", headers=HEADERS, timeout=20).json()
    assert 0.3 < time.monotonic() - started < 5
    event = answer["events"][0]
    assert (event["specversion"], event["type"], event["subject"], event["id"]) == (
        "1.0",
        "contract.published",
        "poll.one/1.0.0",
        str(answer["next"]),
    )
    assert event["data"]["digest"]
    assert "actor" not in event["data"]


def test_many_idle_listeners_do_not_slow_the_api(stack):
    url, _, _ = stack
    headers = {**HEADERS, "Accept": "text/event-stream"}
    with httpx.Client(limits=httpx.Limits(max_connections=None), timeout=30) as client:
        streams = [
            client.send(client.build_request("GET", f"{url}/registry/events", headers=headers), stream=True)
            for _ in range(100)
        ]
        assert {stream.status_code for stream in streams} == {200}
        assert [publish(url, f"idle.n{number}") for number in range(10)] == [201] * 10
        for stream in streams:
            stream.close()


def test_streams_of_one_subject_are_limited_and_end_with_their_clients(stack):
    url, _, _ = stack
    host, port = url.removeprefix("http://").split(":")
    request = f"GET /registry/events?since=0 HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
    request += f"Authorization: {HEADERS['Authorization']}\r\n\r\n"
    assert [publish(url, f"many.n{number}") for number in range(5)] == [201] * 5
    streams = []
    for _ in range(2 * MAX_WAITING_PER_SUBJECT + 50):
        stream = socket.create_connection((host, int(port)))
        stream.sendall(request.encode())
        streams.append(stream)
    statuses = [stream.recv(12)[9:12] for stream in streams]
    assert {b"200", b"429"} == set(statuses)
    assert statuses.count(b"429") >= 50
    for stream in streams:
        stream.close()
    start = time.monotonic()
    assert publish(url, "many.after") == 201
    assert httpx.get(f"{url}/registry/events?since=0&limit=1", headers=HEADERS, timeout=10).status_code == 200
    assert time.monotonic() - start < 5


def test_a_stop_ends_polls_and_streams_at_once_and_whole(stack):
    url, _, process = stack
    assert publish(url, "stop.first") == 201
    results = {}

    def poll():
        results["poll"] = httpx.get(f"{url}/registry/events?since=1&wait=50", headers=HEADERS, timeout=60)

    def stream():
        headers = {**HEADERS, "Accept": "text/event-stream"}
        with httpx.stream("GET", f"{url}/registry/events?since=0", headers=headers, timeout=60) as response:
            results["stream"] = b"".join(response.iter_bytes())  # an incomplete chunk would raise

    threads = [threading.Thread(target=each) for each in (poll, stream)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    start = time.monotonic()
    process.terminate()
    process.wait(30)
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - start < 8
    assert (results["poll"].status_code, results["poll"].json()) == (200, {"events": [], "next": 1})
    assert b"stop.first" in results["stream"]
