"""What the views of the Confluent API have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from confluent_app.errors import MEDIA_TYPE, NOT_PERMITTED, ConfluentError, error_response, exception_handler
from confluent_app.settings_records import own_config
from confluent_app.subjects import DEFAULT_CONTEXT, Subject, check_context, parse_subject
from contracts_app.api.auth.scopes import require, scopes_of
from contracts_app.api.requests import read_json
from contracts_app.bundles import compact
from contracts_app.storage import contract_store

MAX_LIST_ITEMS = 10_000


class ConfluentViewSet(ViewSet):
    """Authenticates as the registry's API does; each action asks for the scopes of its subject itself."""

    permission_classes: tuple[Any, ...] = ()

    def get_exception_handler(self) -> Callable[..., HttpResponse | None]:
        return exception_handler


def context_of(context: str | None) -> str:
    """Return the context that a path names."""
    if context is None or context in (DEFAULT_CONTEXT, ":.:"):
        return DEFAULT_CONTEXT
    return check_context(context.strip(":") if context.startswith(":") else context)


def named_subject(request: Request, text: str, context: str | None, scope: str, *, follow: bool = True) -> Subject:
    """Return the subject that a path names, or the one that it is an alias of.

    Raises ConfluentError, and PermissionDenied unless the token has the scope for its contract.
    """
    subject = parse_subject(text.replace("%2F", "/").replace("%2f", "/"), context_of(context))
    if not subject.name:
        require(request, scope)
        return subject
    if follow:
        alias = own_config(contract_store().index(subject.contract).documents, subject).get("alias")
        subject = parse_subject(alias, subject.context) if alias else subject
    require(request, scope, subject.contract)
    return subject


def may(request: Request, scope: str, subject: Subject) -> bool:
    return scopes_of(request).allows(scope, subject.contract)


def read_body(request: Request) -> Any:
    """Return the parsed body. Raises ConfluentError, ContractTooLarge."""
    return read_json(request, "a JSON object")


def flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false, in whatever case."""
    value = request.GET.get(name, "false").lower()
    if value not in ("true", "false", ""):
        raise ConfluentError(400, f"The query parameter {name} must be true or false")
    return value == "true"


def whole_number(request: Request, name: str, default: int) -> int:
    value = request.GET.get(name, str(default))
    if not value.lstrip("-").isdigit() or len(value) > 12:
        raise ConfluentError(400, f"The query parameter {name} must be a whole number")
    return int(value)


def page(request: Request, items: list[Any]) -> list[Any]:
    """Return the part of a list that `offset` and `limit` ask for; a limit of 0 or less is none."""
    offset, limit = max(0, whole_number(request, "offset", 0)), whole_number(request, "limit", -1)
    return items[offset : offset + limit] if limit > 0 else items[offset:]


def respond(value: Any) -> HttpResponse:
    """Return a value as JSON."""
    return HttpResponse(compact(value), content_type=MEDIA_TYPE, headers={"Cache-Control": "private, no-cache"})


def respond_text(text: str) -> HttpResponse:
    """Return a schema's text."""
    return HttpResponse(text.encode(), content_type=MEDIA_TYPE, headers={"Cache-Control": "private, no-cache"})


class OtherViewSet(ConfluentViewSet):
    """What other registries have and this one does not, in the form that their clients understand."""

    def root(self, request: Request) -> HttpResponse:
        return respond({})

    def associations(self, request: Request, **path: str) -> HttpResponse:
        return respond([])

    def exporters(self, request: Request, **path: str) -> HttpResponse:
        if request.method == "GET" and not path.get("rest"):
            return respond([])
        raise ConfluentError(
            NOT_PERMITTED,
            "Exporters are not supported; `manage.py import_confluent` copies another registry into this one",
        )

    def cluster_id(self, request: Request) -> HttpResponse:
        return respond({"scope": {"path": [], "clusters": {"schema-registry-cluster": "contract-registry"}}, "id": ""})

    def version(self, request: Request) -> HttpResponse:
        return respond({"version": "8.1.1", "commitId": "contract-registry"})

    def nothing(self, request: Request, **path: str) -> HttpResponse:
        return error_response(404, "HTTP 404 Not Found")
