"""One log line and one count for each request, and the id that ties its log lines together."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from contracts_app import metrics
from contracts_app.api.auth.authentication import TOKEN_SUBJECT
from contracts_app.request_context import ACCEPTED_ID, RequestWork, current_work, request_id

logger = logging.getLogger(__name__)
BATCH_SECONDS = 0.1
MESSAGE = "request"


def request_fields(method: str, route: str, status: int, started: float, subject: str | None) -> dict[str, Any]:
    """Return the fields of a log line; `started` is a time of time.perf_counter."""
    duration = round((time.perf_counter() - started) * 1000, 2)
    return {"method": method, "route": route, "status": status, "durationMs": duration, "subject": subject}


class BatchedAccessLog:
    """Log lines and counts of requests that the event loop answers: one record each BATCH_SECONDS for all of them.

    A record for each request would take longer than the response. The formatters of registry_project/logging.py write a
    line for each member of the record's `batch`: its time in seconds since 1970, and its fields.
    """

    def __init__(self) -> None:
        self._lines: list[tuple[float, dict[str, Any]]] = []
        self._answered: list[tuple[str, str, int, float]] = []

    def add(self, method: str, route: str, status: int, started: float, subject: str | None, request_id: str) -> None:
        """Count and log a request. Called on the event loop."""
        if not self._answered:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self.flush)
        self._answered.append((method, route, status, time.perf_counter() - started))
        if logger.isEnabledFor(logging.INFO):
            fields = request_fields(method, route, status, started, subject)
            fields["requestId"] = request_id
            self._lines.append((time.time(), fields))

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        answered, self._answered = self._answered, []
        for each in answered:
            metrics.observe_request(*each)
        if lines:
            logger.info(MESSAGE, extra={"batch": lines})


class RequestLogMiddleware:
    """Middleware that gives each request an id (X-Request-ID), and logs one line. Tokens are never logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        identifier = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        marker = request_id.set(identifier)
        # Under WSGI alone nothing has set it (serving/wsgi_pool.py).
        own = current_work.set(current_work.get() or RequestWork(request.META.get("REMOTE_ADDR", "")))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            match = request.resolver_match
            route = "/" + match.route if match else "unmatched"
            subject = request.META.get(TOKEN_SUBJECT)
            seconds = time.perf_counter() - started
            metrics.observe_request(request.method or "", route, response.status_code, seconds)
            logger.info(
                MESSAGE, extra=request_fields(request.method or "", route, response.status_code, started, subject)
            )
            return response
        finally:
            current_work.reset(own)
            request_id.reset(marker)
