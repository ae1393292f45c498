"""A publish without Django around it is the viewset's publish: the same answers, the same records, the same audit."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from contracts_app.api.hot_path import HotPath
from contracts_app.api.write_path import MOST_BYTES, WritePath
from contracts_app.exceptions import StorageUnavailable, VersionSetChanged
from contracts_app.storage import contract_storage
from registry_project.access import AccessLines
from registry_project.threads import InThreads
from tests.api.asgi import ASGIClient
from tests.api.conftest import ALL, make_token

PATH = "/registry/contracts"


class Counted:
    def __init__(self) -> None:
        self.application = WSGIHandler()
        self.asked = 0

    def __call__(self, environ, start_response):
        self.asked += 1
        return self.application(environ, start_response)


@pytest.fixture
def django():
    return Counted()


@pytest.fixture
def front(followed, django, gate):
    writes = WritePath(storage=followed, gate=gate, log=AccessLines())
    threads = InThreads(django, threads=2, most_bytes=settings.CONTRACT_MAX_BYTES, before=writes)
    return ASGIClient(HotPath(threads, storage=followed, gate=gate, log=AccessLines()))


@pytest.fixture
def token(front):
    """One that Django has verified, on a host that it has accepted."""
    token = make_token(*ALL)
    front.request("GET", PATH, headers_of(token))
    return token


def headers_of(token: str, **more: str) -> list[tuple[str, str]]:
    return [("Host", "testserver"), ("Authorization", f"Bearer {token}"), *more.items()]


def post(client, token, body, path=PATH, **more):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("POST", path, headers_of(token, **{"Content-Length": str(len(data))}, **more), data)


def test_random_publishes_are_answered_alike(front, django, token):
    """Each request is asked of both under names of their own, and what is left in the store is compared as well."""
    reference = ASGIClient(InThreads(Counted(), threads=2, most_bytes=settings.CONTRACT_MAX_BYTES))
    random_ = random.Random(5)
    choice = random_.choice
    texts = ["{}", '{"type": "object"}', '{"type": "string"}', '{"type": "nope"}', "{", '{"$ref": "contract:none@1"}']
    tokens = [*(token for _ in range(12)), make_token("contracts:read"), make_token("contracts:write"), "nonsense"]
    seen = set()
    for _ in range(1500):
        body = {"name": f"SIDE.n{random_.randrange(40)}", "version": f"{choice('123')}.{choice('0123')}.0"}
        body["jsonSchema"] = choice(texts)
        for field, value in (
            ("description", choice(["é \u2028 🦊", None, 5])),
            ("labels", choice([["a", "b"], [], "a", None])),
            ("state", choice(["draft", "active", "gone"])),
            ("override", choice([None, {"reason": "so"}])),
            ("wit", "package a:b;"),
            ("extra", 1),
        ):
            if random_.random() < 0.07:
                body[field] = value
        path = choice([PATH] * 10 + [f"{PATH}?dryRun=true", f"{PATH}/"])
        more = choice([{}] * 5 + [{"Accept": "application/json"}, {"X-Request-ID": "mine"}, {"Content-Type": "text/x"}])
        used, answers = choice(tokens), []
        for client, side in ((front, "front"), (reference, "django")):
            data = json.dumps(body | {"name": body["name"].replace("SIDE", side)}, ensure_ascii=False).encode()
            answers.append(_comparable(post(client, used, data, path, **more), side))
        assert answers[0] == answers[1], (body, path)
        seen.add(answers[0][0])
    assert seen >= {200, 201, 400, 401, 403, 404, 409, 422}
    assert django.asked < 1500
    stored = {"front": [], "django": []}
    for written in contract_storage().history(limit=100_000):
        side = written.key.split(".")[1]
        record = json.loads(written.value)
        for member in ("createdAt", "digest"):
            record.pop(member)
        record["lifecycle"] = {**record.get("lifecycle", {}), "changedAt": ""}
        deed = (written.deed.action, written.deed.actor.subject, written.deed.before, written.deed.reason)
        stored[side].append((written.key.replace(side, "SIDE"), {**record, "name": ""}, deed))
    assert stored["front"] == stored["django"]
    assert len(stored["front"]) > 50


def _comparable(answer, side):
    status, headers, body = answer
    headers = dict(headers)
    identity = headers.pop("x-request-id")
    text = body.decode().replace(side, "SIDE")
    for name in ("content-length", "location", "etag"):
        if name in headers:
            headers[name] = bool(headers[name])
    if status in (200, 201, 409) and text.startswith("{"):
        told = json.loads(text)
        for member in ("digest", "createdAt"):
            told.pop(member, None)
        text = json.dumps(told)
    return status, headers, text, identity == "mine"


def test_a_publish_reaches_no_django(front, django, token):
    before = django.asked
    status, headers, body = post(front, token, {"name": "a", "version": "1.0.0"}, **{"X-Request-ID": "mine-1"})
    assert (status, django.asked) == (201, before)
    assert headers["location"] == "/registry/contracts/a/1.0.0"
    assert headers["x-request-id"] == "mine-1"
    written = contract_storage().history()[-1]
    assert (written.deed.actor.subject, written.deed.actor.request_id) == ("tester", "mine-1")
    status, headers, _ = front.request("GET", "/registry/contracts/a/1.0.0", headers_of(token))
    assert (status, headers["etag"]) == (200, f'"{json.loads(body)["digest"]}"')


@pytest.mark.parametrize(
    "change",
    [
        {"headers": [("Host", "evil.example")]},
        {"token": "x"},
        {"path": f"{PATH}?dryRun=true"},
        {"body": b"x" * (MOST_BYTES + 1)},
        {"body": b""},
        {"body": b"{"},
        {"body": {"name": "a", "version": "1.0.0", "override": {"reason": "x"}}},
    ],
)
def test_what_is_not_plain_goes_to_django(front, django, token, change):
    before = django.asked
    body = change.get("body", {"name": "a", "version": "1.0.0"})
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = change.get("headers", [("Host", "testserver")])
    headers = [*headers, ("Authorization", f"Bearer {change.get('token', token)}"), ("Content-Length", str(len(data)))]
    status, _, _ = front.request("POST", change.get("path", PATH), headers, data)
    assert django.asked == before + 1
    assert status in (200, 400, 401, 403)


def test_a_race_is_decided_again(front, django, token, monkeypatch):
    storage = contract_storage()
    real, lost = storage.acreate, []

    async def races(bundle, *, after, deed):
        if not lost:
            lost.append(bundle)
            raise VersionSetChanged
        return await real(bundle, after=after, deed=deed)

    monkeypatch.setattr(storage, "acreate", races)
    before = django.asked
    assert post(front, token, {"name": "a", "version": "1.0.0"})[0] == 201
    assert django.asked == before + 1
    assert len(storage.history()) == 1


def test_a_write_of_which_nothing_is_known_is_not_made_again(front, django, token, monkeypatch):
    storage = contract_storage()

    async def unknown(bundle, *, after, deed):
        storage.create(bundle, after=after, deed=deed)
        raise StorageUnavailable("whether it was stored is not known")

    monkeypatch.setattr(storage, "acreate", unknown)
    status, headers, body = post(front, token, {"name": "a", "version": "1.0.0"})
    assert (status, body) == (503, b"whether it was stored is not known")
    assert headers["retry-after"] == "2"
    assert len(storage.history()) == 1


def test_many_at_once_under_one_name_leave_one_winner_each(front, token):
    async def all_at_once():
        requests = []
        for version in ("1.0.0", "1.1.0", "2.0.0"):
            data = json.dumps({"name": "raced", "version": version, "jsonSchema": "{}"}).encode()
            headers = headers_of(token, **{"Content-Length": str(len(data))})
            requests += [front._request("POST", PATH, headers, data) for _ in range(8)]
        return [answer[0] for answer in await asyncio.gather(*requests)]

    statuses = asyncio.run(all_at_once())
    assert set(statuses) <= {201, 409, 422}
    stored = [entry.version for entry in contract_storage().index("raced", fresh=True).versions("raced")]
    assert len(stored) == statuses.count(201) == len(contract_storage().history(name="raced"))
    assert stored


def test_the_log_tells_of_the_request_and_of_the_publish(front, token, capsys):
    async def publish_and_wait():
        data = b'{"name": "a", "version": "1.0.0"}'
        headers = headers_of(token, **{"Content-Length": str(len(data)), "X-Request-ID": "mine"})
        await front._request("POST", PATH, headers, data)
        await asyncio.sleep(0.2)  # lines are written together

    capsys.readouterr()
    asyncio.run(publish_and_wait())
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    request, published = (line for line in lines if line["message"] in ("request", "published"))
    assert (request["method"], request["route"], request["status"]) == ("POST", PATH, 201)
    assert (published["contract"], published["version"]) == ("a", "1.0.0")
    assert request["requestId"] == published["requestId"] == "mine"


def test_what_is_known_or_quick_is_decided_on_the_event_loop(front, token, monkeypatch):
    asked = []
    real = InThreads._in_thread

    async def counted(self, work, *arguments):
        asked.append(work.__name__)
        return await real(self, work, *arguments)

    monkeypatch.setattr(InThreads, "_in_thread", counted)

    def threads(version, schema):
        asked.clear()
        text = json.dumps(schema)
        status, _, _ = post(front, token, {"name": "n", "version": version, "jsonSchema": text})
        return status, len(asked)

    text = {"type": "string"}
    assert threads("1.0.0", {"properties": {"a": text}}) == (201, 0)
    assert threads("1.1.0", {"properties": {"a": text, "b": {"enum": [1, 2]}}}) == (201, 0)
    known = {"a": text, "b": {"enum": [1, 2]}, "c": {"pattern": "^a{3}$"}}
    assert threads("1.2.0", {"properties": known}) == (201, 0)
    # What a regular expression means may take long to find out, and so may a proof or a witness of a break.
    assert threads("1.3.0", {"properties": {**known, "c": {"pattern": "^a{3}$", "title": "C"}}}) == (201, 1)
    assert threads("2.0.0", {"properties": {"a": text, "b": {"enum": [2]}}}) == (201, 1)
    assert threads("2.1.0", {"properties": {"a": {"anyOf": [text, True]}, "b": {"enum": [2]}}}) == (201, 1)
    large = {f"name_{number}": text for number in range(300)}
    assert threads("3.0.0", {"properties": large}) == (201, 1)
    # Known by now:
    assert post(front, token, {"name": "other", "version": "1.0.0", "jsonSchema": json.dumps({"properties": large})})
    assert threads("3.0.1", {"properties": large}) == (201, 0)
    # Refused, by the checks or in comparison: told by Django alone.
    assert threads("4.0.0", {"type": "none"}) == (422, 1)
