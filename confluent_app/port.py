"""A port of its own for the Confluent API, which is at the root there: clients need only host and port."""

from __future__ import annotations

from typing import Any

PREFIX = "/confluent"


class ConfluentPort:
    """An ASGI middleware: requests that arrive at this port are requests below PREFIX."""

    def __init__(self, application: Any, port: int) -> None:
        self._application = application
        self._port = port

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == self._port:
            raw = scope.get("raw_path") or scope["path"].encode()
            scope = scope | {"path": PREFIX + scope["path"], "raw_path": PREFIX.encode() + raw}
        await self._application(scope, receive, send)
