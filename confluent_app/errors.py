"""Errors in the form of the Confluent API: `{"error_code": ..., "message": ...}`, with its codes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions as drf

from contracts_app.api.errors import report_failure
from contracts_app.bundles import compact
from contracts_app.exceptions import (
    ContractConflict,
    ContractError,
    ContractNotFound,
    ContractRefused,
    MalformedContract,
    ReadOnly,
)

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"

SUBJECT_NOT_FOUND = 40401
VERSION_NOT_FOUND = 40402
SCHEMA_NOT_FOUND = 40403
SUBJECT_SOFT_DELETED = 40404
SUBJECT_NOT_SOFT_DELETED = 40405
VERSION_SOFT_DELETED = 40406
VERSION_NOT_SOFT_DELETED = 40407
NO_LEVEL = 40408
NO_MODE = 40409
INCOMPATIBLE = 409
INVALID_SCHEMA = 42201
INVALID_VERSION = 42202
INVALID_LEVEL = 42203
INVALID_MODE = 42204
NOT_PERMITTED = 42205
REFERENCE_EXISTS = 42206
STORE_ERROR = 50001


class ConfluentError(Exception):
    """A refusal with a code of the Confluent API, whose first three digits are the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        return int(str(self.code)[:3])


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response to an error, or None for one that is not expected."""
    if isinstance(error, ConfluentError):
        return error_response(error.code, error.message)
    if isinstance(error, ContractError):
        response = error_response(_code_of(error), error.message)
        report_failure(response, error)
        return response
    if isinstance(error, drf.APIException):
        response = error_response(error.status_code, str(error.detail))
        if isinstance(error, (drf.NotAuthenticated, drf.AuthenticationFailed)):
            response["WWW-Authenticate"] = 'Basic realm="contract registry"'
        if isinstance(error, drf.MethodNotAllowed):
            response["Allow"] = ", ".join(context["view"].allowed_methods)
        return response
    return None


def error_response(code: int, message: str) -> HttpResponse:
    """Return an error; the status is the first three digits of the code."""
    body = compact({"error_code": code, "message": message})
    response = HttpResponse(body, status=int(str(code)[:3]), content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _code_of(error: ContractError) -> int:
    """Return the code for an error of the registry's own services."""
    if isinstance(error, (ReadOnly, ContractConflict)):
        return REFERENCE_EXISTS if "dependents" in error.extras else NOT_PERMITTED
    if isinstance(error, ContractRefused):
        return INVALID_SCHEMA
    if isinstance(error, MalformedContract):
        return 400
    if isinstance(error, ContractNotFound):
        return SCHEMA_NOT_FOUND
    return STORE_ERROR if error.status == 500 else error.status
