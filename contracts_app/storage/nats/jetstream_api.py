"""Requests to the JetStream API, as JSON."""

from __future__ import annotations

import json
from typing import Any

from contracts_app.storage.nats.connection import BucketConnection


class SessionEnded(Exception):
    """The replica's session cannot continue; the message says why."""


async def request(bucket: BucketConnection, method: str, body: Any = None, *, missing: bool = False) -> Any:
    """Return the response to one request; with `missing`, None if the resource does not exist.

    Raises OUTAGE_ERRORS, SessionEnded.
    """
    client = bucket.client
    assert client is not None
    payload = json.dumps(body).encode() if body else b""
    message = await client.request(f"$JS.API.{method}", payload, timeout=2)
    if (message.headers or {}).get("Status") == "503":
        raise SessionEnded("JetStream is not available")
    response = json.loads(message.data)
    if "error" in response:
        if missing and response["error"].get("code") == 404:
            return None
        bucket.forget_stream()
        raise SessionEnded(f"JetStream refused: {response['error'].get('description')}")
    return response
