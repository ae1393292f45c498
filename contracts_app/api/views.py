"""The routes of the seed document."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.body import read_json
from contracts_app.api.prepared import LIST_CACHING, VERSION_CACHING, ready
from contracts_app.api.serializers import check_identity, read_bundle
from contracts_app.exceptions import MalformedContract
from contracts_app.request_context import request_id
from contracts_app.services import publish_contract
from contracts_app.storage import Actor, Prepared, contract_storage


class ContractViewSet(ViewSet):
    def list(self, request: Request) -> HttpResponse:
        return ready(request._request, contract_storage().index().listing(), LIST_CACHING)

    def retrieve(self, request: Request, name: str, version: str) -> HttpResponse:
        check_identity(name, version)
        storage = contract_storage()
        found = storage.peek(name, version)
        if found is None:
            bundle = storage.get(name, version)
            found = Prepared(bundle.to_record(), bundle.etag)
        return ready(request._request, found, VERSION_CACHING)

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
