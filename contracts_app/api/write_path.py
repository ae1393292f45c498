"""Plain publishes, decided at once or in a thread, and written on the event loop, without Django around them.

Only what succeeds is answered here, as the viewset would answer it (tests/api/test_write_path.py). A request that is
refused, or races with another, has written nothing: it goes to Django from the beginning, which decides again and
tells why.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from contracts_app.api.gate import ALLOWED, CONTRACTS, Admitted, Gate, Headers, Lines, Scope, always, plain
from contracts_app.api.permissions import WRITE
from contracts_app.api.serializers import read_publish
from contracts_app.api.views import OUTCOME, created, location
from contracts_app.bundles import ContractBundle, compact
from contracts_app.exceptions import VersionSetChanged
from contracts_app.request_context import request_id
from contracts_app.services.publishing import Decision, decide_publish
from contracts_app.services.remembering import TooLong, haste
from contracts_app.storage import Actor, ContractStorage
from linter_app.json_text import loads

SMALL_BYTES = 16 * 1024
"""Of a body that is looked at on the event loop."""
_ASKS_MORE = (b"$ref", b'"wit"', b"\\u")
MOST_BYTES = 256 * 1024
"""Of a body; what is larger takes long to encode, which is no work for the event loop."""
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
InThread = Callable[..., Awaitable[Any]]


class WritePath:
    def __init__(self, *, storage: ContractStorage, gate: Gate, log: Lines) -> None:
        self._storage = storage
        self._gate = gate
        self._log = log
        self._most_bytes = min(MOST_BYTES, settings.CONTRACT_MAX_BYTES)

    async def __call__(self, scope: Scope, body: bytes, in_thread: InThread) -> tuple[Answer | None, dict[str, Any]]:
        """The answer, or None and what Django is to be told beside the request."""
        if scope["method"] != "POST" or scope["path"] != CONTRACTS or not 0 < len(body) <= self._most_bytes:
            return None, {}
        started = time.perf_counter()
        admitted = self._gate.admit(scope["headers"], WRITE) if plain(scope) else None
        if admitted is None:
            return None, {}
        identity = admitted.identity.decode()
        marker = request_id.set(identity)
        try:
            try:
                decision = self._at_once(body, admitted)
            except TooLong:
                decision = await in_thread(self._decide, body, admitted)
            if decision is None:
                return None, {}
            bundle = decision.bundle
            await self._storage.acreate(bundle, after=decision.after, deed=decision.deed)
        except VersionSetChanged:
            return None, {}
        except Exception as error:
            # Whether it was written may not be known: to decide again would take it for another's.
            return None, {OUTCOME: error}
        finally:
            request_id.reset(marker)
        self._log("POST", CONTRACTS, 201, started, admitted.subject, identity)
        self._log.published(bundle.name, bundle.version, identity)
        return _answer(bundle, admitted.identity, always(scope["scheme"])), {}

    def _at_once(self, body: bytes, admitted: Admitted) -> Decision | None:
        """The decision where nothing else is referred to and all is remembered or quick. Raises TooLong."""
        if len(body) > SMALL_BYTES or any(word in body for word in _ASKS_MORE):
            raise TooLong
        with haste():
            return self._decide(body, admitted)

    def _decide(self, body: bytes, admitted: Admitted) -> Decision | None:
        try:
            order = read_publish(loads(body))
            if order.override is not None:
                return None  # it asks for another scope
            actor = Actor(admitted.subject, admitted.identity.decode())
            return decide_publish(bundle=order.bundle, actor=actor, draft=order.draft, storage=self._storage)
        except TooLong:
            raise
        except Exception:
            return None  # whatever it is: Django decides again, and tells and logs it


def _answer(bundle: ContractBundle, identity: bytes, more: Headers) -> Answer:
    content = compact(created(bundle))
    headers = [
        (b"content-type", b"application/json"),
        (b"location", location(bundle.name, bundle.version).encode()),
        (b"etag", bundle.etag.encode()),
        (b"content-length", b"%d" % len(content)),
        (b"x-request-id", identity),
        ALLOWED,
        *more,
    ]
    return 201, headers, content
