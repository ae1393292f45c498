"""The baseline: an ASGI application that only sends the bytes of BENCH_BODY, with the same server."""

import os
from pathlib import Path
from typing import Any

_BODY = Path(os.environ["BENCH_BODY"]).read_bytes() if "BENCH_BODY" in os.environ else b""
_ETAG = b'"baseline"'
_FOUND = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_BODY)).encode()),
        (b"etag", _ETAG),
    ],
}
_KNOWN = {"type": "http.response.start", "status": 304, "headers": [(b"etag", _ETAG), (b"content-length", b"0")]}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            await send({"type": (await receive())["type"] + ".complete"})
    known = any(name == b"if-none-match" for name, _ in scope["headers"])
    await send(_KNOWN if known else _FOUND)
    await send({"type": "http.response.body", "body": b"" if known else _BODY})
