"""The registry as a NATS micro service (ADR-32): `registry.v1.*`, with discovery, statistics and ping.

Each request becomes a request of the HTTP API within this process, with the same token, checks, errors and log lines.
This module uses nats-py, like the store.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import nats.micro
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from nats.aio.client import Client
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, Service, ServiceConfig

NAME, VERSION, PREFIX = "contract-registry", "1.0.0", "registry.v1"
MAX_CONCURRENT = 32
"""Requests that are handled at the same time."""
_HEADERS = ("Authorization", "X-Request-ID", "If-Match")


class InvalidRequest(ValueError):
    """The body of a NATS request is not what its endpoint takes."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The request is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidRequest("The request must be a JSON object")
    return found


def _names(body: bytes, *members: str) -> list[str]:
    found = _object(body)
    for member in members:
        if not isinstance(found.get(member), str) or not found[member]:
            raise InvalidRequest(f"The member {member} is missing, or not a string")
        if "/" in found[member]:  # it would lead to another route
            raise InvalidRequest(f"The member {member} has a slash")
    return [quote(found[member], safe="") for member in members]


Made = tuple[str, str, bytes | None]


def _get(body: bytes) -> Made:
    name, version = _names(body, "name", "version")
    return "GET", f"/registry/contracts/{name}/{version}", None


def _latest(body: bytes) -> Made:
    (name,) = _names(body, "name")
    return "GET", f"/registry/contracts/{name}/latest", None


def _list(body: bytes) -> Made:
    query = _object(body)
    return "GET", f"/registry/contracts{'?' if query else ''}{urlencode(query, doseq=True)}", None


def _search(body: bytes) -> Made:
    return "GET", f"/registry/search?{urlencode(_object(body))}", None


def _check(body: bytes) -> Made:
    return "POST", "/registry/check", body


def _validate(body: bytes) -> Made:
    name, version = _names(body, "name", "version")
    found = _object(body)
    if "instance" not in found:
        raise InvalidRequest("The member instance is missing")
    return "POST", f"/registry/contracts/{name}/{version}/validate", json.dumps(found["instance"]).encode()


def _publish(body: bytes) -> Made:
    return "POST", "/registry/contracts", body


ENDPOINTS: dict[str, tuple[str, Callable[[bytes], Made]]] = {
    "get": ("A version: {name, version}; version may be latest or a range", _get),
    "latest": ("The latest version: {name}", _latest),
    "list": ("Versions: {} or {q, prefix, label, state, limit, cursor}", _list),
    "search": ("Contracts that match words: {q}", _search),
    "check": ("Compare two: {old, new}", _check),
    "validate": ("Validate an instance: {name, version, instance}", _validate),
    "publish": ("Publish a version: {name, version, jsonSchema, ...}", _publish),
}


class RegistryService:
    """Answers requests over NATS by requests of the API within this process."""

    def __init__(self) -> None:
        host = next((each.lstrip(".") for each in settings.ALLOWED_HOSTS if each != "*"), "localhost")
        scheme = "https" if settings.SECURE_SSL_REDIRECT else "http"
        transport = httpx.WSGITransport(app=get_wsgi_application(), raise_app_exceptions=False)
        self._http = httpx.Client(transport=transport, base_url=f"{scheme}://{host}", timeout=None)
        self._free = asyncio.Semaphore(MAX_CONCURRENT)

    async def serve(self, client: Client) -> Service:
        """Start the service on a connected client, and return it."""
        config = ServiceConfig(name=NAME, version=VERSION, description="What contracts are, and how they may change")
        service = await nats.micro.add_service(client, config)
        group = service.add_group(name=PREFIX)
        for name, (description, make) in ENDPOINTS.items():
            endpoint = EndpointConfig(name=name, handler=self._handler(make), metadata={"description": description})
            await group.add_endpoint(endpoint)
        return service

    def _handler(self, make: Callable[[bytes], Made]) -> Callable[[Request], Awaitable[None]]:
        tasks: set[asyncio.Task[None]] = set()

        async def handle(request: Request) -> None:
            # The next request of the subscription does not wait for this one.
            task = asyncio.ensure_future(self._respond(request, make))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return handle

    async def _respond(self, request: Request, make: Callable[[bytes], Made]) -> None:
        async with self._free:
            try:
                method, path, body = make(request.data)
            except InvalidRequest as error:
                await request.respond_error("400", str(error), data=json.dumps({"detail": str(error)}).encode())
                return
            given = request.headers or {}
            headers = {name: given[name] for name in _HEADERS if name in given}
            headers |= {"Accept": "application/json", "Content-Type": "application/json"}
            response = await asyncio.to_thread(self._http.request, method, path, content=body, headers=headers)
        if response.is_success:
            await request.respond(response.content, {"Registry-Status": str(response.status_code)})
            return
        try:
            detail = str(response.json()["detail"])
        except (ValueError, KeyError, TypeError):
            detail = response.text[:500]
        # A header has one line.
        await request.respond_error(str(response.status_code), " ".join(detail.split())[:1000], data=response.content)
