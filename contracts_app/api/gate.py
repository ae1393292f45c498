"""Whether a request may be answered before Django: it is plain, its host and its token were accepted before."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from secrets import token_hex
from typing import Any, NamedTuple, Protocol

from contracts_app.api.remembered import Memory, RememberedTokens

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Lines(Protocol):
    """Writes log lines."""

    def __call__(self, method: str, route: str, status: int, started: float, subject: str, identity: str) -> None:
        """The line of a request; `started` is of time.perf_counter, `identity` the request's id."""

    def published(self, name: str, version: str, identity: str) -> None:
        """The line of a publish."""


CONTRACTS = "/registry/contracts"
ALLOWED = (b"allow", b"GET, POST, HEAD, OPTIONS")
"""What CONTRACTS answers to."""
# What the middleware adds to every answer of the API.
ALWAYS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_WANTED = (b"authorization", b"content-length", b"host", b"if-none-match", b"x-request-id")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Admitted(NamedTuple):
    headers: dict[bytes, bytes]
    subject: str
    identity: bytes
    """The request's id."""


class Gate:
    def __init__(self, tokens: RememberedTokens, hosts: Memory) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._unique, self._number = token_hex(8).encode(), count()

    def admit(self, scope: Scope, needed: str) -> Admitted | None:
        """What is to be known of a request whose token has the scope `needed`, or None to leave it to Django."""
        if scope["query_string"] or scope["scheme"] != "http" or scope.get("root_path"):
            return None
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _WANTED:
                if name in headers:
                    return None
                headers[name] = value
        token = self._tokens.get(headers.get(b"authorization", b""))
        if token is None or needed not in token.scopes or headers.get(b"host", b"") not in self._hosts:
            return None
        identity = headers.get(b"x-request-id")
        if identity is None or not _REQUEST_ID.fullmatch(identity):
            identity = b"%s%016x" % (self._unique, next(self._number))
        return Admitted(headers, token.subject, identity)
