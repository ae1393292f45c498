"""Reading of requests: bodies, query parameters and conditional headers. An unknown parameter is an error."""

from __future__ import annotations

import zlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from contracts_app.bundles import excerpt
from contracts_app.exceptions import ContractTooLarge, MalformedContract, PreconditionFailed, UnsupportedMediaType
from contracts_app.request_context import request_id
from contracts_app.services.references import MAX_CONTAINERS
from contracts_app.storage import Actor
from linter_app.schema.json_text import (
    InvalidJSON,
    compact_exact,
    has_exact_numbers,
    item_texts,
    loads,
    member_texts,
)

AnyRequest = HttpRequest | Request
_REPEATABLE = frozenset({"label", "state"})
MAX_QUERY_CHARACTERS = 200


def actor_of(request: Request) -> Actor:
    """Return the actor of an authenticated request."""
    return Actor(str(request.user.pk), request_id.get())


# Bodies


def read_json(request: AnyRequest, wanted: str = "a JSON object with name and version") -> Any:
    """Return the parsed body. Raises ContractTooLarge, MalformedContract, UnsupportedMediaType."""
    return _parsed(read_body(request, wanted))


def read_body(request: AnyRequest, wanted: str = "a JSON object with name and version") -> bytes:
    """Return the whole body, decoded if it is gzip.

    Raises ContractTooLarge beyond CONTRACT_MAX_BYTES, UnsupportedMediaType, and MalformedContract where it is empty,
    with a message that says what is `wanted`.
    """
    limit = settings.CONTRACT_MAX_BYTES
    too_large = ContractTooLarge(f"The request body is larger than {limit} bytes (CONTRACT_MAX_BYTES)", limit=limit)
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > limit:
        raise too_large
    # Django does not read a chunked body (RFC 9112, section 7.1) under WSGI, unless the server says that it ends the
    # stream itself.
    chunked = not length and request.META.get("wsgi.input_terminated")
    stream: Any = request.META["wsgi.input"] if chunked else request
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise too_large
    if not body:
        raise MalformedContract(f"The request body is empty; send {wanted}")
    return _decoded(body, request.headers.get("Content-Encoding", "identity").strip().lower(), limit)


def _parsed(body: bytes) -> Any:
    """Return a parsed body. Raises ContractTooLarge where that would take many times its size, MalformedContract."""
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise ContractTooLarge(
            f"The request body has more than {MAX_CONTAINERS} arrays and objects", limit=MAX_CONTAINERS
        )
    try:
        return loads(body)
    except InvalidJSON as error:
        raise MalformedContract(f"The request body is not JSON: {error}") from None


def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    """Return a body without its content coding, of at most `limit` bytes (RFC 9110, section 8.4)."""
    if coding in ("identity", ""):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType(f"The content coding {excerpt(coding)} is not supported; send gzip or none")
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        decoded = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedContract("The request body is not gzip, though Content-Encoding says so") from None
    if len(decoded) > limit:
        raise ContractTooLarge(f"The request body is larger than {limit} bytes (CONTRACT_MAX_BYTES)", limit=limit)
    if not decoder.eof or decoder.unused_data:
        raise MalformedContract("The request body is not one complete gzip stream")
    return decoded


def read_members(request: AnyRequest, wanted: str) -> Any:
    """Return the parsed body, with each `jsonSchema` that is an object as text in which no number has changed.

    Looked for in the object itself, in its members `old` and `new`, and in the items of `contracts`.
    """
    body = read_body(request, wanted)
    data, text = _parsed(body), body.decode()
    if not has_exact_numbers(text):
        _keep_numbers(data, text)
    return data


def _keep_numbers(data: Any, text: str) -> None:
    if not isinstance(data, dict):
        return
    for name, part in member_texts(text):
        value = data[name]
        if name == "jsonSchema" and isinstance(value, dict) and not has_exact_numbers(part):
            data[name] = compact_exact(part)
        elif name in ("old", "new"):
            _keep_numbers(value, part)
        elif name == "contracts" and isinstance(value, list):
            for item, each in zip(value, item_texts(part), strict=True):
                _keep_numbers(item, each)


def read_fields(request: AnyRequest, *allowed: str) -> dict[str, Any]:
    """Return the members of an optional JSON object. Raises ContractTooLarge, MalformedContract for unknown ones."""
    if request.META.get("CONTENT_LENGTH") in ("", "0", None) and not request.META.get("HTTP_TRANSFER_ENCODING"):
        return {}
    data = read_json(request)
    if not isinstance(data, dict):
        raise MalformedContract("The request body must be a JSON object")
    if unknown := sorted(data.keys() - set(allowed)):
        raise MalformedContract(f"Unknown fields: {', '.join(map(repr, unknown[:10]))}; known are {', '.join(allowed)}")
    return data


# Parameters and headers


def check_parameters(request: AnyRequest, *names: str) -> None:
    """Raise MalformedContract for a query parameter that this route does not have, or one that is repeated."""
    for name, values in request.GET.lists():
        if name not in names:
            listed = ", ".join(names) if names else "none"
            raise MalformedContract(f"Unknown query parameter {name!r:.80}; known are {listed}", field=name[:80])
        if len(values) > 1 and name not in _REPEATABLE:
            raise MalformedContract(f"The query parameter {name} is given twice", field=name)


def flag(request: AnyRequest, name: str) -> bool:
    """Return a boolean parameter, False where it is absent. Raises MalformedContract."""
    value = request.GET.get(name, "false")
    if value not in ("true", "false"):
        raise MalformedContract(f"The query parameter {name} must be true or false", field=name)
    return value == "true"


def number(request: AnyRequest, name: str, default: int, minimum: int, maximum: int) -> int:
    """Return a whole-number parameter. Raises MalformedContract."""
    text = request.GET.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and minimum <= int(text) <= maximum):
        raise MalformedContract(
            f"The query parameter {name} must be a whole number from {minimum} to {maximum}", field=name
        )
    return int(text)


def required(request: AnyRequest, name: str) -> str:
    """Return a required parameter. Raises MalformedContract."""
    value = request.GET.get(name)
    if not value:
        raise MalformedContract(f"The query parameter {name} is missing", field=name)
    return value


def short_text(request: AnyRequest, name: str) -> str:
    """Return a parameter of at most MAX_QUERY_CHARACTERS, empty where it is absent. Raises MalformedContract."""
    if len(request.GET.getlist(name)) > 1:
        raise MalformedContract(f"The query parameter {name} is given twice", field=name)
    value = request.GET.get(name, "")
    if len(value) > MAX_QUERY_CHARACTERS:
        raise MalformedContract(f"The query parameter {name} has at most {MAX_QUERY_CHARACTERS} characters", field=name)
    return value


def if_match(request: AnyRequest) -> str | None:
    """Return the entity tag of If-Match; None where there is none, or it is `*`."""
    value = request.headers.get("If-Match", "").strip()
    if value.startswith("W/"):
        raise PreconditionFailed("If-Match has a weak entity tag (W/), which never matches; send the tag without W/")
    return value if value not in ("", "*") else None
