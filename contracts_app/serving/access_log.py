"""One log line and one count for each request, and the id that ties its log lines together."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from contracts_app.api.auth.authentication import TOKEN_SUBJECT
from contracts_app.request_context import ACCEPTED_ID, request_id
from contracts_app.serving import metrics

logger = logging.getLogger(__name__)


def log_request(
    method: str, route: str, status: int, started: float, subject: str | None, identifier: str = ""
) -> None:
    """Count and log a request. `started` is a time of time.perf_counter; `identifier` is the request's id, if not in
    context.
    """
    metrics.requests.labels(method, route, status).inc()
    if logger.isEnabledFor(logging.INFO):
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "durationMs": round((time.perf_counter() - started) * 1000, 2),
            "subject": subject,
        }
        if identifier:
            fields["requestId"] = identifier
        logger.info("request", extra=fields)


class RequestLogMiddleware:
    """Middleware that gives each request an id (X-Request-ID), and logs one line. Tokens are never logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        identifier = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        marker = request_id.set(identifier)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            match = request.resolver_match
            route = "/" + match.route if match else "unmatched"
            subject = request.META.get(TOKEN_SUBJECT)
            log_request(request.method or "", route, response.status_code, started, subject)
            return response
        finally:
            request_id.reset(marker)
