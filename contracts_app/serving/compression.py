"""An ASGI middleware that compresses pages and JSON with gzip (RFC 9110, section 8.4) for clients that accept it.

Another representation needs another strong entity tag: `"x"` becomes `"x-gzip"`, and in If-Match and If-None-Match the
ending is taken away again, so that nothing else has to care.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Send], Awaitable[None]]

MIN_BYTES = 1400
"""Bytes of the smallest body that is compressed: a smaller one fits into one packet."""
MIN_THREAD_BYTES = 64 * 1024
"""Bytes of the smallest body that is compressed in a thread."""
MAX_KEPT_BYTES = 16 * 1024 * 1024
LEVEL = 5
_TYPES = (b"application/json", b"application/problem+json", b"text/html", b"text/markdown", b"text/plain")
_SUFFIX = b"-gzip"
_CONDITIONS = (b"if-match", b"if-none-match")


class Compression:
    """Compresses what the application sends in one piece. Bodies with an entity tag are compressed once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http" or not _accepts(scope["headers"]):
            await self._application(scope, receive, send)
            return
        scope, has_suffix = _without_suffix(scope)
        started: Message | None = None

        async def compress(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = message
                return
            if started is None:
                await send(message)
                return
            start, started = started, None
            headers = dict(start["headers"])
            body = message.get("body", b"")
            if start["status"] == 304 and has_suffix and b"etag" in headers:
                start = {**start, "headers": _replaced(start["headers"], {b"etag": _suffixed(headers[b"etag"])})}
            elif not message.get("more_body") and _is_worth_it(start["status"], headers, body):
                body = await self._compressed(headers.get(b"etag", b""), body)
                new = {b"content-encoding": b"gzip", b"content-length": b"%d" % len(body)}
                new[b"vary"] = b", ".join(filter(None, (headers.get(b"vary"), b"Accept-Encoding")))
                if b"etag" in headers:
                    new[b"etag"] = _suffixed(headers[b"etag"])
                start, message = {**start, "headers": _replaced(start["headers"], new)}, {**message, "body": body}
            await send(start)
            await send(message)

        await self._application(scope, receive, compress)

    async def _compressed(self, etag: bytes, body: bytes) -> bytes:
        if etag and (known := self._kept.get(etag)) is not None:
            return known
        if len(body) < MIN_THREAD_BYTES:
            made = gzip.compress(body, LEVEL, mtime=0)
        else:
            made = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
        if etag and len(made) < MAX_KEPT_BYTES // 4:
            with self._lock:
                self._bytes += len(made) - len(self._kept.pop(etag, b""))
                self._kept[etag] = made
                while self._bytes > MAX_KEPT_BYTES:
                    self._bytes -= len(self._kept.popitem(last=False)[1])
        return made


def _accepts(headers: Any) -> bool:
    """Return whether the client accepts gzip: it is named, and not with a weight of 0."""
    for name, value in headers:
        if name == b"accept-encoding":
            for coding in value.lower().split(b","):
                parts = coding.strip().replace(b" ", b"").split(b";")
                if parts[0] in (b"gzip", b"x-gzip", b"*"):
                    return b"q=0" not in parts[1:] and b"q=0.0" not in parts[1:]
    return False


def _without_suffix(scope: Any) -> tuple[Any, bool]:
    """Return the scope with entity tags of uncompressed representations, and whether any was of a compressed one."""
    found = False
    headers = []
    for name, value in scope["headers"]:
        if name in _CONDITIONS and _SUFFIX + b'"' in value:
            value = value.replace(_SUFFIX + b'"', b'"')
            found = True
        headers.append((name, value))
    return ({**scope, "headers": headers}, True) if found else (scope, False)


def _is_worth_it(status: int, headers: dict[bytes, bytes], body: bytes) -> bool:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip()
    return len(body) >= MIN_BYTES and status != 206 and kind in _TYPES and b"content-encoding" not in headers


def _suffixed(etag: bytes) -> bytes:
    return etag[:-1] + _SUFFIX + b'"' if etag.endswith(b'"') and not etag.startswith(b"W/") else etag


def _replaced(headers: Any, new: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() not in new]
    return kept + list(new.items())
