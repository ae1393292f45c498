"""`POST .../validate` and `.../examples`: validation of instances by a registered schema, and example instances."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ
from contracts_app.api.requests import check_parameters, number, read_body
from contracts_app.api.responses import respond_json
from contracts_app.api.versions import requested_version
from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import MalformedContract
from contracts_app.services import validation
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.storage import contract_store
from linter_app.schema.json_text import InvalidJSON, loads

MAX_LINES = 10_000
_JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")


class ValidationViewSet(ViewSet):
    scopes = {"validate": READ}

    def validate(self, request: Request, name: str, version: str) -> Response:
        check_parameters(request, "includeWithdrawn")
        bundle = requested_version(request, name, version)
        validator = _validator_of(bundle)
        body = read_body(request)
        members: dict[str, Any] = {"name": bundle.name, "version": bundle.version}
        if request.content_type.partition(";")[0].strip() not in _JSON_LINES:
            try:
                errors = validator.errors(loads(body))
            except InvalidJSON as error:
                raise MalformedContract(f"The request body is not JSON: {error}") from None
            return Response(members | {"valid": not errors, "errors": errors})
        lines = body.split(b"\n")
        if len(lines) > MAX_LINES + 1:
            raise MalformedContract(f"At most {MAX_LINES} lines can be validated in one request", limit=MAX_LINES)
        results = _validate_lines(validator, lines)
        valid = sum(result["valid"] for result in results)
        return Response(members | {"valid": valid == len(results), "validLines": valid, "results": results})

    def examples(self, request: Request, name: str, version: str) -> HttpResponse:
        check_parameters(request, "count", "includeWithdrawn")
        count = number(request, "count", 3, 1, 20)
        bundle = requested_version(request, name, version)
        examples = validation.examples(_validator_of(bundle), count)
        return respond_json(request, {"name": bundle.name, "version": bundle.version, **examples})


def _validator_of(bundle: ContractBundle) -> validation.Validator:
    return validation.validator_of(compound_schema(bundle, contract_store()))


def _validate_lines(validator: validation.Validator, lines: list[bytes]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + validation.MAX_SECONDS
    results: list[dict[str, Any]] = []
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if time.monotonic() > deadline:
            raise MalformedContract(
                f"Validation stopped after {validation.MAX_SECONDS} seconds at line {line_number}; send fewer lines",
                line=line_number,
            )
        try:
            errors = validator.errors(loads(line))
        except InvalidJSON as error:
            errors = [{"instancePointer": "", "schemaPointer": "", "reason": f"not JSON: {error}"}]
        results.append({"line": line_number, "valid": not errors, "errors": errors})
    return results
