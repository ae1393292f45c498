"""For those who watch the service: is it alive, is it ready, and its figures. None of them needs a token."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from contracts_app.exceptions import StorageUnavailable
from contracts_app.metrics import exposition
from contracts_app.storage import contract_storage


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether the process answers; it says nothing about the store."""
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while this worker answers from a current copy (or, without one, reaches the store), else 503."""
    storage = contract_storage()
    status = storage.status()
    if status is not None:
        # A few messages on their way are no reason to take a worker out of service.
        ready = status.current or storage.behind()
        answer = {"status": "ready" if ready else "not ready", "copy": asdict(status)}
        return _uncached(JsonResponse(answer, status=200 if ready else 503))
    try:
        storage.index("readyz")
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
