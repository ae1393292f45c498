"""Requests to the JetStream API, as JSON."""

from __future__ import annotations

import json
from typing import Any

import nats.js.errors
from nats.aio.client import Client

REQUEST_SECONDS = 1.5


async def request(
    client: Client, method: str, body: Any = None, *, missing: bool = False, seconds: float = REQUEST_SECONDS
) -> Any:
    """Return the response to one request; with `missing`, None if the resource does not exist.

    Raises nats.js.errors.APIError, and the errors of a connection.
    """
    payload = json.dumps(body).encode() if body else b""
    message = await client.request(f"$JS.API.{method}", payload, timeout=seconds)
    if (message.headers or {}).get("Status") == "503":
        raise nats.js.errors.ServiceUnavailableError(code=503, description="JetStream is not available")
    response = json.loads(message.data)
    error = response.get("error")
    if error is None:
        return response
    if missing and error.get("code") == 404:
        return None
    return nats.js.errors.APIError.from_error(error)  # raises
