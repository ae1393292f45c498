"""One line and one count for each request, and the id that ties its log lines together."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

from contracts_app import metrics
from contracts_app.api.remembered import Memory
from contracts_app.request_context import request_id

access = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Host headers that Django has found to be allowed (ALLOWED_HOSTS).
accepted_hosts = Memory()


class AccessLines:
    """Access lines and counts of what the event loop answers itself: as the middleware's, in batches."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._second, self._date = 0, ""

    def __call__(self, method: str, route: str, status: int, started: float, subject: str, identity: str) -> None:
        if not self._counts:
            asyncio.get_running_loop().call_later(0.1, self.flush)
        self._counts[method, route, status] += 1
        if not access.isEnabledFor(logging.INFO):
            return
        now = time.time()
        if (second := int(now)) != self._second:
            self._second, self._date = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        duration = round((time.perf_counter() - started) * 1000, 2)
        self._lines.append(
            f'{{"time": "{self._date}.{int(now % 1 * 1000):03d}Z", "level": "info", "logger": "{access.name}", '
            f'"message": "request", "requestId": "{identity}", "method": "{method}", "route": "{route}", '
            f'"status": {status}, "durationMs": {duration}, "subject": {_quoted(subject)}}}\n'
        )

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        counts, self._counts = self._counts, Counter()
        for (method, route, status), number in counts.items():
            metrics.requests.labels(method, route, status).inc(number)
        sys.stderr.write("".join(lines))
        sys.stderr.flush()


@lru_cache(1024)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class RequestLogMiddleware:
    """Gives each request an id, answers it in X-Request-ID, and logs one line. Tokens are never logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        offered = request.headers.get("X-Request-ID", "")
        identity = offered if _REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        marker = request_id.set(identity)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identity
            if response.status_code < 300 and "HTTP_HOST" in request.META:
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
