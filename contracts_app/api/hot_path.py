"""What is ready in memory, answered on the event loop; everything else goes to Django, in its threads.

A request is answered here only if all of it is understood and certain: a plain GET of a known route on a
host that Django has accepted before, with a token that Django has verified before and that is still valid,
for an answer whose bytes are in a copy that is current. Its answer is the one that the viewset would give,
header by header (tests/api/test_hot_path.py). Errors are never told here.
"""

from __future__ import annotations

import asyncio
import time

from contracts_app.api.gate import ALLOWED, ALWAYS, CONTRACTS, Application, Gate, Lines, Message, Receive, Scope, Send
from contracts_app.api.permissions import READ
from contracts_app.api.prepared import LIST_CACHING, VERSION_CACHING, if_none_match
from contracts_app.storage import ContractStorage, Prepared

Headers = tuple[tuple[bytes, bytes], ...]

_LIST_HEADERS = ((b"cache-control", LIST_CACHING.encode()), ALLOWED, *ALWAYS)
_VERSION = "/registry/contracts/<str:name>/<str:version>"
_VERSION_HEADERS = ((b"cache-control", VERSION_CACHING.encode()), (b"allow", b"GET, HEAD, OPTIONS"), *ALWAYS)
_PATIENCE = 40
"""How many half milliseconds to wait for a copy that is a few messages behind, before Django's way is taken."""


class HotPath:
    def __init__(self, django: Application, *, storage: ContractStorage, gate: Gate, log: Lines) -> None:
        self._django = django
        self._storage = storage
        self._gate = gate
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(CONTRACTS):
            started = time.perf_counter()
            for _ in range(_PATIENCE):
                if not self._storage.behind():
                    break
                await asyncio.sleep(0.0005)
            answer = self.answer(scope, started)
            if answer is not None:
                start, body = answer
                await send(start)
                await send(body)
                return
        await self._django(scope, receive, send)

    def find(self, path: str) -> tuple[str, Prepared | None, Headers]:
        """The route that Django would name for this path, its answer if that is ready, and the route's headers."""
        if path == CONTRACTS:
            return CONTRACTS, self._storage.peek_listing(), _LIST_HEADERS
        name, _, version = path[len(CONTRACTS) + 1 :].partition("/")
        return _VERSION, self._storage.peek(name, version), _VERSION_HEADERS

    def answer(self, scope: Scope, started: float) -> tuple[Message, Message] | None:
        """The two ASGI messages of the answer, or None to leave the request to Django."""
        admitted = self._gate.admit(scope, READ)
        if admitted is None:
            return None
        route, prepared, own = self.find(scope["path"])
        if prepared is None:
            return None
        tags = admitted.headers.get(b"if-none-match")
        known = tags is not None and if_none_match(tags.decode("latin-1"), prepared.etag)
        status, body = (304, b"") if known else (200, prepared.body)
        sent = [
            (b"etag", prepared.etag.encode()),
            *own,
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", admitted.identity),
        ]
        if not known:
            sent.append((b"content-type", b"application/json"))
        self._log("GET", route, status, started, admitted.subject, admitted.identity.decode())
        return (
            {"type": "http.response.start", "status": status, "headers": sent},
            {"type": "http.response.body", "body": body},
        )
