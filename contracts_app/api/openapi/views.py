"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from contracts_app.api.errors import safe_methods_only
from contracts_app.api.openapi.document import document
from contracts_app.api.responses import respond
from contracts_app.bundles import compact
from contracts_app.storage import Representation

# Swagger UI sets style attributes, and draws its icons from data URIs; its scripts are files of this server.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
    "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@safe_methods_only
def openapi(request: HttpRequest) -> HttpResponse:
    return respond(request, Representation.of(compact(document())), "no-cache")


@safe_methods_only
def docs(request: HttpRequest) -> HttpResponse:
    response = render(request, "contracts_app/docs.html")
    response["Content-Security-Policy"] = _POLICY
    return response
