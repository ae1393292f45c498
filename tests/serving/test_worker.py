"""Hostile connections: real sockets to the worker's protocol."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from uvicorn.config import Config
from uvicorn.server import Server

from contracts_app.serving import worker
from contracts_app.serving.worker import BoundedProtocol


class Application:
    """Responds with the path and body, `/large` with 8 MB, and streams `/stream` without end."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        self.paths.append(scope["path"])
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["path"] == "/slow":
            await asyncio.sleep(0.3)
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while (await self._next(receive, send))["type"] != "http.disconnect":
                pass
            return
        content = b"x" * 8_000_000 if scope["path"] == "/large" else scope["path"].encode() + body
        headers = [(b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _next(self, receive, send):
        await send({"type": "http.response.body", "body": b"more\n", "more_body": True})
        return await receive()


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def server(application):
    options = {"http": BoundedProtocol, "lifespan": "on", "log_config": None, "access_log": False, "ws": "none"}
    served = Server(Config(application, timeout_graceful_shutdown=10, **options))
    listening = socket.create_server(("127.0.0.1", 0))
    served.port = listening.getsockname()[1]
    thread = threading.Thread(target=lambda: asyncio.run(served.serve(sockets=[listening])))
    thread.start()
    while not served.started:
        time.sleep(0.01)
    yield served
    served.should_exit = True
    thread.join(15)
    assert not thread.is_alive()


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 10)


def get(path: str, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: localhost", *headers, "", ""]).encode()


def response_of(reader) -> tuple[int, dict[str, str], bytes]:
    status = int(reader.readline().split()[1])
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(": ")
        assert name not in headers
        headers[name] = value
    return status, headers, reader.read(int(headers.get("content-length", 0)))


def test_pipelined_requests_are_answered_in_order(server):
    with connect(server) as client, client.makefile("rb") as reader:
        for _ in range(3):
            paths = ["/a", "/b", "/slow", "/c", "/d"]
            client.sendall(b"".join(get(path) for path in paths))
            responses = [response_of(reader) for _ in paths]
            assert [body.decode() for _, _, body in responses] == paths


def test_a_request_sent_byte_by_byte_is_answered(server):
    with connect(server) as client, client.makefile("rb") as reader:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/ready", "X-Say: slowly") * 2:
            client.sendall(bytes([byte]))
        assert [response_of(reader)[2] for _ in range(2)] == [b"/ready"] * 2


def test_a_connection_in_use_is_kept_open(server):
    server.config.timeout_keep_alive = 0.3
    with connect(server) as client, client.makefile("rb") as reader:
        for _ in range(8):
            time.sleep(0.1)
            client.sendall(get("/ready"))
            assert response_of(reader)[2] == b"/ready"


def test_a_client_that_does_not_read_is_not_written_to_without_end(server, application):
    with connect(server) as client:
        client.sendall(get("/large") * 200)
        time.sleep(1)
        assert len(application.paths) < 5, "the response that does not fit into the sockets holds up all others"


def sent_of_an_endless_head(client) -> int:
    """Return how many lines of 1,000 bytes were accepted."""
    client.sendall(b"GET / HTTP/1.1\r\n")
    for number in range(100_000):
        try:
            client.sendall(b"X-%d: %s\r\n" % (number, b"y" * 1000))
        except OSError:
            break
    return number


def test_an_endless_head_is_a_431(server):
    with connect(server) as client:
        assert sent_of_an_endless_head(client) < 20_000
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(9):
            time.sleep(0.02)
            client.sendall(b"X: %s\r\n" % (b"y" * 8000))
        assert response_of(reader)[0] == 431


def test_a_head_that_does_not_arrive_is_a_408(server, monkeypatch):
    monkeypatch.setattr(worker, "MAX_HEAD_SECONDS", 0.3)
    with connect(server) as client, client.makefile("rb") as reader:
        begun = time.monotonic()
        for byte in b"GET /ready HTTP":
            client.sendall(bytes([byte]))
            time.sleep(0.01)
        assert response_of(reader)[0] == 408
        assert time.monotonic() - begun < 2
        assert reader.read() == b""


@pytest.mark.parametrize("first", [b"", b"\r\n", b"\r\n\r\n"])
def test_a_connection_that_begins_no_request_is_closed(server, monkeypatch, first):
    monkeypatch.setattr(worker, "MAX_HEAD_SECONDS", 0.3)
    with connect(server) as silent:
        silent.sendall(first)
        assert silent.recv(1) == b""


@pytest.mark.parametrize("more", [b"", b"\r\n"])
def test_a_connection_that_is_idle_after_a_response_is_closed(server, monkeypatch, more):
    monkeypatch.setattr(worker, "MAX_HEAD_SECONDS", 0.4)
    server.config.timeout_keep_alive = 0.3
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready"))
        response_of(reader)
        client.sendall(more)
        assert reader.read() == b""


def test_a_slow_response_is_not_cut_by_the_limit_on_heads(server, monkeypatch):
    monkeypatch.setattr(worker, "MAX_HEAD_SECONDS", 0.1)
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/slow"))
        assert response_of(reader)[2] == b"/slow"


@pytest.mark.parametrize(
    "bad", [b"nonsense\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n"]
)
def test_an_invalid_request_is_a_400(server, bad):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(bad)
        assert response_of(reader)[0] == 400


def test_a_stop_waits_for_responses_and_ends_streams(server):
    with connect(server) as stream, stream.makefile("rb") as lines, connect(server) as client:
        stream.sendall(get("/stream"))
        assert b"200" in lines.readline()
        client.sendall(get("/slow"))
        time.sleep(0.02)
        begun = time.monotonic()
        server.should_exit = True
        with client.makefile("rb") as reader:
            assert response_of(reader)[2] == b"/slow"
        lines.read()
        assert time.monotonic() - begun < 8, "the stop waited for its time limit"
