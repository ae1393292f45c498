"""Requests that are made to stop the service, sent to a real gunicorn in production mode, with ordinary ones."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import make_token
from tests.commands.serving import serving

SECRET = "a secret of the tests that is long enough"
READ, WRITE = "contracts:read", "contracts:write"
MAX_PROBE_SECONDS, MAX_ATTACK_SECONDS, MAX_GROWTH_MIB = 2, 15, 200


@pytest.fixture(scope="module")
def server(nats_server, tmp_path_factory):
    log = tmp_path_factory.mktemp("hostile") / "log"
    variables = {"JWT_SECRET": SECRET, "ALLOWED_HOSTS": "127.0.0.1", "MAX_ANONYMOUS_REQUESTS_PER_MINUTE": "0"}
    with serving(nats_server.url, log, "registry_project.asgi", **variables) as (url, process):
        yield url, process


def client(url, subject, *scopes):
    token = make_token(*scopes, key=SECRET, sub=subject)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return httpx.Client(base_url=url, headers=headers, timeout=60)


class Prober(threading.Thread):
    """Requests the health check and a version over and over; keeps what fails and how long the slowest takes."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self._client = client(url, "prober", READ)
        self.slowest, self.failed, self.count, self._ended = 0.0, [], 0, threading.Event()

    def run(self):
        while not self._ended.is_set():
            for path in ("/healthz", "/registry/contracts/probe.kept/1.0.0", "/registry/contracts/probe.kept/latest"):
                start = time.monotonic()
                try:
                    status = self._client.get(path, timeout=20).status_code
                except httpx.HTTPError as error:
                    status = repr(error)
                self.slowest = max(self.slowest, time.monotonic() - start)
                self.count += 1
                if status != 200:
                    self.failed.append((path, status))
            time.sleep(0.02)

    def end(self):
        self._ended.set()
        self.join()


def workers_of(process):
    """Return the processes of the workers, with the MiB that each holds for itself."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = {}
    for child in children:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
        found[int(child)] = int(lines["RssAnon"].split()[0]) / 1024
    return found


EXPRESSION = {
    "$ref": "#/$defs/e",
    "$defs": {
        "e": {
            "oneOf": [
                {"type": "number"},
                *(
                    {"properties": {"op": {"const": op}, "args": {"items": {"$ref": "#/$defs/e"}}}, "required": ["op"]}
                    for op in ("add", "mul", "neg")
                ),
            ]
        }
    },
}


def expression(depth):
    value = "wrong"
    for _ in range(depth):
        value = {"op": "add", "args": [1, value]}
    return value


def nullable(count, kind):
    return {"type": "object", "properties": {f"p{number}": {"type": kind} for number in range(count)}}


def fan(kind, depth=40):
    links = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 3} for n in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": links | {f"d{depth}": {"type": kind}}}


VALIDATE = {
    "nested alternatives": (EXPRESSION, expression(14)),
    "large integers": ({"uniqueItems": True}, [2**70 + number for number in range(8000)]),
    "large multiples": ({"items": {"multipleOf": 0.01}}, [1e308] * 20_000),
    "look-ahead": ({"pattern": "^(?=(.*a)*b)(?=(.*c)*d)"}, "ac" * 100_000),
    "counted repetitions": ({"items": {"pattern": ".{0,999}x.{0,999}y"}}, ["x" * 30_000] * 5),
    "references that multiply": (fan("string"), 5),
    "patterns of names": ({"patternProperties": {"(a+)+$": False}}, {"a" * 5000 + "!" + str(n): 1 for n in range(50)}),
    "formats": ({"items": {"format": "regex"}}, ["(((a{0,99}){0,99}){0,99}){0,99}"] * 2000),
    "many errors": ({"items": {"anyOf": [{"type": "string"}, {"type": "null"}] * 20}}, [1] * 50_000),
}
MORE = {"patternProperties": {"^x": {}}}
CHECK = {
    "20 nullable properties": (
        nullable(20, ["string", "null"]),
        nullable(20, "string") | {"patternProperties": {"^x": {}}},
    ),
    "30 nullable properties": (
        nullable(30, ["string", "null"]),
        nullable(30, "string") | {"patternProperties": {"^x": {}}},
    ),
    "50,000 changes": (
        {"properties": {str(n): {"type": "string"} for n in range(50_000)}},
        {"properties": {str(n): {"type": "string", "maxLength": 5} for n in range(50_000)}},
    ),
    "shifted constants": (
        {"oneOf": [{"const": n} for n in range(5000)]},
        {"oneOf": [{"const": n + 1} for n in range(5000)]},
    ),
    "shifted objects": (
        {"anyOf": [{"properties": {"k": {"const": n}}} for n in range(800)]},
        {"anyOf": [{"properties": {"k": {"const": n + 1}}} for n in range(800)]},
    ),
    "patterns to compile": ({"pattern": r"\s" * 8000}, {"pattern": r"\S" * 8000}),
    "repetitions to compile": ({"pattern": "((a{1,99}){1,99}){1,99}"}, {"pattern": "((b{1,99}){1,99}){1,99}"}),
    "references that multiply": (fan("string"), fan("integer")),
    "unevaluated": tuple(
        {"items": {"$ref": "#/$defs/d0", "unevaluatedProperties": False}, "$defs": fan(kind)["$defs"]}
        for kind in ("string", "integer")
    ),
}


@pytest.mark.xdist_group("hostile")
def test_no_schema_or_instance_delays_others_or_ends_a_worker(server):
    url, process = server
    writer, reader = client(url, "writer", READ, WRITE), client(url, "attacker", READ)
    kept = {"name": "probe.kept", "version": "1.0.0", "jsonSchema": {"type": "object"}}
    assert writer.post("/registry/contracts", json=kept).status_code == 201
    requests = []
    for number, (schema, instance) in enumerate(VALIDATE.values()):
        body = {"name": f"hostile.n{number}", "version": "1.0.0", "jsonSchema": schema}
        assert writer.post("/registry/contracts", json=body).status_code in (201, 422)
        requests.append((f"/registry/contracts/hostile.n{number}/1.0.0/validate", instance))
    requests += [
        ("/registry/check", {"old": {"jsonSchema": old}, "new": {"jsonSchema": new}}) for old, new in CHECK.values()
    ]
    before = workers_of(process)
    prober = Prober(url)
    prober.start()

    def attack(request):
        path, body = request
        start = time.monotonic()
        response = reader.post(path, content=json.dumps(body))
        return path, response.status_code, time.monotonic() - start

    with ThreadPoolExecutor(4) as four:
        results = list(four.map(attack, requests))
    prober.end()
    assert [result for result in results if result[1] not in (200, 404, 422, 503)] == []
    assert [result for result in results if result[2] > MAX_ATTACK_SECONDS] == []
    assert (prober.failed, prober.count > 50) == ([], True)
    assert prober.slowest < MAX_PROBE_SECONDS
    after = workers_of(process)
    assert after.keys() == before.keys(), "a worker ended"
    assert [after[pid] - before[pid] for pid in after if after[pid] - before[pid] > MAX_GROWTH_MIB] == []


def test_bodies_without_a_token_are_not_collected(server):
    url, process = server
    before = workers_of(process)
    connections = []
    host, port = url.removeprefix("http://").split(":")
    for _ in range(40):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"POST /registry/contracts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000\r\n\r\n")
        connection.settimeout(20)
        assert connection.recv(100).startswith(b"HTTP/1.1 401")
        with contextlib.suppress(OSError):  # the server may have closed it
            connection.sendall(b"x" * 5_000_000)
        connections.append(connection)
    after = workers_of(process)
    assert all(after[pid] - before[pid] < 50 for pid in before)
    for connection in connections:
        connection.close()


def test_long_hosts_leave_no_trace(server):
    url, process = server
    before = workers_of(process)
    with httpx.Client(base_url=url) as http:
        for number in range(1500):
            host = f"{number}" + "a" * (900 if number % 2 else 30_000)
            status = http.get("/registry/contracts", headers={"Host": host}).status_code
            assert status == 400
    after = workers_of(process)
    assert all(after[pid] - before[pid] < 20 for pid in before)


def test_health_and_metrics_answer_without_tls_and_refuse_other_methods(server):
    url, _ = server
    for path in ("/healthz", "/readyz", "/metrics"):
        response = httpx.get(url + path)
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
        refused = httpx.post(url + path, headers={"Accept": "application/json"})
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
        assert refused.json()["code"] == "method_not_allowed"
        assert httpx.get(url + path + "?x=1").status_code == 400


CLAIMS = [
    {"sub": "\ud800"},
    {"sub": "a" * 30_000},
    {"sub": "a\nb"},
    {"sub": 5},
    {"sub": ["a"]},
    {"sub": {"a": 1}},
    {"sub": ""},
    {"sub": True},
    {"exp": 10**400},
    {"exp": -1},
    {"exp": 1e300},
    {"exp": "4102444800"},
    {"exp": "4_102_444_800"},
    {"exp": "٤١٠٢٤٤٤٨٠٠"},
    {"exp": True},
    {"exp": [4102444800]},
    {"exp": {}},
    {"nbf": "x"},
    {"nbf": 10**400},
    {"iat": []},
    {"scopes": 5},
    {"scopes": {"contracts:read": 1}},
    {"scopes": [["contracts:read"]]},
    {"scopes": ["contracts:read", 5]},
    {"scopes": ["a" * 100_000]},
]


@pytest.mark.parametrize("path", ["/registry/contracts", "/registry/events?since=0"])
def test_odd_claims_are_a_401_and_harm_nobody(server, path):
    url, _ = server
    for claims in CLAIMS:
        token = make_token(READ, key=SECRET, **claims) if claims != {"sub": "\ud800"} else lone_surrogate_token()
        response = httpx.get(url + path, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert response.status_code in (401, 431), claims
    with client(url, "honest", READ) as honest:
        assert honest.get("/registry/contracts").status_code == 200


def lone_surrogate_token():
    """PyJWT does not write one: the claims are encoded by hand."""

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = b'{"sub":"\\ud800","exp":4102444800,"scopes":["contracts:read"]}'
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(claims)
    return (signed + b"." + part(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


IDLE = {
    "nothing": b"",
    "a line break": b"\r\n",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    "a request": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a request and a line break": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n\r\n",
    "a body that is refused": (
        b"POST /registry/contracts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n"
    ),
    "half a form": b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc",
}


@pytest.mark.xdist_group("idle")
def test_idle_connections_of_every_kind_are_closed(server):
    url, _ = server
    host, port = url.removeprefix("http://").split(":")
    connections = {}
    for number, (kind, sent) in enumerate(list(IDLE.items()) * 15):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(sent)
        connections[connection] = f"{kind} {number}"
    time.sleep(1)
    for connection, kind in connections.items():
        if kind.startswith("a body"):
            with contextlib.suppress(OSError):
                connection.sendall(b"x")
    with client(url, "honest", READ) as honest:
        assert honest.get("/registry/contracts").status_code == 200
    deadline = time.monotonic() + 90
    still_open = dict(connections)
    while still_open and time.monotonic() < deadline:
        for connection in list(still_open):
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                try:
                    ended = not connection.recv(65536)
                except ConnectionError:
                    ended = True
                if ended:
                    del still_open[connection]
                    connection.close()
        time.sleep(0.5)
    assert sorted(still_open.values()) == []
