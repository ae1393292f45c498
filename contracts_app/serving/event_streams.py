"""`GET /registry/events` on the event loop: Server-Sent Events and long polls. A waiting client holds no thread.

Django answers each request first, in EventViewSet, which checks token, scope and parameters. Its refusals are passed
on.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.http import HttpRequest, QueryDict

from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.api.events import CHECK_ONLY, EVENT_STREAM, MAX_WAIT_SECONDS, poll_body, since_of
from contracts_app.api.requests import number
from contracts_app.exceptions import StorageUnavailable
from contracts_app.services.events import MAX_EVENTS, Event, EventFeed
from contracts_app.serving.wsgi_pool import Headers, WSGIPool, reply

PATH = "/registry/events"
KEEP_ALIVE_SECONDS = 15


class EventStreams:
    """The ASGI application for PATH."""

    def __init__(self, pool: WSGIPool, feed: EventFeed, tokens: TokenCache) -> None:
        self._pool = pool
        self._feed = feed
        self._tokens = tokens

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, headers, content = await self._pool.respond(scope, {CHECK_ONLY: True})
        if status != 204:
            await reply(send, status, headers, content)
            return
        request = _request_of(scope)
        since = since_of(request)
        since = self._feed.last if since is None else since
        request_id = [header for header in headers if header[0] == b"x-request-id"]
        if EVENT_STREAM in request.headers.get("Accept", ""):
            await self._stream(scope, since, request_id, receive, send)
        else:
            await self._poll(request, since, request_id, send)

    async def _poll(self, request: HttpRequest, since: int, headers: Headers, send: Any) -> None:
        deadline = time.monotonic() + number(request, "wait", 0, 0, MAX_WAIT_SECONDS)
        status = 200
        try:
            events = await self._next(since, deadline)
            content = poll_body(events[: number(request, "limit", 100, 1, MAX_EVENTS)], since)
        except StorageUnavailable as error:
            status, content = 503, error.message.encode()
        kind = b"application/json" if status == 200 else b"text/plain; charset=utf-8"
        await reply(send, status, [*headers, (b"content-type", kind), (b"cache-control", b"no-store")], content)

    async def _stream(self, scope: Any, since: int, headers: Headers, receive: Any, send: Any) -> None:
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        token = self._tokens.get(authorization)
        expires = token.expires if token else 0.0
        sent = [*headers, (b"content-type", EVENT_STREAM.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            while not gone.done() and time.time() < expires:
                try:
                    events = await self._next(since, time.monotonic() + KEEP_ALIVE_SECONDS, gone)
                except StorageUnavailable:
                    await asyncio.sleep(1)  # the client stays connected and receives what it missed
                    continue
                body = b"".join(b"id: %d\ndata: %s\n\n" % (event.sequence, event.body) for event in events)
                await send({"type": "http.response.body", "body": body or b": keep-alive\n\n", "more_body": True})
                since = events[-1].sequence if events else since
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _next(self, since: int, deadline: float, gone: Any = None) -> list[Event]:
        """Return the next events, or none if the deadline comes first."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        unsubscribe = self._feed.subscribe(wake)
        try:
            while True:
                woken.clear()
                events = self._feed.recent(since)
                if events is None:
                    events = await loop.run_in_executor(None, self._feed.older, since)
                left = deadline - time.monotonic()
                if events or left <= 0 or (gone is not None and gone.done()):
                    return events
                try:
                    async with asyncio.timeout(min(left, 1)):
                        await woken.wait()
                except TimeoutError:
                    continue
        finally:
            unsubscribe()


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
