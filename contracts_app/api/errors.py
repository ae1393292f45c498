"""One table from domain errors to HTTP, and the two forms an error is told in (RFC 9457, or plain text)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from contracts_app import exceptions as domain
from contracts_app.bundles import compact

logger = logging.getLogger(__name__)

STATUS: dict[type[domain.ContractError], int] = {
    domain.MalformedContract: 400,
    domain.ContractNotFound: 404,
    domain.ContractAlreadyExists: 409,
    domain.ContractConflict: 409,
    domain.ContractGone: 410,
    domain.PreconditionFailed: 412,
    domain.ContractTooLarge: 413,
    domain.ContractRefused: 422,
    domain.UnreadableRecord: 500,
    domain.StorageUnavailable: 503,
}
RETRY_AFTER_SECONDS = 2


def status_of(error: domain.ContractError) -> int:
    """The status of an error: its kind's, or that of the kind that it is derived from."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's hook: the answer for an error, or None for one that nobody foresaw."""
    request = context["request"]._request
    if isinstance(error, domain.ContractError):
        status = status_of(error)
        response = problem(request, status, error.message, error.code, error.extras)
        successor = error.extras.get("lifecycle", {}).get("successor") if status == 410 else None
        if successor:
            path = f"/registry/contracts/{error.extras['name']}/{quote(successor, safe='')}"
            response["Link"] = f'<{path}>; rel="successor-version"'
        if status == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        if status >= 500:
            logger.error(error.message, extra={"code": error.code})
        return response
    if isinstance(error, drf.APIException):
        detail: Any = error.detail
        response = problem(request, error.status_code, str(detail), getattr(detail, "code", error.default_code))
        if isinstance(error, (drf.NotAuthenticated, drf.AuthenticationFailed)):
            response["WWW-Authenticate"] = "Bearer"
        if isinstance(error, drf.MethodNotAllowed):
            response["Allow"] = ", ".join(context["view"].allowed_methods)
        return response
    return None


def problem(
    request: HttpRequest, status: int, detail: str, code: str, extras: dict[str, Any] | None = None
) -> HttpResponse:
    """An error, as text for a client that takes anything and as problem+json for one that asks for JSON."""
    if not prefers_json(request):
        response = HttpResponse(detail.encode("utf-8", "backslashreplace"), status=status)
        response["Content-Type"] = "text/plain; charset=utf-8"
    else:
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        body |= {"code": code, **{key: value for key, value in (extras or {}).items() if key not in body}}
        response = HttpResponse(compact(body), status=status, content_type="application/problem+json")
    response["Vary"] = "Accept"
    response["Cache-Control"] = "no-store"
    return response


def prefers_json(request: HttpRequest) -> bool:
    """Whether Accept names JSON at least as gladly as plain text (RFC 9110 section 12.5.1)."""
    json_types = ("application/json", "application/problem+json", "application/*")
    named = [media for media in request.accepted_types if f"{media.main_type}/{media.sub_type}" in json_types]
    if not named:
        return False
    text = [media for media in request.accepted_types if (media.main_type, media.sub_type) == ("text", "plain")]
    return max(media.quality for media in named) >= max((media.quality for media in text), default=0)


def wants(request: HttpRequest, media_type: str) -> bool:
    """Whether Accept names this type, and more gladly than JSON."""

    def quality(text: str) -> float:
        named = [media.quality for media in request.accepted_types if f"{media.main_type}/{media.sub_type}" == text]
        return max(named, default=0.0)

    return quality(media_type) > quality("application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, 400, "Bad request", "bad_request")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, 404, "No such resource; the API is at /registry/contracts", "no_such_route")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(request, 500, "Internal error; the log has it under this X-Request-ID", "internal_error")
