"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contracts_app.api.openapi.document import document
from contracts_app.api.responses import respond
from contracts_app.bundles import compact
from contracts_app.storage import Representation

# Swagger UI sets style attributes, and draws its icons from data URIs; its scripts are files of this server.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    return respond(request, Representation.of(compact(document())), "no-cache")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    response = render(request, "contracts_app/docs.html")
    response["Content-Security-Policy"] = _POLICY
    return response
