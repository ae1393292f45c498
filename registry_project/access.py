"""One line and one count for each request, and the id that ties its log lines together."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from contracts_app import metrics
from contracts_app.api.remembered import Memory
from contracts_app.bundles import in_utc
from contracts_app.request_context import ACCEPTED_ID, request_id
from contracts_app.services.publishing import PUBLISHED
from contracts_app.services.publishing import logger as publishing

access = logging.getLogger(__name__)
_LINES = msgspec.json.Encoder()

# Host headers that Django has found to be allowed (ALLOWED_HOSTS).
accepted_hosts = Memory()


class AccessLines:
    """Access lines and counts of what the event loop answers itself: as the middleware's, in batches."""

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def published(self, name: str, version: str, identity: str) -> None:
        """The line that the service writes of a publish."""
        if publishing.isEnabledFor(logging.INFO):
            more = {"contract": name, "version": version}
            self._lines.append({**self._head(publishing.name, PUBLISHED, identity), **more})

    def __call__(self, method: str, route: str, status: int, started: float, subject: str, identity: str) -> None:
        if not self._counts:
            asyncio.get_running_loop().call_later(0.1, self.flush)
        self._counts[method, route, status] += 1
        if not access.isEnabledFor(logging.INFO):
            return
        line = self._head(access.name, "request", identity)
        line["method"], line["route"], line["status"] = method, route, status
        line["durationMs"] = round((time.perf_counter() - started) * 1000, 2)
        line["subject"] = subject
        self._lines.append(line)

    def _head(self, logger: str, message: str, identity: str) -> dict[str, Any]:
        now = time.time()
        moment = f"{in_utc(int(now))[:-1]}.{int(now % 1 * 1000):03d}Z"
        return {"time": moment, "level": "info", "logger": logger, "message": message, "requestId": identity}

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        counts, self._counts = self._counts, Counter()
        for (method, route, status), number in counts.items():
            metrics.requests.labels(method, route, status).inc(number)
        sys.stderr.write(_LINES.encode_lines(lines).decode())
        sys.stderr.flush()


class RequestLogMiddleware:
    """Gives each request an id, answers it in X-Request-ID, and logs one line. Tokens are never logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        offered = request.headers.get("X-Request-ID", "")
        identity = offered if ACCEPTED_ID.fullmatch(offered) else uuid.uuid4().hex
        marker = request_id.set(identity)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identity
            if response.status_code < 400 and "HTTP_HOST" in request.META:
                accepted_hosts.remember(request.META["HTTP_HOST"].encode("latin-1"), True)
            match = request.resolver_match
            route = "/" + match.route if match else "unmatched"
            metrics.requests.labels(request.method, route, response.status_code).inc()
            access.info(
                "request",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": response.status_code,
                    "durationMs": round((time.perf_counter() - started) * 1000, 2),
                    "subject": getattr(request, "token_subject", None),
                },
            )
            return response
        finally:
            request_id.reset(marker)
