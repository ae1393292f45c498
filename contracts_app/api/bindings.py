"""`/registry/bindings` and `/registry/subjects/{subject}`: which contract holds for messages on a NATS subject."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import ADMIN, READ, require, scopes_of
from contracts_app.api.requests import actor_of, check_parameters, if_match, read_json
from contracts_app.api.responses import LIST_CACHING, respond, respond_json
from contracts_app.bindings import (
    Binding,
    binding_for,
    binding_named,
    bindings_of,
    check_binding,
    check_pattern,
    overlap,
    overlapping,
)
from contracts_app.bundles import compact
from contracts_app.exceptions import ContractError, ContractNotFound, MalformedContract
from contracts_app.services.asyncapi import asyncapi_document
from contracts_app.services.bindings import all_bindings, binding_etag, set_binding
from contracts_app.services.search import resolve
from contracts_app.storage import Representation, contract_store


class BindingViewSet(ViewSet):
    any_name = ("list", "get", "put", "delete", "subject", "asyncapi")
    scopes = {"put": ADMIN, "delete": ADMIN}

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request)
        readable = _readable(request, all_bindings())
        return respond_json(request, {"bindings": [_binding_to_json(each, readable) for each in readable]})

    def get(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request)
        index = contract_store().index("binding")
        every = bindings_of(index.documents)
        found = binding_named(every, name)
        if found is None:
            raise ContractNotFound(f"There is no binding {name}")
        require(request, READ, found.contract)
        body = compact(_binding_to_json(found, _readable(request, every)))
        return respond(request, Representation(body, binding_etag(index, name) or ""), LIST_CACHING)

    def put(self, request: Request, name: str) -> Response:
        check_parameters(request)
        binding = check_binding(name, read_json(request, "a binding, a JSON object with subject and contract"))
        require(request, ADMIN, binding.contract)
        sequence = set_binding(
            name=name,
            binding=binding,
            actor=actor_of(request),
            expected_etag=if_match(request),
            permit=partial(_require_present, request),
        )
        response = Response(_binding_to_json(binding, _readable(request, all_bindings())))
        response["ETag"] = f'"{sequence}"'
        return response

    def delete(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request)
        set_binding(
            name=name,
            binding=None,
            actor=actor_of(request),
            expected_etag=if_match(request),
            permit=partial(_require_present, request),
        )
        return HttpResponse(status=204)

    def asyncapi(self, request: Request) -> HttpResponse:
        check_parameters(request, "subject")
        chosen = _readable(request, all_bindings())
        if (pattern := request.GET.get("subject")) is not None:
            check_pattern(pattern, "subject")
            chosen = [each for each in chosen if overlap(each.subject, pattern)]
        return respond_json(request, asyncapi_document(chosen, contract_store()))

    def subject(self, request: Request, subject: str) -> HttpResponse:
        check_parameters(request)
        check_pattern(subject, "subject")
        if "*" in subject or ">" in subject:
            raise MalformedContract("A subject of one message has no wildcards", field="subject")
        found = binding_for(all_bindings(), subject)
        if found is None:
            raise ContractNotFound(f"No binding covers the subject {subject}")
        require(request, READ, found.contract)
        return respond_json(request, {"subject": subject, **_binding_to_json(found, [])})


def _require_present(request: Request, present: Binding | None) -> None:
    """Raise PermissionDenied unless the token administers the contract that the binding has now."""
    if present is not None:
        require(request, ADMIN, present.contract)
    elif not scopes_of(request).allows_some(ADMIN):
        require(request, ADMIN)


def _readable(request: Request, bindings: list[Binding]) -> list[Binding]:
    may_read = partial(scopes_of(request).allows, READ)
    return [each for each in bindings if may_read(each.contract)]


def _binding_to_json(binding: Binding, others: list[Binding]) -> dict[str, Any]:
    """Return a binding with the version that its range means now, and the bindings that overlap with it."""
    try:
        version = resolve(contract_store().index(binding.contract), binding.contract, binding.range).version
    except ContractError:
        version = None
    return {
        "name": binding.name,
        **binding.to_json(),
        "version": version,
        "overlaps": [{"name": each.name, "subject": each.subject} for each in overlapping(binding, others)],
    }
