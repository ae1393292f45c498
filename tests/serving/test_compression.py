"""Pages and JSON are sent with gzip to clients that accept it, with entity tags of their own."""

from __future__ import annotations

import asyncio
import gzip
import json

import httpx
import pytest

from contracts_app.serving.compression import MIN_BYTES, Compression
from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

SCHEMA = {"type": "object", "properties": {f"field{number}": {"type": "string"} for number in range(200)}}


@pytest.fixture(scope="module")
def served(nats_server, tmp_path_factory):
    log = tmp_path_factory.mktemp("gzip") / "log"
    with serving(nats_server.url, log, "registry_project.asgi", "--workers", "1") as (url, _):
        token = {"Authorization": f"Bearer {make_token(*ALL)}"}
        with httpx.Client(base_url=url, headers=token) as client:
            body = {"name": "a.b", "version": "1.0.0", "jsonSchema": SCHEMA}
            client.post("/registry/contracts", json=body).raise_for_status()
            yield client


@pytest.mark.parametrize("path", ["/registry/contracts/a.b/1.0.0", "/registry/contracts/a.b/latest", "/admin/login/"])
def test_a_body_is_compressed_for_clients_that_accept_it(served, path):
    plain = served.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        packed = served.get(path, headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert int(packed.headers["Content-Length"]) < len(plain.content) / 2
        if "admin" not in path:
            assert packed.content == plain.content
            assert packed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
    assert "Content-Encoding" not in served.get(path, headers={"Accept-Encoding": "gzip;q=0, br"}).headers


def test_both_entity_tags_are_current(served):
    path = "/registry/contracts/a.b/1.0.0"
    tags = [served.get(path, headers={"Accept-Encoding": coding}).headers["ETag"] for coding in ("gzip", "identity")]
    assert tags[0] != tags[1]
    for tag in tags:
        again = served.get(path, headers={"If-None-Match": tag, "Accept-Encoding": "gzip"})
        assert (again.status_code, again.headers["ETag"]) == (304, tag)
    # A change that is conditional on either is made, and on another tag it is not.
    wrong = served.post(f"{path}/deprecate", json={}, headers={"If-Match": '"x-gzip"'})
    assert wrong.status_code == 412
    assert served.post(f"{path}/deprecate", json={}, headers={"If-Match": tags[0]}).status_code == 200


def test_small_and_streamed_bodies_are_sent_as_they_are():
    async def run(messages):
        sent = []

        async def application(scope, receive, send):
            for message in messages:
                await send(message)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip")]}
        await Compression(application)(scope, None, send)
        return sent

    kind = [(b"content-type", b"application/json")]
    start = {"type": "http.response.start", "status": 200, "headers": kind}
    small = {"type": "http.response.body", "body": b"x" * (MIN_BYTES - 1)}
    assert asyncio.run(run([start, small])) == [start, small]
    large = {"type": "http.response.body", "body": json.dumps(SCHEMA).encode(), "more_body": True}
    end = {"type": "http.response.body", "body": b""}
    assert asyncio.run(run([start, large, end])) == [start, large, end]
    packed = asyncio.run(run([start, {**large, "more_body": False}]))
    assert gzip.decompress(packed[1]["body"]) == large["body"]
    events = {**start, "headers": [(b"content-type", b"text/event-stream")]}
    assert asyncio.run(run([events, {**large, "more_body": False}]))[1]["body"] == large["body"]
