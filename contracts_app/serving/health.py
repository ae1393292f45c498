"""Health checks for load balancers, and metrics for Prometheus. None of them requires a token.

Under ASGI they are answered on the event loop: they neither wait for a thread nor for the store.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from contracts_app.api.auth.tokens import configured_backend
from contracts_app.api.errors import safe_methods_only
from contracts_app.bundles import compact
from contracts_app.exceptions import StorageUnavailable
from contracts_app.serving.access_log import BatchedAccessLog
from contracts_app.serving.metrics import exposition
from contracts_app.storage import ReplicaStatus, contract_store

Content = tuple[int, str, bytes]
"""Status, media type and body."""


def healthz() -> Content:
    """Respond 200 while the process runs, whatever the state of the store."""
    return 200, "text/plain; charset=utf-8", b"OK"


def readyz() -> Content:
    """Respond 200 if this worker reads from a current replica (or, without one, reaches the store), otherwise 503.

    The body names each dependency and its state. Keys of tokens that cannot be fetched are no reason to be taken out of
    service: every worker would be.
    """
    store = contract_store()
    replica = store.replica
    if replica is not None:
        status = replica.status()
        # A few messages in flight are no reason to take a worker out of service.
        ready, state = status.current or replica.is_lagging, "ready"
        if not ready and (replica.stale_seconds or math.inf) <= settings.STALE_READS_SECONDS:
            ready, state = True, "stale"
        members = {"status": state if ready else "not ready", "copy": asdict(status)}
        if (mirror := store.mirror) is not None:
            members["mirror"] = mirror.to_json()
        return _json(200 if ready else 503, members | {"dependencies": _dependencies(status)})
    try:
        store.index("readyz")
    except StorageUnavailable as error:
        return _json(503, {"status": "not ready", "reason": error.message})
    return _json(200, {"status": "ready"})


def _dependencies(status: ReplicaStatus) -> dict[str, Any]:
    store = {"state": "available" if status.current else "unavailable", "reason": status.reason}
    if status.current and status.refuses_writes:
        store = {"state": "refuses writes", "reason": status.refuses_writes}
    keys = configured_backend(settings.JWT).jwks
    return {
        "store": {name: value for name, value in store.items() if value} | {"warnings": list(status.warnings)},
        "tokenKeys": keys.status() if keys else {"state": "available"},
    }


def writable() -> Content:
    """Respond 200 if this worker is ready and, as far as is known, the store has room for writes; otherwise 503."""
    replica = contract_store().replica
    reason = replica.status().refuses_writes if replica is not None else ""
    if (mirror := contract_store().mirror) is not None:
        reason = f"This registry is a read-only mirror of {mirror.of}"
        return _json(503, {"status": "not ready for writes", "code": "read_only_mirror", "reason": reason})
    if reason:
        return _json(503, {"status": "not ready for writes", "code": "storage_full", "reason": reason})
    return readyz()


def metrics() -> Content:
    """Respond with the metrics of all workers of this machine."""
    text, media_type = exposition()
    return 200, media_type, text


def _json(status: int, members: dict[str, Any]) -> Content:
    return status, "application/json", compact(members)


ROUTES: dict[str, Callable[[], Content]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/readyz/writes": writable,
    "/metrics": metrics,
}


def view(content: Callable[[], Content]) -> Callable[[HttpRequest], HttpResponse]:
    """Return one of these as a view of Django."""

    @safe_methods_only
    def respond(request: HttpRequest) -> HttpResponse:
        status, media_type, body = content()
        return HttpResponse(body, status=status, content_type=media_type, headers={"Cache-Control": "no-store"})

    return respond


class HealthChecks:
    """An ASGI middleware that answers ROUTES."""

    def __init__(self, application: Any, log: BatchedAccessLog) -> None:
        self._application = application
        self._log = log
        # The threads of Django may all be busy.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if (
            scope["type"] != "http"
            or path not in ROUTES
            or scope["method"] not in ("GET", "HEAD")
            or scope["query_string"]
        ):
            await self._application(scope, receive, send)
            return
        started = time.perf_counter()
        content = ROUTES[path]
        if content is metrics:  # it reads files
            status, media_type, body = await asyncio.get_running_loop().run_in_executor(self._reader, content)
        else:
            status, media_type, body = content()
        identifier = uuid.uuid4().hex
        self._log.add(scope["method"], path, status, started, None, identifier)
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", identifier.encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
