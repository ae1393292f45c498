"""The routes of the seed document."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.body import read_json
from contracts_app.api.serializers import check_identity, read_bundle
from contracts_app.exceptions import MalformedContract
from contracts_app.request_context import request_id
from contracts_app.services import publish_contract
from contracts_app.storage import Actor, contract_storage


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether the process answers; it says nothing about the store."""
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


class ContractViewSet(ViewSet):
    def list(self, request: Request) -> Response:
        listing = contract_storage().list_all()
        answer: dict[str, Any] = {
            "contracts": [
                {
                    "name": bundle.name,
                    "version": bundle.version,
                    "description": bundle.description,
                    "createdAt": bundle.created_at,
                }
                for bundle in listing.bundles
            ]
        }
        if listing.faults:
            answer["unreadable"] = [fault.extras for fault in listing.faults]
        return Response(answer)

    def retrieve(self, request: Request, name: str, version: str) -> Response:
        check_identity(name, version)
        return Response(contract_storage().get(name, version).to_json())

    def create(self, request: Request) -> Response:
        bundle = read_bundle(read_json(request._request))
        dry_run = _flag(request, "dryRun")
        actor = Actor(str(request.user.pk), request_id.get())
        published = publish_contract(bundle=bundle, actor=actor, dry_run=dry_run)
        return Response(
            {
                "status": "valid" if dry_run else "created",
                "name": published.name,
                "version": published.version,
                "digest": published.digest,
                "createdAt": None if dry_run else published.created_at,
            },
            status=200 if dry_run else 201,
        )


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false")
    if value not in ("true", "false"):
        raise MalformedContract(f"The query parameter {name} must be true or false", field=name)
    return value == "true"
