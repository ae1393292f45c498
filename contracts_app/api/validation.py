"""`POST .../validate` and `.../examples`: validation of instances by a registered schema, and example instances."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ
from contracts_app.api.requests import number, read_body
from contracts_app.api.responses import respond_json
from contracts_app.api.versions import requested_version
from contracts_app.services import validation
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.storage import contract_store

_JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")


class ValidationViewSet(ViewSet):
    scopes = {"validate": READ}

    def validate(self, request: Request, name: str, version: str) -> Response:
        bundle = requested_version(request, name, version)
        schema = compound_schema(bundle, contract_store())
        body = read_body(request, "the instance to validate, as JSON")
        members: dict[str, Any] = {"name": bundle.name, "version": bundle.version}
        if request.content_type.partition(";")[0].strip() not in _JSON_LINES:
            errors = validation.instance_errors(schema, body)
            return Response(members | {"valid": not errors, "errors": errors})
        results = [
            {"line": line, "valid": not errors, "errors": errors}
            for line, errors in validation.line_errors(schema, body)
        ]
        valid = sum(not result["errors"] for result in results)
        return Response(members | {"valid": valid == len(results), "validLines": valid, "results": results})

    def examples(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = requested_version(request, name, version, "count")
        count = number(request, "count", 3, 1, 20)
        examples = validation.examples(compound_schema(bundle, contract_store()), count)
        return respond_json(request, {"name": bundle.name, "version": bundle.version, **examples})
