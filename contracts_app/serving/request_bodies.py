"""Request bodies, collected on the event loop within limits of size, of time, and of memory for all together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings

MAX_BODY_SECONDS = 60
"""Seconds within which a request's body must arrive."""
MAX_ANONYMOUS_BYTES = 64 * 1024
"""Bytes of a body from a client that shows neither a token nor a session: a login form is smaller."""
API = ("/registry/", "/confluent/", "/v2/")
"""How the paths of the APIs begin, whose bodies are bounded and whose requests are counted."""

IsAuthentic = Callable[[bytes], Awaitable[bool]]
"""Whether an Authorization header holds a valid token."""


class BodyTooSlow(Exception):
    """The body did not arrive within MAX_BODY_SECONDS."""


class BodiesFull(Exception):
    """The bodies that are being collected take too much memory already."""


class ClientGone(Exception):
    """The client closed the connection before its body was complete."""


class RequestBodies:
    """Collects bodies of at most `max_bytes` each, and for each kind of client at most `max_total_bytes` together."""

    def __init__(self, is_authentic: IsAuthentic, *, max_bytes: int, max_total_bytes: int) -> None:
        self._is_authentic = is_authentic
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._held = {"token": 0, "session": 0, "anonymous": 0}
        """Bytes held, by kind of client, so that those without a token do not crowd out the others."""

    @asynccontextmanager
    async def collected(self, scope: Any, receive: Any) -> AsyncIterator[bytes]:
        """Return the body, which counts as held until the context ends.

        A body that is too long is cut one byte after its limit, and Django responds 413. It is not read at all if its
        length is declared, or if the client must show a token and has none. Raises BodyTooSlow, BodiesFull, ClientGone.
        """
        headers = dict(scope["headers"])
        if scope["method"] in ("GET", "HEAD") or not _has_body(headers):
            yield b""
            return
        kind = await self._kind_of_client(scope["path"], headers)
        limit = MAX_ANONYMOUS_BYTES if kind == "anonymous" else self._max_bytes
        if (scope["path"].startswith(API) and kind != "token") or _declared_length(headers) > limit:
            yield b""
            return
        body = bytearray()
        try:
            try:
                async with asyncio.timeout(MAX_BODY_SECONDS):
                    await self._read(receive, body, kind, limit)
            except TimeoutError:
                raise BodyTooSlow from None
            yield bytes(body)
        finally:
            self._held[kind] -= len(body)

    async def _read(self, receive: Any, body: bytearray, kind: str, limit: int) -> None:
        """Add to `body` what arrives, until its end or one part after the limit."""
        while len(body) <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            self._held[kind] += len(part)
            body += part
            if self._held[kind] > self._max_total_bytes:
                raise BodiesFull
            if not message.get("more_body"):
                return

    async def _kind_of_client(self, path: str, headers: dict[bytes, bytes]) -> str:
        if path.startswith(API):
            return "token" if await self._is_authentic(headers.get(b"authorization", b"")) else "anonymous"
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return "anonymous"
        return "session" if settings.SESSION_COOKIE_NAME in cookies else "anonymous"


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _declared_length(headers: dict[bytes, bytes]) -> int:
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 20 else 0
