"""Answers whose bytes are ready: their headers, and the 304 for a client that has them (RFC 9110 section 13)."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from contracts_app.bundles import ContractBundle
from contracts_app.lifecycle import ACTIVE
from contracts_app.storage import Prepared

# Private: only for the one who asked with a token. A version's content never changes; news of its state may wait.
VERSION_CACHING = "private, max-age=300, immutable"
LIST_CACHING = "private, no-cache"


def ready(
    request: HttpRequest, prepared: Prepared, headers: str | dict[str, str], media_type: str = "application/json"
) -> HttpResponse:
    """The answer with its entity tag, or 304 where If-None-Match names it. `headers` may be Cache-Control alone."""
    known = if_none_match(request.headers.get("If-None-Match", ""), prepared.etag)
    response = HttpResponse(status=304) if known else HttpResponse(prepared.body, content_type=media_type)
    if known:
        del response["Content-Type"]
    response["ETag"] = prepared.etag
    for name, value in ({"Cache-Control": headers} if isinstance(headers, str) else headers).items():
        response[name] = value
    return response


def if_none_match(header: str, etag: str) -> bool:
    """Whether a client that sent this header has the representation (weak comparison, section 13.1.2)."""
    if header == etag:
        return True
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))


def version_headers(bundle: ContractBundle | None, *, exact: bool) -> dict[str, str]:
    """How long a version may be kept, and what its lifecycle has to say: RFC 9745, RFC 8594, RFC 5829."""
    life = bundle.lifecycle if bundle else None
    plain = exact and (life is None or life.state == ACTIVE)
    headers = {"Cache-Control": VERSION_CACHING if plain else LIST_CACHING}
    if bundle is None or life is None:
        return headers
    if life.deprecated_at is not None:
        headers["Deprecation"] = f"@{int(_moment(life.deprecated_at).timestamp())}"
    if life.sunset_at is not None:
        headers["Sunset"] = format_datetime(_moment(life.sunset_at), usegmt=True)
    if life.successor is not None:
        path = f"/registry/contracts/{bundle.name}/{quote(life.successor, safe='')}"
        headers["Link"] = f'<{path}>; rel="successor-version"'
    return headers


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19] + "+00:00").astimezone(timezone.utc)
