"""Reads that are out of date while the store cannot be reached: in the console, and elsewhere where configured."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from contracts_app.request_context import StaleReads, stale_reads

STALE_HEADER = "Registry-Stale"
CONSOLE = "/admin/"


class StaleReadsMiddleware:
    """Middleware that lets reads accept what is out of date, and says in the response by how many seconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seconds = settings.STALE_READS_SECONDS
        if request.path_info.startswith(CONSOLE):
            # Its pages have a banner that says how old they are, and nothing can be changed meanwhile.
            seconds = max(seconds, settings.CONSOLE_STALE_READS_SECONDS)
        if not seconds or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        reads = StaleReads(seconds)
        marker = stale_reads.set(reads)
        try:
            response = self.get_response(request)
        finally:
            stale_reads.reset(marker)
        if reads.seconds is not None:
            response[STALE_HEADER] = response["Age"] = str(round(reads.seconds))
            response["Cache-Control"] = "no-store"
        return response
