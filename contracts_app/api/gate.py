"""Whether a request may be answered before Django: it is plain, its host and its token were accepted before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from itertools import count
from secrets import token_hex
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from contracts_app.api.remembered import Memory, RememberedTokens
from contracts_app.request_context import ACCEPTED_ID

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]


class Lines(Protocol):
    """Writes log lines."""

    def __call__(self, method: str, route: str, status: int, started: float, subject: str, identity: str) -> None:
        """The line of a request; `started` is of time.perf_counter, `identity` the request's id."""

    def published(self, name: str, version: str, identity: str) -> None:
        """The line of a publish."""


CONTRACTS = "/registry/contracts"
WHOLE_ANSWER = "registry.whole_answer"
"""The extension of a scope by which the server sends a whole answer at once, or says that it cannot."""
ALLOWED = (b"allow", b"GET, POST, HEAD, OPTIONS")
"""What CONTRACTS answers to."""
# What the middleware adds to every answer of the API.
_ALWAYS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_WANTED = (b"authorization", b"content-length", b"host", b"if-none-match", b"x-forwarded-proto", b"x-request-id")


class Admitted(NamedTuple):
    headers: dict[bytes, bytes]
    subject: str
    identity: bytes
    """The request's id."""


def always(scheme: str) -> Headers:
    """The headers of every answer to a request of this scheme, as Django's middleware adds them."""
    if scheme != "https" or not settings.SECURE_HSTS_SECONDS:
        return _ALWAYS
    value = f"max-age={settings.SECURE_HSTS_SECONDS}"
    value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    value += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
    return (*_ALWAYS, (b"strict-transport-security", value.encode()))


def plain(scope: Scope) -> bool:
    """Whether an ASGI scope has nothing that is not looked at here."""
    return not scope["query_string"] and scope["scheme"] in ("http", "https") and not scope.get("root_path")


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields as HTTP/1.1 writes them. Raises ValueError on a line break within one."""
    parts = [b"%s: %s\r\n" % header for header in headers]
    lines = b"".join(parts)
    if lines.count(b"\n") != len(parts) or lines.count(b"\r") != len(parts):
        raise ValueError("a header has a line break in it")
    return lines


async def reply(scope: Scope, send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer, in one piece where the server can."""
    whole = scope.get("extensions", {}).get(WHOLE_ANSWER)
    if whole is None or not whole(status, headers, body):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Gate:
    def __init__(self, tokens: RememberedTokens, hosts: Memory) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._unique, self._number = token_hex(8).encode(), count()

    def admit(self, sent: Iterable[tuple[bytes, bytes]], needed: str) -> Admitted | None:
        """What is to be known of a request whose token has the scope `needed`, or None to leave it to Django.

        `sent` are its headers, their names in lower case.
        """
        headers: dict[bytes, bytes] = {}
        for name, value in sent:
            if name in _WANTED:
                if name in headers:
                    return None
                headers[name] = value
        token = self._tokens.get(headers.get(b"authorization", b""))
        if token is None or needed not in token.scopes or headers.get(b"host", b"") not in self._hosts:
            return None
        identity = headers.get(b"x-request-id")
        if identity is None or not ACCEPTED_ID.fullmatch(identity.decode("latin-1")):
            identity = b"%s%016x" % (self._unique, next(self._number))
        return Admitted(headers, token.subject, identity)
