"""A WSGI application behind ASGI, in a pool of threads.

Django's own ASGI handler runs synchronous views one after the other, and copies its state for each. Here a
request's body is collected on the event loop, so that a slow client holds no thread, and one thread then
makes the whole answer.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contracts_app.api.gate import reply

BODY_SECONDS = 60
"""How long a request's body may take to come."""


class InThreads:
    """`most_bytes` is the longest body that is collected; what is longer is cut one byte later, for a 413.

    `before` may answer a request in place of the application: it is awaited with the scope, the body and what runs a
    function in the pool, and gives an answer, or None and what is to be added to the environment.
    """

    def __init__(self, application: Any, *, threads: int, most_bytes: int, before: Any = None) -> None:
        self._before = before
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._most_bytes = most_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._collect(scope, receive)
        except TimeoutError:
            said = f"The request body did not come within {BODY_SECONDS} seconds".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 408, "headers": headers})
            await send({"type": "http.response.body", "body": said})
            return
        if body is None:
            return
        answer, more = await self._before(scope, body, self._in_thread) if self._before else (None, {})
        if answer is None:
            answer = await self._in_thread(self._answer, _environ(scope, body) | more)
        await reply(scope, send, *answer)

    async def judge(self, scope: Any, more: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """The application's answer to a request without a body, with more in its environment."""
        answer: tuple[int, list[tuple[bytes, bytes]], bytes]
        answer = await self._in_thread(self._answer, _environ(scope, b"") | more)
        return answer

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._pool.shutdown(wait=False)
        await send({"type": "lifespan.shutdown.complete"})

    async def _collect(self, scope: Any, receive: Any) -> bytes | None:
        """The body, or None when the client has gone."""
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._most_bytes:
            return b""  # refused for its Content-Length, unread
        chunks: list[bytes] = []
        length = 0
        while length <= self._most_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            length += len(chunks[-1])
            if not message.get("more_body"):
                break
        return b"".join(chunks)

    def _answer(self, environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
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


def _environ(scope: Any, body: bytes) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an ASGI scope."""
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
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
