"""A WSGI application behind ASGI, in a pool of threads.

Django's own ASGI handler runs synchronous views one after the other and copies context for each. Here the event loop
collects a request's body, so a slow client holds no thread; then one thread produces the whole response. Clients take
turns at the threads, and the work for a client that goes away is cancelled.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.exceptions import RETRY_AFTER_SECONDS
from contracts_app.fair_queue import FairQueue, QueueFull
from contracts_app.request_context import RequestWork, current_work
from contracts_app.serving.request_bodies import MAX_BODY_SECONDS, BodiesFull, BodyTooSlow, ClientGone, RequestBodies

_ENCODED_SLASH = re.compile(b"%2f", re.IGNORECASE)
MAX_WAITING = 2000
"""Requests that wait for a thread."""
MAX_WAIT_SECONDS = 10.0
Headers = list[tuple[bytes, bytes]]
Response = tuple[int, Headers, bytes]


class WSGIPool:
    def __init__(self, application: Any, bodies: RequestBodies, tokens: TokenCache, *, threads: int) -> None:
        self._application = application
        self._bodies = bodies
        self._tokens = tokens
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._queue = FairQueue(threads, per_caller=max(1, threads * 3 // 4), max_waiting=MAX_WAITING)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        try:
            async with self._bodies.collected(scope, receive) as body:
                work = RequestWork(self._caller(scope))
                gone = asyncio.ensure_future(_cancel_when_gone(receive, work))
                try:
                    response = await self._in_thread(_environ(scope, body), work)
                finally:
                    gone.cancel()
        except ClientGone:
            return
        except BodyTooSlow:
            text = f"The request body did not arrive within {MAX_BODY_SECONDS} seconds"
            await reply(send, 408, [*TEXT, (b"connection", b"close")], text.encode())
        except (BodiesFull, QueueFull, TimeoutError):
            text = "The server handles too many requests at the moment; try again"
            retry = (b"retry-after", str(RETRY_AFTER_SECONDS).encode())
            await reply(send, 503, [*TEXT, retry, (b"connection", b"close")], text.encode())
        else:
            await reply(send, *response)

    async def respond(self, scope: Any, more: dict[str, Any]) -> Response:
        """Return the application's response to a request without a body, with additions to its environment.

        Raises QueueFull, TimeoutError.
        """
        return await self._in_thread(_environ(scope, b"") | more, RequestWork(self._caller(scope)))

    async def _in_thread(self, environ: dict[str, Any], work: RequestWork) -> Response:
        caller = work.caller
        ticket = self._queue.enter(caller)
        try:
            if not ticket.done():
                async with asyncio.timeout(MAX_WAIT_SECONDS):
                    await asyncio.shield(asyncio.wrap_future(ticket))
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._respond, environ, work)
        finally:
            self._queue.leave(caller, ticket)

    def _caller(self, scope: Any) -> str:
        """Return who shares a queue: the subject of a valid token, or else all clients with the same address."""
        token = self._tokens.get(next((value for name, value in scope["headers"] if name == b"authorization"), b""))
        return f"token {token.subject}" if token else f"address {(scope.get('client') or ('',))[0]}"

    def close(self) -> None:
        """Take no further requests."""
        self._pool.shutdown(wait=False)

    def _respond(self, environ: dict[str, Any], work: RequestWork) -> Response:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = [int(status[:3]), headers]

        marker = current_work.set(work)
        try:
            chunks: Iterable[bytes] = self._application(environ, start_response)
            try:
                content = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        finally:
            current_work.reset(marker)
        status, headers = started
        return status, [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers], content


TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]


async def reply(send: Any, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole response."""
    if not any(name == b"content-length" for name, _ in headers) and status not in (204, 304):
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _cancel_when_gone(receive: Any, work: RequestWork) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    work.cancel()


def _path_info(scope: Any) -> str:
    """Return the decoded path, in which an encoded slash stays encoded: it is part of a name, which then is invalid."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    return unquote_to_bytes(_ENCODED_SLASH.sub(b"%252F", raw)).decode("latin-1")


def _environ(scope: Any, body: bytes) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of an ASGI scope."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": _path_info(scope),
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
