"""Errors in the form of the OCI distribution specification: `{"errors": [{"code", "message", "detail"}]}`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions as drf

from contracts_app.api.errors import report_failure
from contracts_app.bundles import compact
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractError,
    ContractRefused,
    ContractTooLarge,
    ReadOnly,
)

REALM = 'Basic realm="contract registry"'
_STATUSES = {
    "NAME_UNKNOWN": 404,
    "MANIFEST_UNKNOWN": 404,
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DENIED": 403,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED": 405,
    "SIZE_INVALID": 413,
}


class OCIError(Exception):
    """A refusal with a code of the specification."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        return _STATUSES.get(self.code, 400)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response to an error, or None for one that is not expected."""
    if isinstance(error, OCIError):
        return error_response(error.status, error.code, error.message)
    if isinstance(error, ContractError):
        return _of_contract_error(error)
    if isinstance(error, drf.APIException):
        codes = {401: "UNAUTHORIZED", 403: "DENIED", 405: "UNSUPPORTED"}
        response = error_response(error.status_code, codes.get(error.status_code, "UNKNOWN"), str(error.detail))
        if error.status_code == 401:
            response["WWW-Authenticate"] = REALM
        if isinstance(error, drf.MethodNotAllowed):
            response["Allow"] = ", ".join(context["view"].allowed_methods)
        return response
    return None


def _of_contract_error(error: ContractError) -> HttpResponse:
    if isinstance(error, ContractRefused):
        return error_response(400, "MANIFEST_INVALID", error.message)
    if isinstance(error, (ContractAlreadyExists, ReadOnly)):
        return error_response(403, "DENIED", error.message)
    if isinstance(error, ContractTooLarge):
        return error_response(413, "SIZE_INVALID", error.message)
    response = error_response(error.status, "NAME_UNKNOWN" if error.status == 404 else "UNKNOWN", error.message)
    report_failure(response, error)
    return response


def error_response(status: int, code: str, message: str) -> HttpResponse:
    body = compact({"errors": [{"code": code, "message": message}]})
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
