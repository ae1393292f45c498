"""Requests to the JetStream API, as JSON.

Every server of a cluster receives a request, and the leader answers it. A server that sees no leader answers, too, that
there is none. After a partition that may be wrong for many seconds, while another server leads: then its answer counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

REQUEST_SECONDS = 1.5
OTHERS_SECONDS = 0.3
"""How long the answers of other servers are waited for, after one that says that there is no leader."""


async def request(
    client: Client,
    method: str,
    body: Any = None,
    *,
    missing: bool = False,
    is_doubtful: Callable[[Any], bool] = lambda response: False,
) -> Any:
    """Return the response to one request; with `missing`, None if the resource does not exist.

    A response that is doubtful is returned only if no server gives another one. Raises nats.js.errors.APIError, and the
    errors of a connection.
    """
    subject, payload = f"$JS.API.{method}", json.dumps(body).encode() if body else b""

    def is_good(response: Any) -> bool:
        return response.get("error", {}).get("code") != 503 and ("error" in response or not is_doubtful(response))

    response = _parse(await client.request(subject, payload, timeout=REQUEST_SECONDS))
    if not is_good(response):
        response = await _first_good(client, subject, payload, is_good) or response
    error = response.get("error")
    if error is None:
        return response
    if missing and error.get("code") == 404:
        return None
    return nats.js.errors.APIError.from_error(error)  # raises


def _parse(message: Msg) -> Any:
    if (message.headers or {}).get("Status") == "503":
        return {"error": {"code": 503, "description": "JetStream is not available"}}
    return json.loads(message.data)


async def _first_good(client: Client, subject: str, payload: bytes, is_good: Callable[[Any], bool]) -> Any:
    """Repeat a request, and return the first good answer of any server, or None if there is none."""
    inbox, deadline = client.new_inbox(), time.monotonic() + OTHERS_SECONDS
    subscription = await client.subscribe(inbox)
    try:
        await client.publish(subject, payload, reply=inbox)
        while (left := deadline - time.monotonic()) > 0:
            response = _parse(await subscription.next_msg(timeout=left))
            if is_good(response):
                return response
    except (TimeoutError, nats.errors.TimeoutError):
        pass
    finally:
        await subscription.unsubscribe()
    return None
