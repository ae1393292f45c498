"""Django behind ASGI: bodies are collected on the event loop, with limits of size and time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.request_context import current_work
from contracts_app.serving import request_bodies, wsgi_pool
from contracts_app.serving.request_bodies import RequestBodies
from contracts_app.serving.wsgi_pool import WSGIPool


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    body = environ["wsgi.input"].read()
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ.get('HTTP_A')} {len(body)}".encode()]


async def call(app, messages, headers=()):
    sent, waiting = [], list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/registry/ü",
        "query_string": b"",
        "scheme": "http",
    }
    await app({**scope, "headers": list(headers)}, receive, send)
    return sent


VALID = [(b"authorization", b"valid"), (b"transfer-encoding", b"chunked")]


def part(body: bytes, more: bool = False):
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def app():
    async def is_authentic(header):
        return header == b"valid"

    return WSGIPool(echo, RequestBodies(is_authentic, max_bytes=10, max_total_bytes=25), TokenCache(0), threads=1)


def test_a_body_in_parts_is_one_and_repeated_headers_are_joined(app):
    sent = asyncio.run(call(app, [part(b"abc", True), part(b"de")], [*VALID, (b"a", b"1"), (b"a", b"2")]))
    assert sent[1]["body"].decode() == "POST /registry/Ã¼ 1,2 5"


def test_a_body_that_is_too_long_is_not_read_to_its_end(app):
    sent = asyncio.run(call(app, [part(b"x" * 8, True), part(b"x" * 8, True)], VALID))
    assert sent[1]["body"].endswith(b" 16")
    sent = asyncio.run(call(app, [], [*VALID[:1], (b"content-length", b"11")]))
    assert sent[1]["body"].endswith(b" 0")


def test_a_body_that_does_not_arrive_is_a_408(app, monkeypatch):
    monkeypatch.setattr(request_bodies, "MAX_BODY_SECONDS", 0.05)
    sent = asyncio.run(call(app, [part(b"x", True)], VALID))
    assert sent[0]["status"] == 408


def test_a_disconnected_client_gets_no_response(app):
    assert asyncio.run(call(app, [{"type": "http.disconnect"}], VALID)) == []


@pytest.mark.parametrize("headers", [VALID[1:], [(b"authorization", b"other"), VALID[1]]])
def test_the_body_of_an_api_request_without_a_valid_token_is_not_read(app, headers):
    assert asyncio.run(call(app, [], headers))[1]["body"].endswith(b" 0")


def test_bodies_that_take_too_much_memory_together_are_a_503(app):
    async def three_at_once():
        waiting = [asyncio.ensure_future(call(app, [part(b"x" * 9, True)], VALID)) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await call(app, [part(b"x" * 9, True)], VALID)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return refused, await call(app, [part(b"x" * 9)], VALID)

    refused, accepted = asyncio.run(three_at_once())
    assert (refused[0]["status"], dict(refused[0]["headers"])[b"retry-after"]) == (503, b"2")
    assert accepted[1]["body"].endswith(b" 9")


def test_work_is_cancelled_when_the_client_goes_away():
    cancelled = threading.Event()

    def slow(environ, start_response):
        current_work.get().on_cancel(cancelled.set)
        cancelled.wait(20)
        return echo(environ, start_response)

    async def is_authentic(header):
        return True

    app = WSGIPool(slow, RequestBodies(is_authentic, max_bytes=10, max_total_bytes=25), TokenCache(0), threads=1)
    asyncio.run(call(app, [part(b"x"), {"type": "http.disconnect"}], VALID))
    assert cancelled.is_set()


def test_a_request_that_gets_no_thread_in_time_is_a_503(monkeypatch):
    monkeypatch.setattr(wsgi_pool, "MAX_WAIT_SECONDS", 0.1)
    release = threading.Event()

    def slow(environ, start_response):
        release.wait(20)
        return echo(environ, start_response)

    async def is_authentic(header):
        return True

    async def two():
        app = WSGIPool(slow, RequestBodies(is_authentic, max_bytes=10, max_total_bytes=25), TokenCache(0), threads=1)
        first = asyncio.ensure_future(call(app, [part(b"x")], VALID))
        await asyncio.sleep(0.05)
        refused = await call(app, [part(b"x")], VALID)
        release.set()
        return refused, await first

    refused, answered = asyncio.run(two())
    assert (refused[0]["status"], answered[0]["status"]) == (503, 200)
