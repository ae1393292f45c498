"""Request bodies: read up to the limit, and parsed as strict JSON whatever Content-Type says."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from contracts_app.exceptions import ContractTooLarge, MalformedContract
from linter_app.json_text import InvalidJSON, loads


def read_json(request: HttpRequest) -> Any:
    """The parsed body. Raises ContractTooLarge, MalformedContract."""
    try:
        return loads(read_body(request))
    except InvalidJSON as error:
        raise MalformedContract(f"The request body is not JSON: {error}") from None


def read_body(request: HttpRequest) -> bytes:
    """The whole body. Raises ContractTooLarge beyond CONTRACT_MAX_BYTES, MalformedContract when it is empty."""
    limit = settings.CONTRACT_MAX_BYTES
    too_large = ContractTooLarge(f"The request body is larger than {limit} bytes (CONTRACT_MAX_BYTES)", limit=limit)
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > limit:
        raise too_large
    # Django reads no chunked body (RFC 9112 section 7.1) under WSGI; a server that ends the stream itself says so.
    chunked = not length and request.META.get("wsgi.input_terminated")
    stream: Any = request.META["wsgi.input"] if chunked else request
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise too_large
    if not body:
        raise MalformedContract("The request body is empty; send a JSON object with name and version")
    return body
