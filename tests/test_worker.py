"""What a client may do to a connection: real sockets, against the worker's protocol."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from uvicorn.config import Config

from contracts_app.api.gate import WHOLE_ANSWER, header_lines
from registry_project import worker
from registry_project.worker import Protocol, _Server


class Application:
    """Has `/ready` ready, `/large` of 8 MB too, streams `/stream` without end, and tells what else it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.large = 0
        self.more: list[tuple[bytes, bytes]] = []

    def at_once(self, target, headers):
        if target == b"/fault":
            raise RuntimeError
        if target == b"/large":
            self.large += 1
            return 200, b"content-length: 8000000\r\n", b"x" * 8_000_000
        if target != b"/ready":
            return None
        body = dict(headers).get(b"x-say", b"ready")
        return 200, b"content-length: %d\r\nx-way: short\r\n" % len(body), body

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        self.asked.append(scope["path"])
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await asyncio.sleep(0.05)
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while (await self._next(receive, send))["type"] != "http.disconnect":
                pass
            return
        content = b"x" * 8_000_000 if scope["path"] == "/large" else scope["path"].encode() + body
        headers = [(b"content-length", b"%d" % len(content)), (b"x-way", b"long")]
        if scope["path"].startswith("/whole"):
            headers = [*headers[:1], (b"x-way", b"whole"), *self.more]
            if scope["extensions"][WHOLE_ANSWER](200, headers, content):
                return
            headers[1] = (b"x-way", b"not whole")
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
    config = Config(application, http=Protocol, lifespan="on", log_config=None, access_log=False, ws="none")
    config.timeout_graceful_shutdown = 10
    served = _Server(config)
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


def answer(reader) -> tuple[int, dict[str, str], bytes]:
    status = int(reader.readline().split()[1])
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(": ")
        assert name not in headers
        headers[name] = value
    return status, headers, reader.read(int(headers.get("content-length", 0)))


def test_pipelined_requests_are_answered_in_order_whichever_way(server, application):
    with connect(server) as client, client.makefile("rb") as reader:
        for _ in range(3):
            paths = ["/ready", "/a", "/whole1", "/ready", "/ready", "/b", "/whole2", "/whole3", "/c", "/ready"]
            client.sendall(b"".join(get(path) for path in paths))
            answers = [answer(reader) for _ in paths]
            assert [body.decode().strip("/") for _, _, body in answers] == [path.strip("/") for path in paths]
            assert answers[0][1]["x-way"] == "short"
            assert "date" in answers[0][1]
            assert "connection" not in answers[0][1]


def test_an_answer_is_sent_whole_where_that_is_all_there_is_to_it(server, application):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/whole") + get("/whole", "Connection: close"))
        assert [answer(reader)[1]["x-way"] for _ in range(2)] == ["whole", "whole"]
        assert reader.read() == b""
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/whole").replace(b"GET", b"HEAD") + get("/ready"))
        assert b"x-way: not whole\r\n" in list(iter(reader.readline, b"\r\n"))
        assert answer(reader)[2] == b"/ready", "a HEAD has no body"
    application.more = [(b"connection", b"close")]
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/whole"))
        assert answer(reader)[1]["x-way"] == "not whole"
        assert reader.read() == b""


def test_a_fault_of_the_short_way_is_no_fault_of_the_client(server, caplog):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/fault"))
        assert answer(reader)[2] == b"/fault"
    assert "could not be told" in caplog.text


def test_a_header_cannot_bring_another():
    assert header_lines([(b"a", b"b"), (b"c", b"d")]) == b"a: b\r\nc: d\r\n"
    for bad in (b"b\r\nc: d", b"b\nc: d", b"b\r"):
        with pytest.raises(ValueError, match="line break"):
            header_lines([(b"a", bad)])


def test_a_request_in_single_bytes_is_a_request(server):
    with connect(server) as client, client.makefile("rb") as reader:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/ready", "X-Say: slowly") * 2:
            client.sendall(bytes([byte]))
        assert [answer(reader)[2] for _ in range(2)] == [b"slowly"] * 2


def test_a_body_where_none_is_looked_for_is_no_request(server):
    inner = get("/inner")
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready", f"Content-Length: {len(inner)}") + inner + get("/after"))
        assert [answer(reader)[2] for _ in range(2)] == [b"ready", b"/after"]


@pytest.mark.parametrize(
    ("request_", "closes"),
    [
        (get("/ready", version="1.0"), True),
        (get("/ready", "Connection: close"), True),
        (get("/ready", "Connection: keep-alive"), False),
    ],
)
def test_the_connection_ends_when_the_client_says_so(server, request_, closes):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(request_)
        status, headers, body = answer(reader)
        assert (status, body, headers.get("connection")) == (200, b"ready", "close" if closes else None)
        client.settimeout(0.3)
        if closes:
            assert reader.read() == b""
        else:
            with pytest.raises(TimeoutError):
                client.recv(1)


def test_nothing_is_done_after_the_request_that_ends_the_connection(server, application):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready", "Connection: close") + get("/after") + get("/ready"))
        assert answer(reader)[2] == b"ready"
        assert reader.read() == b""
    time.sleep(0.1)
    assert application.asked == []


def test_a_connection_in_use_is_kept_open(server):
    server.config.timeout_keep_alive = 0.3
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready") * 3)
        for _ in range(3):
            answer(reader)
        for _ in range(8):
            time.sleep(0.1)
            client.sendall(get("/ready"))
            assert answer(reader)[2] == b"ready"


def test_who_expects_a_continue_or_upgrades_takes_the_long_way(server):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready", "Expect: 100-continue", "Content-Length: 2"))
        assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert reader.readline() == b"\r\n"
        client.sendall(b"{}")
        assert answer(reader)[1]["x-way"] == "long"
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready", "Connection: Upgrade", "Upgrade: websocket"))
        assert answer(reader)[1]["x-way"] == "long"


def test_who_does_not_read_is_not_written_to_without_end(server, application):
    with connect(server) as client:
        client.sendall(get("/large") * 200)
        time.sleep(1)
        assert application.large == 1, "the answer that does not fit into the sockets holds up all others"


def sent_of_an_endless_head(client) -> int:
    """How many lines of 1,000 bytes were taken."""
    client.sendall(b"GET / HTTP/1.1\r\n")
    for number in range(100_000):
        try:
            client.sendall(b"X-%d: %s\r\n" % (number, b"y" * 1000))
        except OSError:
            break
    return number


def test_a_head_without_end_is_refused(server):
    with connect(server) as client:
        assert sent_of_an_endless_head(client) < 20_000
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(9):
            time.sleep(0.02)
            client.sendall(b"X: %s\r\n" % (b"y" * 8000))
        assert answer(reader)[0] == 431


def test_a_head_that_does_not_come_is_given_up(server, monkeypatch):
    monkeypatch.setattr(worker, "HEAD_SECONDS", 0.3)
    with connect(server) as client, client.makefile("rb") as reader:
        begun = time.monotonic()
        for byte in b"GET /ready HTTP":
            client.sendall(bytes([byte]))
            time.sleep(0.01)
        assert answer(reader)[0] == 408
        assert time.monotonic() - begun < 2
        assert reader.read() == b""


def test_a_connection_that_says_nothing_is_closed(server):
    server.config.timeout_keep_alive = 0.3
    with connect(server) as silent:
        assert silent.recv(1) == b""
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(get("/ready"))
        answer(reader)
        assert reader.read() == b""


@pytest.mark.parametrize(
    "bad", [b"nonsense\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n"]
)
def test_what_is_no_request_is_a_400(server, bad):
    with connect(server) as client, client.makefile("rb") as reader:
        client.sendall(bad)
        assert answer(reader)[0] == 400


def test_a_stop_waits_for_answers_and_ends_streams(server):
    with connect(server) as stream, stream.makefile("rb") as lines, connect(server) as client:
        stream.sendall(get("/stream"))
        assert b"200" in lines.readline()
        client.sendall(get("/slow"))
        time.sleep(0.02)
        begun = time.monotonic()
        server.should_exit = True
        with client.makefile("rb") as reader:
            assert answer(reader)[2] == b"/slow"
        lines.read()
        assert time.monotonic() - begun < 3
