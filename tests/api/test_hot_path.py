"""The event loop's answers are the viewset's: thousands of requests, asked of both."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from django.core.handlers.wsgi import WSGIHandler

from contracts_app.api.hot_path import HotPath
from contracts_app.api.remembered import MOST, Memory, RememberedTokens
from registry_project.access import AccessLines
from registry_project.threads import InThreads
from tests.api.asgi import ASGIClient
from tests.api.conftest import ALL, API, make_token


class Counted:
    """Django behind the front, counting what reaches it."""

    def __init__(self, application) -> None:
        self.application = application
        self.asked = 0

    async def __call__(self, scope, receive, send) -> None:
        self.asked += 1
        await self.application(scope, receive, send)


@pytest.fixture
def django(settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 3600, True
    return Counted(InThreads(WSGIHandler(), threads=2, most_bytes=settings.CONTRACT_MAX_BYTES))


@pytest.fixture
def front(followed, django, gate):
    return ASGIClient(HotPath(django, storage=followed, gate=gate, log=AccessLines()))


def test_thousands_of_requests_are_answered_alike(front, django):
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
        before = django.asked
        fast, slow = front.request(*request), reference.request(*request)
        answered += django.asked == before
        secured += django.asked == before and scheme == "https"
        offered = [value for name, value in headers if name == "X-Request-ID"]
        for answer in (fast, slow):
            identity = answer[1].pop("x-request-id")
            assert ([identity] == offered) == (offered == ["mine.1"]), request
        assert fast == slow, request
    assert 1000 < answered < 5500, "both ways must have been taken often"
    assert secured > 300


def test_what_was_published_elsewhere_is_answered_at_once(front, django, nats_server, bucket):
    from contracts_app.storage import Actor, Deed
    from contracts_app.storage.jetstream import JetStreamContractStorage
    from tests.storage.suite import make

    api = API()
    api.publish("warm.up", "1.0.0")
    headers = [("Host", "localhost"), ("Authorization", f"Bearer {api.token}")]
    front.request("GET", "/registry/contracts", headers)
    other = JetStreamContractStorage(servers=nats_server.url, bucket=bucket)
    other.follow()
    while not other.status().current:
        time.sleep(0.01)
    for number in range(200):
        other.create(make(f"elsewhere.n{number}"), after=0, deed=Deed(Actor("someone")))
        assert front.request("GET", f"/registry/contracts/elsewhere.n{number}/1.0.0", headers)[0] == 200
        assert f'"elsewhere.n{number}"'.encode() in front.request("GET", "/registry/contracts", headers)[2]
    other.close()


def test_a_remembered_token_ends_with_its_exp(front, django):
    api = API()
    api.publish("short.lived", "1.0.0")
    api.token = make_token("contracts:read", exp=int(time.time()) + 2)
    headers = [("Host", "localhost"), ("Authorization", f"Bearer {api.token}")]
    path = "/registry/contracts/short.lived/1.0.0"
    assert [front.request("GET", path, headers)[0] for _ in range(3)] == [200] * 3
    asked = django.asked
    assert front.request("GET", path, headers)[0] == 200
    assert django.asked == asked
    time.sleep(2.1)
    status, _, body = front.request("GET", path, headers)
    assert (status, body) == (401, b"Invalid token: Token decode error: Signature has expired")


def test_memory_is_bounded_and_holds_no_token():
    tokens = RememberedTokens(0)
    for number in range(MOST + 10):
        tokens.remember(b"Bearer %d" % number, {"exp": time.time() + 60}, "s", frozenset())
    assert len(tokens._memory) == MOST
    assert tokens.get(b"Bearer 0") is None
    assert tokens.get(b"Bearer %d" % MOST) is not None
    assert all(len(key) == 32 for key in tokens._memory)
    memory = Memory()
    memory.remember(b"a", 1)
    assert b"a" in memory


def test_a_line_is_written_for_what_the_event_loop_answers(front, capsys):
    import json

    async def write() -> None:
        lines = AccessLines()
        lines("POST", "/registry/contracts", 201, time.perf_counter(), 'zoë "x"', "id-1")
        await asyncio.sleep(0.2)

    asyncio.run(write())
    line = json.loads(capsys.readouterr().err)
    assert line["subject"] == 'zoë "x"'
    assert (line["method"], line["route"], line["status"], line["requestId"], line["message"]) == (
        "POST",
        "/registry/contracts",
        201,
        "id-1",
        "request",
    )


def test_the_short_way_is_the_long_one(front, followed):
    """What the server may send before it makes a task of a request is what ASGI's messages would say."""
    api = API()
    assert api.publish("short.way", "1.0.0", {"type": "object"}).status_code == 201
    headers = [("Host", "testserver"), ("Authorization", f"Bearer {api.token}")]
    front.request("GET", "/registry/contracts", headers)  # which makes the list, and has the host accepted

    def at_once(*request):
        async def ask():
            return front.application.at_once(*request)

        return asyncio.run(ask())

    etag = api.get("/registry/contracts/short.way/1.0.0")["ETag"]
    for path, more in [
        ("/registry/contracts", []),
        ("/registry/contracts/short.way/1.0.0", []),
        ("/registry/contracts/short.way/1.0.0", [("If-None-Match", etag)]),
    ]:
        sent = [(name.lower().encode(), value.encode()) for name, value in [*headers, *more]]
        status, lines, body = at_once(path.encode(), sent)
        received = dict(line.split(": ", 1) for line in lines.decode().splitlines())
        long = front.request("GET", path, [*headers, *more])
        received.pop("x-request-id")
        long[1].pop("x-request-id")
        assert (status, received, body) == long
        assert at_once(path.encode(), [*sent, (b"x-forwarded-proto", b"https")]) is None
        for other in (path + "?a=b", path + "#", path + "%20", "http://testserver" + path, path + "/", path + "\xe9"):
            assert at_once(other.encode("latin-1"), sent) is None, other


def test_a_client_whose_every_request_is_conditional_is_soon_answered_from_memory(front, django):
    api = API()
    api.publish("only.conditional", "1.0.0")
    path, host = "/registry/contracts/only.conditional/1.0.0", "localhost:4321"
    etag = api.get(path)["ETag"]
    headers = [("Host", host), ("Authorization", f"Bearer {api.token}"), ("If-None-Match", etag)]
    assert front.request("GET", path, headers)[0] == 304
    asked = django.asked
    assert front.request("GET", path, headers)[0] == 304
    assert django.asked == asked
