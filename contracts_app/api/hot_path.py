"""What is ready in memory, answered on the event loop; everything else goes to Django, in its threads.

A request is answered here only if all of it is understood and certain: a plain GET of a known route on a
host that Django has accepted before, with a token that Django has verified before and that is still valid,
for an answer whose bytes are in a copy that is current. Its answer is the one that the viewset would give,
header by header (tests/api/test_hot_path.py). Errors are never told here.

There are two ways in: ASGI's, and a shorter one for a server that asks before it makes a task of the request.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from contracts_app.api.gate import (
    ALLOWED,
    CONTRACTS,
    Admitted,
    Application,
    Gate,
    Headers,
    Lines,
    Receive,
    Scope,
    Send,
    always,
    header_lines,
    plain,
    reply,
)
from contracts_app.api.permissions import READ
from contracts_app.api.prepared import LIST_CACHING, VERSION_CACHING, if_none_match
from contracts_app.storage import ContractStorage, Prepared

_VERSION = "/registry/contracts/<str:name>/<str:version>"
_OF_ROUTE: dict[str, Headers] = {
    CONTRACTS: ((b"cache-control", LIST_CACHING.encode()), ALLOWED),
    _VERSION: ((b"cache-control", VERSION_CACHING.encode()), (b"allow", b"GET, HEAD, OPTIONS")),
}
_TARGETS = CONTRACTS.encode()


class Answer(NamedTuple):
    status: int
    route: str
    etag: str
    identity: bytes
    body: bytes


class HotPath:
    def __init__(self, django: Application, *, storage: ContractStorage, gate: Gate, log: Lines) -> None:
        self._django = django
        self._storage = storage
        self._gate = gate
        self._log = log
        self._lines = {route: header_lines((*own, *always("http"))) for route, own in _OF_ROUTE.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(CONTRACTS):
            started = time.perf_counter()
            admitted = self._gate.admit(scope["headers"], READ) if plain(scope) else None
            arrived = admitted is not None and await self._storage.arrive()
            answer = self._answer(scope["path"], admitted, started, arrived=True) if admitted and arrived else None
            if answer is not None:
                headers = [*_own(answer), *_OF_ROUTE[answer.route], *always(scope["scheme"])]
                await reply(scope, send, answer.status, headers, answer.body)
                return
        await self._django(scope, receive, send)

    def at_once(self, target: bytes, sent: Iterable[tuple[bytes, bytes]]) -> tuple[int, bytes, bytes] | None:
        """The status, header lines and body of the answer to a GET over plain HTTP, or None to go on by ASGI.

        `target` is the request's, as it was sent; `sent` its headers, their names in lower case.
        """
        if not target.startswith(_TARGETS) or not target.isascii() or b"%" in target or self._storage.behind():
            return None
        started = time.perf_counter()
        admitted = self._gate.admit(sent, READ)
        # What a proxy says of the scheme, the server has to weigh first.
        if admitted is None or b"x-forwarded-proto" in admitted.headers:
            return None
        answer = self._answer(target.decode("ascii"), admitted, started, arrived=False)
        if answer is None:
            return None
        return answer.status, header_lines(_own(answer)) + self._lines[answer.route], answer.body

    def _answer(self, path: str, admitted: Admitted, started: float, *, arrived: bool) -> Answer | None:
        route, prepared = self._find(path, arrived)
        if prepared is None:
            return None
        tags = admitted.headers.get(b"if-none-match")
        known = tags is not None and if_none_match(tags.decode("latin-1"), prepared.etag)
        status, body = (304, b"") if known else (200, prepared.body)
        self._log("GET", route, status, started, admitted.subject, admitted.identity.decode())
        return Answer(status, route, prepared.etag, admitted.identity, body)

    def _find(self, path: str, arrived: bool) -> tuple[str, Prepared | None]:
        """The route that Django would name for this path, and its answer if that is ready."""
        if path == CONTRACTS:
            return CONTRACTS, self._storage.peek_listing(arrived=arrived)
        before, _, version = path.rpartition("/")
        prefix, _, name = before.rpartition("/")
        return _VERSION, self._storage.peek(name, version, arrived=arrived) if prefix == CONTRACTS else None


def _own(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The headers that differ from answer to answer."""
    headers = [
        (b"etag", answer.etag.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", answer.identity),
    ]
    if answer.status == 200:
        headers.append((b"content-type", b"application/json"))
    return headers
