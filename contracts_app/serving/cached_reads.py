"""An ASGI middleware that answers reads from the replica on the event loop; all other requests go to Django.

A request is answered here only in the plain case: a GET of a version or of the full list, with an allowed Host, a valid
token that Django has verified before, and a current replica. The response equals that of the view, header by header.
Errors are left to Django.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from itertools import count
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from contracts_app import metrics
from contracts_app.api.auth.scopes import READ
from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.api.responses import LIST_CACHING, VERSION_CACHING, matches_etag
from contracts_app.read_counts import read_counts
from contracts_app.request_context import ACCEPTED_ID
from contracts_app.serving import telemetry
from contracts_app.serving.access_log import BatchedAccessLog
from contracts_app.storage import ContractStore, Representation

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LIST = "/registry/contracts"
_VERSION = "/registry/contracts/<str:name>/<str:version>"
_ROUTE_HEADERS = {
    _LIST: [(b"cache-control", LIST_CACHING.encode()), (b"allow", b"GET, POST, HEAD, OPTIONS")],
    _VERSION: [(b"cache-control", VERSION_CACHING.encode()), (b"allow", b"GET, DELETE, HEAD, OPTIONS")],
}
# What Django's middleware adds to every response of the API.
_SECURITY_HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_READ_HEADERS = frozenset({b"authorization", b"host", b"if-none-match", b"x-request-id", b"traceparent", b"origin"})
_MAX_HOST_CHARACTERS = 255


class CachedReads:
    def __init__(
        self, application: Application, *, store: ContractStore, tokens: TokenCache, log: BatchedAccessLog
    ) -> None:
        self._application = application
        self._store = store
        self._tokens = tokens
        self._log = log
        self._hits, self._misses = metrics.cached_reads.labels("hit"), metrics.cached_reads.labels("miss")
        self._traced, self._cors = telemetry.is_configured(), bool(settings.CORS_ALLOWED_ORIGINS)
        self._prefix, self._number = token_hex(8).encode(), count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and await self._respond(scope, send):
            self._hits.inc()
            return
        await self._application(scope, receive, send)

    async def _respond(self, scope: Scope, send: Send) -> bool:
        """Send the response if the request is a plain one; return whether it was sent."""
        path = scope["path"]
        if scope["method"] != "GET" or not path.startswith(_LIST) or scope["query_string"] or scope.get("root_path"):
            return False
        if b"%" in scope.get("raw_path", b""):  # an encoded slash separates nothing
            return False
        started = time.perf_counter()
        headers = _single_headers(scope["headers"])
        if headers is None or not _is_allowed_host(headers.get(b"host", b"")):
            return False
        if (self._traced and b"traceparent" in headers) or (self._cors and b"origin" in headers):
            return False  # Django records it, or adds its headers
        token = self._tokens.get(headers.get(b"authorization", b""))
        replica = self._store.replica
        if token is None or replica is None or not await replica.wait_until_current():
            self._misses.inc()
            return False
        route, representation = _LIST, None
        if path == _LIST:
            if token.scopes.allows(READ):
                representation = replica.cached_list()
        else:
            route, (name, _, version) = _VERSION, path[len(_LIST) + 1 :].partition("/")
            if path[len(_LIST)] == "/" and version and "/" not in version and token.scopes.allows(READ, name):
                representation = replica.cached_version(name, version)
        if representation is None:
            self._misses.inc()
            return False
        if route is _VERSION:
            read_counts.add(name, version)
        request_id = self._request_id(headers)
        etags = headers.get(b"if-none-match")
        has_it = etags is not None and matches_etag(etags.decode("latin-1"), representation.etag)
        status, body = (304, b"") if has_it else (200, representation.body)
        self._log.add("GET", route, status, started, token.subject, request_id.decode())
        await _send(scope, send, status, route, representation, request_id, body)
        return True

    def _request_id(self, headers: dict[bytes, bytes]) -> bytes:
        given = headers.get(b"x-request-id")
        if given is not None and ACCEPTED_ID.fullmatch(given.decode("latin-1")):
            return given
        return b"%s%016x" % (self._prefix, next(self._number))


async def _send(
    scope: Scope,
    send: Send,
    status: int,
    route: str,
    representation: Representation,
    request_id: bytes,
    body: bytes,
) -> None:
    headers = [
        (b"etag", representation.etag.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id),
        *_ROUTE_HEADERS[route],
        *_SECURITY_HEADERS,
        *_hsts_header(scope["scheme"]),
    ]
    if status == 200:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _single_headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """Return the headers that this module reads, or None if one of them is repeated."""
    headers: dict[bytes, bytes] = {}
    for name, value in sent:
        if name in _READ_HEADERS:
            if name in headers:
                return None
            headers[name] = value
    return headers


@lru_cache(256)
def _is_valid_host(host: bytes) -> bool:
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _is_allowed_host(host: bytes) -> bool:
    # Longer Host values are left to Django, so that the cache stays bounded.
    return 0 < len(host) <= _MAX_HOST_CHARACTERS and _is_valid_host(host)


def _hsts_header(scheme: str) -> list[tuple[bytes, bytes]]:
    """Return the header that SecurityMiddleware adds over TLS."""
    if scheme != "https" or not settings.SECURE_HSTS_SECONDS:
        return []
    value = f"max-age={settings.SECURE_HSTS_SECONDS}"
    value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    value += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
    return [(b"strict-transport-security", value.encode())]
