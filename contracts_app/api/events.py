"""`/registry/events`: the parameters of a request for events, and polls that do not wait.

Streams and long polls are served by `serving/event_streams.py`, which has an event loop.
"""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, Scopes, scopes_of
from contracts_app.api.requests import AnyRequest, check_parameters, number
from contracts_app.exceptions import MalformedContract
from contracts_app.services.events import MAX_EVENTS, Event, events_after
from contracts_app.storage import contract_store

CHECK_ONLY = "registry.check_only"
"""Key in the environment of a request that is only to be checked: the response is a refusal, or 204."""
MAX_WAIT_SECONDS = 60
EVENT_STREAM = "text/event-stream"


def since_of(request: AnyRequest) -> int | None:
    """Return the sequence after which events are wanted, or None for new ones; Last-Event-ID comes first."""
    resumed = request.headers.get("Last-Event-ID", "").strip()
    if resumed:
        if not (resumed.isascii() and resumed.isdigit() and len(resumed) < 19):
            raise MalformedContract("Last-Event-ID is not the id of an event", field="Last-Event-ID")
        return int(resumed)
    return number(request, "since", 0, 0, 2**53) if "since" in request.GET else None


def poll_body(events: list[Event], following: int) -> bytes:
    """Return the response to a poll; its `next` is the `since` of the following poll."""
    return b'{"events":[' + b",".join(event.body for event in events) + b'],"next":%d}' % following


def readable(events: list[Event], scopes: Scopes) -> list[Event]:
    """Return the events that a token may see: with scopes for some contracts, those of these contracts."""
    if scopes.allows(READ):
        return events
    return [event for event in events if event.contract is not None and scopes.allows(READ, event.contract)]


class EventViewSet(ViewSet):
    scopes = {"list": READ}
    any_name = ("list",)

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request, "since", "wait", "limit")
        number(request, "wait", 0, 0, MAX_WAIT_SECONDS)
        limit = number(request, "limit", 100, 1, MAX_EVENTS)
        since = since_of(request)
        if CHECK_ONLY in request.META:
            return HttpResponse(status=204)
        if since is None:
            raise MalformedContract("Give since, the sequence after which events are wanted; 0 is all", field="since")
        if EVENT_STREAM in request.headers.get("Accept", ""):
            raise MalformedContract("This server has no event loop for event streams; poll with since and wait")
        events = events_after(contract_store(), since)[:limit]
        since = events[-1].sequence if events else since
        body = poll_body(readable(events, scopes_of(request)), since)
        return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})
