"""Errors as responses: RFC 9457 `application/problem+json`, or plain text, with the status of each domain error."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions as drf

from contracts_app.api.requests import AnyRequest, check_parameters
from contracts_app.api.responses import location
from contracts_app.bundles import compact, excerpt
from contracts_app.exceptions import (
    RETRY_AFTER_SECONDS,
    ContractError,
    MalformedContract,
    RequestCancelled,
    ServerBusy,
)

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response to an error, or None for one that is not expected (DRF's EXCEPTION_HANDLER)."""
    request = context["request"]
    if isinstance(error, ContractError):
        response = problem(request, error.status, error.message, error.code, error.extras)
        successor = error.extras.get("lifecycle", {}).get("successor") if error.status == 410 else None
        if successor:
            response["Link"] = f'<{location(error.extras["name"], successor)}>; rel="successor-version"'
        report_failure(response, error)
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


def report_failure(response: HttpResponse, error: ContractError) -> None:
    """Log an error of the service itself, and say in its response when to try again."""
    if error.status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if error.status >= 500:
        # A busy server and a client that went away are no faults.
        level = logging.INFO if isinstance(error, (ServerBusy, RequestCancelled)) else logging.ERROR
        logger.log(level, error.message, extra={"code": error.code})


def problem(
    request: AnyRequest, status: int, detail: str, code: str, extras: dict[str, Any] | None = None
) -> HttpResponse:
    """Return an error, as text for a client that accepts anything and as problem+json for one that asks for JSON."""
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


def prefers_json(request: AnyRequest) -> bool:
    """Return whether Accept names JSON, with at least the quality of plain text (RFC 9110, section 12.5.1)."""
    json_types = ("application/json", "application/problem+json", "application/*")
    named = [media for media in request.accepted_types if f"{media.main_type}/{media.sub_type}" in json_types]
    if not named:
        return False
    text = [media for media in request.accepted_types if (media.main_type, media.sub_type) == ("text", "plain")]
    return max(media.quality for media in named) >= max((media.quality for media in text), default=0)


def prefers(request: AnyRequest, media_type: str) -> bool:
    """Return whether Accept names a type with a higher quality than JSON."""

    def quality(text: str) -> float:
        named = [media.quality for media in request.accepted_types if f"{media.main_type}/{media.sub_type}" == text]
        return max(named, default=0.0)

    return quality(media_type) > quality("application/json")


def safe_methods_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Decorate a view that is not one of DRF: other methods than GET and HEAD are 405, in the API's form."""

    @functools.wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            try:
                check_parameters(request)
            except MalformedContract as error:
                return problem(request, error.status, error.message, error.code, error.extras)
            return view(request)
        method = str(request.method)[:40]
        response = problem(request, 405, f'Method "{method}" not allowed; use GET or HEAD', "method_not_allowed")
        response["Allow"] = "GET, HEAD"
        return response

    # They change nothing, and a POST must get the 405 of this function.
    exempt: Callable[[HttpRequest], HttpResponse] = csrf_exempt(checked)
    return exempt


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        host = excerpt(request.META.get("HTTP_HOST", ""))
        return problem(request, 400, f"The host {host} is not one of ALLOWED_HOSTS", "host_not_allowed")
    return problem(request, 400, "Bad request", "bad_request")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    path = request.path_info
    if path.startswith("/registry/") and path.endswith("/"):
        text = f"No such resource: {excerpt(path)} ends with a slash; no URL of the API does"
        return problem(request, 404, text, "no_such_route")
    return problem(request, 404, "No such resource; the API is at /registry/contracts", "no_such_route")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(request, 500, "Internal error; the log has it under this X-Request-ID", "internal_error")
