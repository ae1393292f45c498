"""A client that calls an ASGI application in this process."""

from __future__ import annotations

import asyncio
from typing import Any


class ASGIClient:
    def __init__(self, application: Any) -> None:
        self.application = application

    def request(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"", scheme: str = "http"
    ) -> tuple[int, dict[str, str], bytes]:
        return asyncio.run(self.arequest(method, path, headers, body, scheme))

    async def arequest(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, scheme: str = "http"
    ) -> Any:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "scheme": scheme,
            "root_path": "",
            "server": ("127.0.0.1", 8090),
            "client": ("127.0.0.1", 50000),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }
        sent: list[dict[str, Any]] = []

        bodies = [body]

        async def receive() -> dict[str, Any]:
            if not bodies:
                await asyncio.sleep(3600)  # a server waits until the client disconnects
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        received = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        assert len(dict(received)) == len(received), "a header was sent twice"
        return sent[0]["status"], dict(received), b"".join(message["body"] for message in sent[1:])
