"""Health checks for load balancers, and metrics for Prometheus. None of them requires a token."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from contracts_app.exceptions import StorageUnavailable
from contracts_app.serving.metrics import exposition
from contracts_app.storage import contract_store


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Respond 200 while the process runs, whatever the state of the store."""
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Respond 200 if this worker reads from a current replica (or, without one, reaches the store), otherwise 503."""
    store = contract_store()
    replica = store.replica
    if replica is not None:
        status = replica.status()
        # A few messages in flight are no reason to take a worker out of service.
        ready = status.current or replica.is_lagging
        members = {"status": "ready" if ready else "not ready", "copy": asdict(status)}
        return _uncached(JsonResponse(members, status=200 if ready else 503))
    try:
        store.index("readyz")
    except StorageUnavailable as error:
        return _uncached(JsonResponse({"status": "not ready", "reason": error.message}, status=503))
    return _uncached(JsonResponse({"status": "ready"}))


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    text, media_type = exposition()
    return _uncached(HttpResponse(text, content_type=media_type))


def _uncached(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
