"""`GET /registry/events`: what happens, by Server-Sent Events or by long polls.

Listeners wait on the event loop and hold no thread. Django looks at each request first, as a probe: token, scope and
parameters are judged by the view below, and its refusals are passed on.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.parameters import known, number
from contracts_app.api.permissions import READ
from contracts_app.api.remembered import RememberedTokens
from contracts_app.exceptions import MalformedContract, StorageUnavailable
from contracts_app.services.feeding import CHUNK, Event, Feed, events_after
from contracts_app.storage import contract_storage

PATH = "/registry/events"
PROBE = "registry.probe"
LONGEST_WAIT = 60
KEEP_ALIVE = 15
EVENT_STREAM = "text/event-stream"


def since_of(request: HttpRequest) -> int | None:
    """The sequence after which events are wanted; None: from now on. Last-Event-ID is what a client resumes with."""
    resumed = request.headers.get("Last-Event-ID", "").strip()
    if resumed:
        if not (resumed.isascii() and resumed.isdigit() and len(resumed) < 19):
            raise MalformedContract("Last-Event-ID is not the id of an event", field="Last-Event-ID")
        return int(resumed)
    return number(request, "since", 0, 0, 2**53) if "since" in request.GET else None


class EventViewSet(ViewSet):
    """Judges a request for events; and without an event loop to wait on, answers with what there is."""

    scopes = {"list": READ}

    def list(self, request: Request) -> HttpResponse:
        known(request._request, "since", "wait", "limit")
        number(request._request, "wait", 0, 0, LONGEST_WAIT)
        limit = number(request._request, "limit", 100, 1, CHUNK)
        since = since_of(request._request)
        if PROBE in request._request.META:
            return HttpResponse(status=204)
        if since is None:
            raise MalformedContract("Give since, the sequence after which events are wanted; 0 is all", field="since")
        if EVENT_STREAM in request._request.headers.get("Accept", ""):
            raise MalformedContract("This server has no event loop for event streams; poll with since and wait")
        events = events_after(contract_storage(), since)[:limit]
        return HttpResponse(polled(events, since), content_type="application/json", headers=dict(_NO_STORE))


_NO_STORE = {"Cache-Control": "no-store"}


def polled(events: list[Event], since: int) -> bytes:
    """The answer to a poll; `next` is what to ask for next."""
    following = events[-1].sequence if events else since
    return b'{"events":[' + b",".join(event.body for event in events) + b'],"next":%d}' % following


class EventFeed:
    """The ASGI application for PATH."""

    def __init__(self, judge: Any, feed: Feed, tokens: RememberedTokens) -> None:
        self._judge = judge
        self._feed = feed
        self._tokens = tokens

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, headers, content = await self._judge(scope, {PROBE: True})
        if status != 204:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
            return
        request = _request_of(scope)
        since = since_of(request)
        since = self._feed.last if since is None else since
        identity = [header for header in headers if header[0] == b"x-request-id"]
        if EVENT_STREAM in request.headers.get("Accept", ""):
            await self._stream(scope, since, identity, receive, send)
        else:
            await self._poll(request, since, identity, send)

    async def _poll(self, request: HttpRequest, since: int, headers: list[Any], send: Any) -> None:
        deadline = time.monotonic() + number(request, "wait", 0, 0, LONGEST_WAIT)
        status = 200
        try:
            events = await self._next(since, deadline)
            content = polled(events[: number(request, "limit", 100, 1, CHUNK)], since)
        except StorageUnavailable as error:
            status, content = 503, error.message.encode()
        kind = b"application/json" if status == 200 else b"text/plain; charset=utf-8"
        sent = [*headers, (b"content-type", kind), (b"cache-control", b"no-store")]
        sent.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    async def _stream(self, scope: Any, since: int, headers: list[Any], receive: Any, send: Any) -> None:
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        known = self._tokens.get(authorization)
        expires = float(known.token["exp"]) if known else 0.0
        sent = [*headers, (b"content-type", EVENT_STREAM.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            while not gone.done() and time.time() < expires:
                try:
                    events = await self._next(since, time.monotonic() + KEEP_ALIVE, gone)
                except StorageUnavailable:
                    await asyncio.sleep(1)  # the client stays; what it has not seen will come
                    continue
                body = b"".join(b"id: %d\ndata: %s\n\n" % (event.sequence, event.body) for event in events)
                await send({"type": "http.response.body", "body": body or b": still here\n\n", "more_body": True})
                since = events[-1].sequence if events else since
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _next(self, since: int, deadline: float, gone: Any = None) -> list[Event]:
        """The following events; none when the deadline comes first."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        end = self._feed.call(wake)
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
            end()


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _request_of(scope: Any) -> HttpRequest:
    """The parameters and headers of a request that the view has judged already."""
    request = HttpRequest()
    request.GET = QueryDict(scope["query_string"])  # type: ignore[assignment]
    for name, value in scope["headers"]:
        request.META["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    return request
