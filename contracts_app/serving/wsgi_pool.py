"""A WSGI application behind ASGI, in a pool of threads.

Django's own ASGI handler runs synchronous views one after the other and copies context for each. Here the event loop
collects a request's body, so a slow client holds no thread; then one thread produces the whole response.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_BODY_SECONDS = 60
"""Seconds within which a request's body must arrive."""
Headers = list[tuple[bytes, bytes]]
Response = tuple[int, Headers, bytes]


class WSGIPool:
    """A body longer than `max_bytes` is cut after one more byte, so that Django responds 413."""

    def __init__(self, application: Any, *, threads: int, max_bytes: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._max_bytes = max_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        try:
            async with asyncio.timeout(MAX_BODY_SECONDS):
                body = await self._collect(scope, receive)
        except TimeoutError:
            text = f"The request body did not arrive within {MAX_BODY_SECONDS} seconds".encode()
            await reply(send, 408, [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")], text)
            return
        if body is not None:
            await reply(send, *await self._in_thread(_environ(scope, body)))

    async def respond(self, scope: Any, more: dict[str, Any]) -> Response:
        """Return the application's response to a request without a body, with additions to its environment."""
        return await self._in_thread(_environ(scope, b"") | more)

    async def _in_thread(self, environ: dict[str, Any]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._respond, environ)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._pool.shutdown(wait=False)
        await send({"type": "lifespan.shutdown.complete"})

    async def _collect(self, scope: Any, receive: Any) -> bytes | None:
        """Return the body, or None if the client disconnected."""
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._max_bytes:
            return b""  # refused by its Content-Length, without reading it
        chunks: list[bytes] = []
        length = 0
        while length <= self._max_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            length += len(chunks[-1])
            if not message.get("more_body"):
                break
        return b"".join(chunks)

    def _respond(self, environ: dict[str, Any]) -> Response:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = [int(status[:3]), headers]

        chunks: Iterable[bytes] = self._application(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = started
        return status, [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers], content


async def reply(send: Any, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole response."""
    if not any(name == b"content-length" for name, _ in headers) and status not in (204, 304):
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _environ(scope: Any, body: bytes) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of an ASGI scope."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue  # it would be mistaken for the header with dashes (RFC 3875, section 4.1.18)
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
