"""Responses: headers, conditional requests (RFC 9110, section 13), and JSON."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

from contracts_app.api.requests import AnyRequest
from contracts_app.bundles import ContractBundle, compact
from contracts_app.lifecycle import ACTIVE
from contracts_app.storage import Representation

# Private: only for the holder of the token. The content of a version never changes; changes of its state may be seen
# late.
VERSION_CACHING = "private, max-age=300, immutable"
LIST_CACHING = "private, no-cache"


def respond(
    request: AnyRequest,
    representation: Representation,
    headers: str | dict[str, str],
    media_type: str = "application/json",
) -> HttpResponse:
    """Return a representation with its entity tag, or 304 if If-None-Match names that tag.

    `headers` may be the value of Cache-Control alone.
    """
    has_it = matches_etag(request.headers.get("If-None-Match", ""), representation.etag)
    response = HttpResponse(status=304) if has_it else HttpResponse(representation.body, content_type=media_type)
    if has_it:
        del response["Content-Type"]
    response["ETag"] = representation.etag
    for name, value in ({"Cache-Control": headers} if isinstance(headers, str) else headers).items():
        response[name] = value
    return response


def respond_json(request: AnyRequest, value: Any, caching: str = LIST_CACHING) -> HttpResponse:
    """Return a value as JSON, with an entity tag computed from its bytes."""
    return respond(request, Representation.of(compact(value)), caching)


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Return whether a client that sent this If-None-Match has the current representation (weak comparison, 13.1.2)."""
    if if_none_match == etag:
        return True
    return if_none_match.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))


def location(name: str, version: str, *, encoded: bool = True) -> str:
    """Return the URL path of a version."""
    return f"{settings.URL_PREFIX}/registry/contracts/{name}/{quote(version, safe='') if encoded else version}"


def proposal_location(name: str, version: str) -> str:
    """Return the URL path of the proposal of a version."""
    return f"{settings.URL_PREFIX}/registry/proposals/{name}/{quote(version, safe='')}"


def version_headers(bundle: ContractBundle | None, *, exact: bool) -> dict[str, str]:
    """Return the caching and lifecycle headers of a version: RFC 9745, RFC 8594, RFC 5829."""
    life = bundle.lifecycle if bundle else None
    immutable = exact and (life is None or life.state == ACTIVE)
    headers = {"Cache-Control": VERSION_CACHING if immutable else LIST_CACHING}
    if bundle is None or life is None:
        return headers
    if life.deprecated_at is not None:
        headers["Deprecation"] = f"@{int(_moment(life.deprecated_at).timestamp())}"
    if life.sunset_at is not None:
        headers["Sunset"] = format_datetime(_moment(life.sunset_at), usegmt=True)
    if life.successor is not None:
        headers["Link"] = f'<{location(bundle.name, life.successor)}>; rel="successor-version"'
    return headers


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19] + "+00:00").astimezone(timezone.utc)


class CompactJSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else compact(data)


class AlwaysJSON(BaseContentNegotiation):
    """Always JSON, whatever the Accept header says; only errors have two forms (errors.py)."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type
