"""Answers whose bytes are ready: their headers, and the 304 for a client that has them (RFC 9110 section 13)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from contracts_app.storage import Prepared

# Private: only for the one who asked with a token. A version's content never changes; news of its state may wait.
VERSION_CACHING = "private, max-age=300, immutable"
LIST_CACHING = "private, no-cache"


def ready(request: HttpRequest, prepared: Prepared, caching: str) -> HttpResponse:
    """The answer with its entity tag, or 304 where If-None-Match names it."""
    known = if_none_match(request.headers.get("If-None-Match", ""), prepared.etag)
    response = HttpResponse(status=304) if known else HttpResponse(prepared.body, content_type="application/json")
    if known:
        del response["Content-Type"]
    response["ETag"] = prepared.etag
    response["Cache-Control"] = caching
    return response


def if_none_match(header: str, etag: str) -> bool:
    """Whether a client that sent this header has the representation (weak comparison, section 13.1.2)."""
    if not header:
        return False
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
