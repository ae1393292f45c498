"""Cached reads respond exactly as Django does: thousands of random requests to both."""

from __future__ import annotations

import asyncio
import json
import random
import time

import pytest
from django.core.handlers.wsgi import WSGIHandler

from contracts_app.api.auth.scopes import Scopes
from contracts_app.api.auth.token_cache import MAX_TOKENS, TokenCache
from contracts_app.api.auth.tokens import configured_backend
from contracts_app.serving.access_log import BATCH_SECONDS, BatchedAccessLog
from contracts_app.serving.cached_reads import CachedReads
from contracts_app.serving.request_bodies import RequestBodies
from contracts_app.serving.wsgi_pool import WSGIPool
from registry_project.logging import JSONFormatter, TextFormatter
from tests.api.asgi import ASGIClient
from tests.api.conftest import ALL, API, make_token


class Counted:
    """An application that counts its requests."""

    def __init__(self, application) -> None:
        self.application = application
        self.requests = 0

    async def __call__(self, scope, receive, send) -> None:
        self.requests += 1
        await self.application(scope, receive, send)


@pytest.fixture
def django(settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 3600, True

    async def is_authentic(header):
        return True

    tokens = configured_backend(settings.JWT).cache
    bodies = RequestBodies(is_authentic, max_bytes=settings.CONTRACT_MAX_BYTES, max_total_bytes=10**9)
    return Counted(WSGIPool(WSGIHandler(), bodies, tokens, threads=2))


@pytest.fixture
def front(replicated, django, settings):
    tokens = configured_backend(settings.JWT).cache
    return ASGIClient(CachedReads(django, store=replicated, tokens=tokens, log=BatchedAccessLog()))


def test_cached_reads_equal_djangos_responses(front, django):
    api = API()
    for number in range(10):
        for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
            assert api.publish(f"made.n{number}", version, {"type": "object"}, description="é").status_code == 201
    reference = ASGIClient(django.application)
    etags = [api.get(f"/registry/contracts/made.n{number}/1.0.0")["ETag"] for number in range(10)]
    choice = random.Random(1).choice
    good = make_token(*ALL)
    authorizations = [
        *(f"Bearer {good}" for _ in range(8)),
        f"Bearer {make_token('contracts:read')}",
        f"Bearer {make_token('contracts:write')}",
        f"Bearer {make_token(*ALL, exp=int(time.time()) - 1)}",
        f"bearer {good}",
        "Bearer nonsense",
        f"Basic {good}",
        "",
    ]
    paths = [
        *(f"/registry/contracts/made.n{number}/{version}" for number in range(10) for version in ("1.0.0", "1.1.0")),
        "/registry/contracts",
        "/registry/contracts/",
        "/registry/contracts/made.n1",
        "/registry/contracts/made.n1/",
        "/registry/contracts/made.n1/9.9.9",
        "/registry/contracts/made.n1/1.0.0/",
        "/registry/contracts/made.n1/1.0",
        "/registry/contracts/made.n1/1.0.0?a=b",
        "/registry/contracts//1.0.0",
        "/registry/contracts/made%2En1/1.0.0",
        "/registry/contracts/\u202e/1.0.0",
        "/registry/contractsmade.n1/1.0.0",
        "/registry/contractsXmade.n1/1.0.0",
        "/registry/contracts/made/n1.1.0.0",
        "/registry/contracts/made.n1.1/0.0",
    ]
    known = ["", "", "", "*", '"other"', *etags, *(f'W/{etag}, "x"' for etag in etags), f"{etags[0]}{etags[0]}", ","]
    hosts = [*["127.0.0.1:8090"] * 9, "localhost", "evil.example", "127.0.0.1:8090, evil.example", ""]
    others = [
        [],
        [],
        [],
        [("X-Request-ID", "mine.1")],
        [("X-Request-ID", "not mine")],
        [("Accept", "application/json")],
    ]
    answered = secured = 0
    for _ in range(6000):
        headers = [("Host", choice(hosts)), *choice(others)]
        if authorization := choice(authorizations):
            headers.append(("Authorization", authorization))
        if tags := choice(known):
            headers.append(("If-None-Match", tags))
        if choice(range(40)) == 0:
            headers.append(choice(headers))
        method, scheme = choice(["GET"] * 9 + ["HEAD", "OPTIONS", "DELETE", "POST"]), choice(["http", "http", "https"])
        request = (method, choice(paths), headers, b"", scheme)
        before = django.requests
        fast, slow = front.request(*request), reference.request(*request)
        answered += django.requests == before
        secured += django.requests == before and scheme == "https"
        offered = [value for name, value in headers if name == "X-Request-ID"]
        for answer in (fast, slow):
            identity = answer[1].pop("x-request-id")
            assert ([identity] == offered) == (offered == ["mine.1"]), request
        assert fast == slow, request
    assert 1000 < answered < 5500, "both ways must have been taken often"
    assert secured > 300


def test_a_publish_of_another_process_is_readable_immediately(front, django, nats_server, bucket):
    from contracts_app.storage import Actor, AuditEntry
    from contracts_app.storage.nats.store import JetStreamContractStore
    from tests.storage.suite import make

    api = API()
    api.publish("warm.up", "1.0.0")
    headers = [("Host", "localhost"), ("Authorization", f"Bearer {api.token}")]
    front.request("GET", "/registry/contracts", headers)
    other = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
    other.enable_replica()
    while not other.replica.is_current:
        time.sleep(0.01)
    for number in range(200):
        other.create(make(f"elsewhere.n{number}"), after=0, audit=AuditEntry(Actor("someone")))
        assert front.request("GET", f"/registry/contracts/elsewhere.n{number}/1.0.0", headers)[0] == 200
        assert f'"elsewhere.n{number}"'.encode() in front.request("GET", "/registry/contracts", headers)[2]
    other.close()


def test_a_cached_token_expires_with_its_exp(front, django):
    api = API()
    api.publish("short.lived", "1.0.0")
    api.token = make_token("contracts:read", exp=int(time.time()) + 2)
    headers = [("Host", "localhost"), ("Authorization", f"Bearer {api.token}")]
    path = "/registry/contracts/short.lived/1.0.0"
    assert [front.request("GET", path, headers)[0] for _ in range(3)] == [200] * 3
    before = django.requests
    assert front.request("GET", path, headers)[0] == 200
    assert django.requests == before
    time.sleep(2.1)
    status, _, body = front.request("GET", path, headers)
    assert (status, body) == (401, b"Invalid token: Token decode error: Signature has expired")


def test_the_token_cache_is_bounded_and_holds_no_token():
    tokens = TokenCache(0)
    for number in range(MAX_TOKENS + 10):
        tokens.put(b"Bearer %d" % number, {"exp": time.time() + 60}, "s", Scopes(()), until=time.time() + 60)
    assert len(tokens._tokens) == MAX_TOKENS
    assert tokens.get(b"Bearer 0") is None
    assert tokens.get(b"Bearer %d" % MAX_TOKENS) is not None
    assert all(len(key) == 32 for key in tokens._tokens)


def test_cached_reads_write_one_log_line_each(front, caplog):
    api = API()
    api.publish("log.line", "1.0.0")
    headers = [("Host", "localhost"), ("Authorization", f"Bearer {api.token}"), ("X-Request-ID", "id-1")]
    path = "/registry/contracts/log.line/1.0.0"
    caplog.clear()

    async def two_requests() -> None:
        await front.arequest("GET", path, headers, b"")
        await front.arequest("GET", path, headers[:2], b"")
        await asyncio.sleep(2 * BATCH_SECONDS)

    with caplog.at_level("INFO"):
        asyncio.run(two_requests())
    (record,) = [record for record in caplog.records if record.message == "request"]
    first, second = (json.loads(line) for line in JSONFormatter().format(record).splitlines())
    assert first | {"time": "", "durationMs": 0} == {
        "time": "",
        "level": "info",
        "logger": "contracts_app.serving.access_log",
        "message": "request",
        "method": "GET",
        "route": "/registry/contracts/<str:name>/<str:version>",
        "status": 200,
        "durationMs": 0,
        "subject": "tester",
        "requestId": "id-1",
    }
    assert (second["status"], second["requestId"] != "id-1") == (200, True)
    assert len(TextFormatter().format(record).splitlines()) == 2


def test_long_hosts_are_left_to_django_and_not_kept(front, django):
    from contracts_app.serving import cached_reads

    api = API()
    for number in range(1500):
        front.request(
            "GET", "/registry/contracts", [("Host", f"{number}" + "x" * 30_000), ("Authorization", "Bearer x")]
        )
    assert cached_reads._is_valid_host.cache_info().currsize < 256
    assert api.get("/registry/contracts").status_code == 200


def test_conditional_requests_are_answered_from_the_replica(front, django):
    api = API()
    api.publish("only.conditional", "1.0.0")
    path, host = "/registry/contracts/only.conditional/1.0.0", "localhost:4321"
    etag = api.get(path)["ETag"]
    headers = [("Host", host), ("Authorization", f"Bearer {api.token}"), ("If-None-Match", etag)]
    assert front.request("GET", path, headers)[0] == 304
    before = django.requests
    assert front.request("GET", path, headers)[0] == 304
    assert django.requests == before
