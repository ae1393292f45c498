"""Rate limits for each token's subject, and for each address without a valid token, counted across the workers.

The headers are those of draft-ietf-httpapi-ratelimit-headers. Health checks and the console are not limited.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.bundles import compact
from contracts_app.serving.access_log import BatchedAccessLog
from contracts_app.serving.request_bodies import API, IsAuthentic
from contracts_app.serving.shared_counters import SharedCounters

WINDOW_SECONDS = 60


class RateLimits:
    """An ASGI middleware. A limit of 0 requests a minute is none."""

    def __init__(
        self,
        application: Any,
        tokens: TokenCache,
        is_authentic: IsAuthentic,
        log: BatchedAccessLog,
        *,
        per_subject: int,
        per_address: int,
    ) -> None:
        self._application = application
        self._is_authentic = is_authentic
        self._tokens = tokens
        self._log = log
        self._limits = {"subject": per_subject, "address": per_address}
        self._counters: SharedCounters | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._application(scope, receive, send)
            return
        authorization = accept = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"accept":
                accept = value
        token = self._tokens.get(authorization)
        if token is None and authorization and await self._is_authentic(authorization):
            # Otherwise the first request of a valid token would count for its address.
            token = self._tokens.get(authorization)
        kind, caller = ("subject", token.subject) if token else ("address", (scope.get("client") or ("",))[0])
        limit = self._limits[kind]
        if not limit:
            await self._application(scope, receive, send)
            return
        now = time.time()
        window = int(now // WINDOW_SECONDS)
        count = self._shared().add(f"{kind} {caller}", window)
        reset = int((window + 1) * WINDOW_SECONDS - now) + 1
        headers = [
            (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (kind.encode(), limit, WINDOW_SECONDS)),
            (b"ratelimit", b'"%s";r=%d;t=%d' % (kind.encode(), max(limit - count, 0), reset)),
        ]
        if count > limit:
            self._log.add(
                scope["method"], "rate limited", 429, time.perf_counter(), token.subject if token else None, ""
            )
            await _refuse(send, kind, limit, reset, headers, as_json=b"json" in accept)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self._application(scope, receive, send_with_headers)

    def _shared(self) -> SharedCounters:
        # Opened by each worker after the fork: locks belong to a process.
        if self._counters is None:
            folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
            if not folder:
                self._folder = tempfile.TemporaryDirectory(prefix="registry-")
                folder = self._folder.name
            self._counters = SharedCounters(Path(folder) / "rate-limits")
        return self._counters


async def _refuse(
    send: Any, kind: str, limit: int, reset: int, headers: list[tuple[bytes, bytes]], *, as_json: bool
) -> None:
    whose = "this token's subject" if kind == "subject" else "this address, without a valid token"
    detail = f"More than {limit} requests a minute by {whose}; try again in {reset} seconds"
    problem = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": detail}
    body = compact(problem | {"code": "rate_limited", "limit": limit}) if as_json else detail.encode()
    media_type = b"application/problem+json" if as_json else b"text/plain; charset=utf-8"
    sent = [
        *headers,
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % reset),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": sent})
    await send({"type": "http.response.body", "body": body})
