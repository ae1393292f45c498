"""How old the reads of a mirror may be, in each of its responses."""

from __future__ import annotations

import math
from typing import Any

from contracts_app.storage import ContractStore

AGE_HEADER = b"registry-mirror-age"
"""Seconds since the mirror heard from its origin; `unknown` if it did not yet."""


class MirrorAge:
    """An ASGI middleware that adds AGE_HEADER to the responses of a registry that is a mirror."""

    def __init__(self, application: Any, store: ContractStore) -> None:
        self._application = application
        self._store = store

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_age(message: Any) -> None:
            mirror = self._store.mirror
            if message["type"] == "http.response.start" and mirror is not None:
                age = mirror.age
                shown = b"unknown" if age is None else b"%d" % math.ceil(age)
                message = {**message, "headers": [*message.get("headers", ()), (AGE_HEADER, shown)]}
            await send(message)

        await self._application(scope, receive, send_with_age if scope["type"] == "http" else send)
