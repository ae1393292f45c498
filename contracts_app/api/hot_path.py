"""What is ready in memory, answered on the event loop; everything else goes to Django, in its threads.

A request is answered here only if all of it is understood and certain: a plain GET of a known route on a
host that Django has accepted before, with a token that Django has verified before and that is still valid,
for an answer whose bytes are in a copy that is current. Its answer is the one that the viewset would give,
header by header (tests/api/test_hot_path.py). Errors are never told here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from secrets import token_hex
from typing import Any

from contracts_app.api.permissions import READ
from contracts_app.api.prepared import LIST_CACHING, VERSION_CACHING, if_none_match
from contracts_app.api.remembered import Memory, RememberedTokens
from contracts_app.storage import ContractStorage, Prepared

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
LogLine = Callable[[str, int, float, str, str], None]
"""Writes an access line: route, status, when it started (perf_counter), subject, request id."""

CONTRACTS = "/registry/contracts"
# What the middleware adds to every answer of these routes.
_ALWAYS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_LIST = "/registry/contracts"
_LIST_HEADERS = ((b"cache-control", LIST_CACHING.encode()), (b"allow", b"GET, POST, HEAD, OPTIONS"), *_ALWAYS)
_VERSION = "/registry/contracts/<str:name>/<str:version>"
_VERSION_HEADERS = ((b"cache-control", VERSION_CACHING.encode()), (b"allow", b"GET, HEAD, OPTIONS"), *_ALWAYS)
_WANTED = (b"authorization", b"host", b"if-none-match", b"x-request-id")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_PATIENCE = 40
"""How many half milliseconds to wait for a copy that is a few messages behind, before Django's way is taken."""


class HotPath:
    def __init__(
        self, django: Application, *, storage: ContractStorage, tokens: RememberedTokens, hosts: Memory, log: LogLine
    ) -> None:
        self._django = django
        self._storage = storage
        self._tokens = tokens
        self._hosts = hosts
        self._log = log
        self._unique, self._number = token_hex(8).encode(), count()

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
            return _LIST, self._storage.peek_listing(), _LIST_HEADERS
        name, _, version = path[len(CONTRACTS) + 1 :].partition("/")
        return _VERSION, self._storage.peek(name, version), _VERSION_HEADERS

    def answer(self, scope: Scope, started: float) -> tuple[Message, Message] | None:
        """The two ASGI messages of the answer, or None to leave the request to Django."""
        if scope["query_string"] or scope["scheme"] != "http" or scope.get("root_path"):
            return None
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _WANTED:
                if name in headers:
                    return None
                headers[name] = value
        token = self._tokens.get(headers.get(b"authorization", b""))
        if token is None or READ not in token.scopes or headers.get(b"host", b"") not in self._hosts:
            return None
        route, prepared, own = self.find(scope["path"])
        if prepared is None:
            return None
        tags = headers.get(b"if-none-match")
        known = tags is not None and if_none_match(tags.decode("latin-1"), prepared.etag)
        status, body = (304, b"") if known else (200, prepared.body)
        identity = headers.get(b"x-request-id")
        if identity is None or not _REQUEST_ID.fullmatch(identity):
            identity = b"%s%016x" % (self._unique, next(self._number))
        sent = [
            (b"etag", prepared.etag.encode()),
            *own,
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", identity),
        ]
        if not known:
            sent.append((b"content-type", b"application/json"))
        self._log(route, status, started, token.subject, identity.decode())
        return (
            {"type": "http.response.start", "status": status, "headers": sent},
            {"type": "http.response.body", "body": body},
        )
