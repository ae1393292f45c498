"""`/registry/events`: the parameters of a request for events, and polls that do not wait.

Streams and long polls are served by `serving/event_streams.py`, which has an event loop.
"""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, Scopes, scopes_of
from contracts_app.api.requests import AnyRequest, check_parameters, number
from contracts_app.bundles import compact
from contracts_app.exceptions import MalformedContract
from contracts_app.services.events import MAX_EVENTS, Event, EventId, check_resumption, events_after
from contracts_app.storage import contract_store

CHECK_ONLY = "registry.check_only"
"""Key in the environment of a request that is only to be checked: the response is a refusal, or 204."""
MAX_WAIT_SECONDS = 60
STREAM_HEADER = "Registry-Stream"
"""Header of responses with events: the name of the stream, with which ids begin."""
EVENT_STREAM = "text/event-stream"


def since_of(request: AnyRequest) -> EventId | None:
    """Return the event after which others are wanted, or None for new ones; Last-Event-ID comes first."""
    for name, text in (
        ("Last-Event-ID", request.headers.get("Last-Event-ID", "").strip()),
        ("since", request.GET.get("since")),
    ):
        if text or (text is not None and name == "since"):
            found = EventId.parse(text)
            if found is None or found.sequence > 2**53:
                raise MalformedContract(f"{name} is neither the id of an event nor its sequence", field=name)
            return found
    return None


def poll_body(events: list[Event], read: EventId) -> bytes:
    """Return the response to a poll. Its `next` is the `since` of the following one.

    `read` is the last event that was read, whether it is shown or not, or the `since` of the request.
    """
    following = compact(str(read)) if read.stream else b"%d" % read.sequence
    return b'{"events":[' + b",".join(event.body for event in events) + b'],"next":' + following + b"}"


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
        if since is None and CHECK_ONLY not in request.META:
            raise MalformedContract("Give since, the event after which others are wanted; 0 is all", field="since")
        stream = check_resumption(contract_store(), since) if since is not None else ""
        if CHECK_ONLY in request.META:
            return HttpResponse(status=204, headers={STREAM_HEADER: stream} if stream else None)
        assert since is not None
        if EVENT_STREAM in request.headers.get("Accept", ""):
            raise MalformedContract("This server has no event loop for event streams; poll with since and wait")
        events = events_after(contract_store(), since.sequence, stream)[:limit]
        read = events[-1].id if events else since
        body = poll_body(readable(events, scopes_of(request)), read)
        headers = {"Cache-Control": "no-store", STREAM_HEADER: stream}
        return HttpResponse(body, content_type="application/json", headers=headers)
