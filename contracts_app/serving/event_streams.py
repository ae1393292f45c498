"""`GET /registry/events` on the event loop: Server-Sent Events and long polls. A waiting client holds no thread.

Django answers each request first, in EventViewSet, which checks token, scope and parameters. Its refusals are passed
on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, QueryDict

from contracts_app import metrics
from contracts_app.api.auth.scopes import Scopes
from contracts_app.api.auth.token_cache import CachedToken, TokenCache
from contracts_app.api.events import (
    CHECK_ONLY,
    EVENT_STREAM,
    MAX_WAIT_SECONDS,
    STREAM_HEADER,
    poll_body,
    readable,
    since_of,
)
from contracts_app.api.requests import number
from contracts_app.exceptions import RETRY_AFTER_SECONDS, StorageUnavailable
from contracts_app.fair_queue import QueueFull
from contracts_app.services.events import MAX_EVENTS, Event, EventFeed, EventId
from contracts_app.serving.worker import STOP
from contracts_app.serving.wsgi_pool import TEXT, Headers, WSGIPool, reply

PATH = "/registry/events"
KEEP_ALIVE_SECONDS = 15
MAX_WAITING, MAX_WAITING_PER_SUBJECT = 800, 200
"""Streams and long polls of one worker: of all clients, and of one subject."""
_READERS = 2
"""Threads that read older events from the store."""


class _TooManyError(Exception):
    pass


class EventStreams:
    """The ASGI application for PATH."""

    def __init__(self, pool: WSGIPool, feed: EventFeed, tokens: TokenCache) -> None:
        self._pool = pool
        self._feed = feed
        self._tokens = tokens
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="events")
        self._waiting: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            status, headers, content = await self._pool.respond(scope, {CHECK_ONLY: True})
        except (QueueFull, TimeoutError):
            await reply(send, *_refusal(503, "The server handles too many requests at the moment; try again"))
            return
        token = self._tokens.get(dict(scope["headers"]).get(b"authorization", b""))
        if status != 204 or token is None:
            await reply(send, status, headers, content)
            return
        request = _request_of(scope)
        since = since_of(request)
        since = EventId(self._feed.last, self._feed.stream) if since is None else since
        kept = (b"x-request-id", STREAM_HEADER.lower().encode(), b"vary")
        request_id = [each for each in headers if each[0] in kept or each[0].startswith(b"access-control-")]
        # Done when the client has closed the connection, or when the server stops.
        gone = asyncio.ensure_future(_disconnected(receive))
        scope[STOP] = gone.cancel
        try:
            with self._counted(token.subject):
                if EVENT_STREAM in request.headers.get("Accept", ""):
                    await self._stream(token, since, request_id, gone, send)
                else:
                    await self._poll(request, token, since, request_id, gone, send)
        except _TooManyError:
            text = f"More than {MAX_WAITING_PER_SUBJECT} event streams and polls of one subject; close some"
            await reply(send, *_refusal(429, text))
        finally:
            gone.cancel()

    @contextmanager
    def _counted(self, subject: str) -> Iterator[None]:
        if self._waiting[subject] >= MAX_WAITING_PER_SUBJECT or self._waiting.total() >= MAX_WAITING:
            raise _TooManyError
        self._waiting[subject] += 1
        metrics.listeners.inc()
        try:
            yield
        finally:
            metrics.listeners.dec()
            self._waiting[subject] -= 1
            if not self._waiting[subject]:
                del self._waiting[subject]

    async def _poll(
        self,
        request: HttpRequest,
        token: CachedToken,
        since: EventId,
        headers: Headers,
        gone: asyncio.Future[Any],
        send: Any,
    ) -> None:
        deadline = time.monotonic() + number(request, "wait", 0, 0, MAX_WAIT_SECONDS)
        limit = number(request, "limit", 100, 1, MAX_EVENTS)
        status, kind = 200, b"application/json"
        try:
            read, events = await self._next(since, deadline, token.scopes, gone)
            content = poll_body(events[:limit], read if len(events) <= limit else events[limit - 1].id)
        except StorageUnavailable as error:
            status, kind, content = 503, b"text/plain; charset=utf-8", error.message.encode()
            headers = [*headers, (b"retry-after", str(RETRY_AFTER_SECONDS).encode())]
        await reply(send, status, [*headers, (b"content-type", kind), (b"cache-control", b"no-store")], content)

    async def _stream(
        self, token: CachedToken, since: EventId, headers: Headers, gone: asyncio.Future[Any], send: Any
    ) -> None:
        sent = [*headers, (b"content-type", EVENT_STREAM.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        loads = self._feed.loads
        # After a load, the client comes back with the last id that it has, and learns whether it missed something.
        while not gone.done() and time.time() < token.expires and loads == self._feed.loads:
            deadline = time.monotonic() + min(KEEP_ALIVE_SECONDS, max(token.expires - time.time(), 0))
            try:
                since, events = await self._next(since, deadline, token.scopes, gone)
            except StorageUnavailable:
                await asyncio.wait([gone], timeout=1)  # the client stays connected and receives what it missed
                continue
            body = b"".join(b"id: %s\ndata: %s\n\n" % (str(event.id).encode(), event.body) for event in events)
            await send({"type": "http.response.body", "body": body or b": keep-alive\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _next(
        self, since: EventId, deadline: float, scopes: Scopes, gone: asyncio.Future[Any]
    ) -> tuple[EventId, list[Event]]:
        """Return the next events that the scopes show, or none if the deadline, the client's end or a load comes first.

        The first member is the event up to which others were read.
        """
        loads = self._feed.loads
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        unsubscribe = self._feed.subscribe(wake)
        try:
            while not gone.done() and loads == self._feed.loads:
                woken.clear()
                events = self._feed.recent(since.sequence)
                if events is None:
                    events = await self._older(since.sequence, gone)
                since = events[-1].id if events else since
                if shown := readable(events, scopes):
                    return since, shown
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                if not events:
                    either: list[asyncio.Future[Any]] = [asyncio.ensure_future(woken.wait()), gone]
                    await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                    either[0].cancel()
            return since, []
        finally:
            unsubscribe()

    async def _older(self, since: int, gone: asyncio.Future[Any]) -> list[Event]:
        reading = asyncio.get_running_loop().run_in_executor(self._readers, self._feed.older, since)
        either: list[asyncio.Future[Any]] = [reading, gone]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            reading.cancel()  # it does not begin if it still waits for a thread
            return []
        return reading.result()


def _refusal(status: int, text: str) -> tuple[int, Headers, bytes]:
    return status, [*TEXT, (b"retry-after", str(RETRY_AFTER_SECONDS).encode())], text.encode()


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _request_of(scope: Any) -> HttpRequest:
    """Return the parameters and headers of a request that the view has already checked."""
    request = HttpRequest()
    request.GET = QueryDict(scope["query_string"])  # type: ignore[assignment]
    for name, value in scope["headers"]:
        request.META["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    return request
