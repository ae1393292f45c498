"""Django behind ASGI: bodies are collected on the event loop, with limits of size and time."""

from __future__ import annotations

import asyncio

import pytest

from contracts_app.serving import wsgi_pool
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
        "path": "/ü",
        "query_string": b"",
        "scheme": "http",
    }
    await app({**scope, "headers": list(headers)}, receive, send)
    return sent


def part(body: bytes, more: bool = False):
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def app():
    return WSGIPool(echo, threads=1, max_bytes=10)


def test_a_body_in_parts_is_one_and_repeated_headers_are_joined(app):
    sent = asyncio.run(call(app, [part(b"abc", True), part(b"de")], [(b"a", b"1"), (b"a", b"2")]))
    assert sent[1]["body"].decode() == "POST /Ã¼ 1,2 5"


def test_a_body_that_is_too_long_is_not_read_to_its_end(app):
    sent = asyncio.run(call(app, [part(b"x" * 8, True), part(b"x" * 8, True)]))
    assert sent[1]["body"].endswith(b" 16")
    sent = asyncio.run(call(app, [], [(b"content-length", b"11")]))
    assert sent[1]["body"].endswith(b" 0")


def test_a_body_that_does_not_arrive_is_a_408(app, monkeypatch):
    monkeypatch.setattr(wsgi_pool, "MAX_BODY_SECONDS", 0.05)
    sent = asyncio.run(call(app, [part(b"x", True)]))
    assert sent[0]["status"] == 408


def test_a_disconnected_client_gets_no_response(app):
    assert asyncio.run(call(app, [{"type": "http.disconnect"}])) == []
