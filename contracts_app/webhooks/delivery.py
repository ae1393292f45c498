"""Sending one event to one webhook."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime, timezone

import httpx
from django.conf import settings

from contracts_app.exceptions import ContractConflict
from contracts_app.webhooks.addresses import ForbiddenAddress, addresses_of
from contracts_app.webhooks.hooks import Webhook
from contracts_app.webhooks.signing import signed_headers

MAX_RETRY_AFTER_SECONDS = 24 * 3600
MAX_REASON_CHARACTERS = 300
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    delivered: bool
    status: int | None
    """Of the response, if there was one."""
    reason: str
    seconds: float
    retry_after: float = 0.0
    """Seconds that the receiver asked to wait."""


async def deliver(hook: Webhook, event: str, body: bytes) -> Outcome:
    """Send an event, of which the id and the JSON form are given, and return what became of it.

    A response other than 2xx is a failure; redirects are not followed.
    """
    begin = time.monotonic()

    def failed(reason: str, status: int | None = None, retry_after: float = 0.0) -> Outcome:
        return Outcome(False, status, reason[:MAX_REASON_CHARACTERS], time.monotonic() - begin, retry_after)

    try:
        async with asyncio.timeout(settings.WEBHOOK_TIMEOUT):
            response = await _post(hook, event, body)
    except TimeoutError:
        return failed(f"no response within {settings.WEBHOOK_TIMEOUT:g} seconds")
    except ForbiddenAddress as error:
        return failed(str(error))
    except ContractConflict as error:
        return failed(error.message)
    except socket.gaierror as error:
        return failed(f"the host is not found: {error.strerror}")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        return failed(f"{type(error).__name__}: {error}")
    if response.is_success:
        return Outcome(True, response.status_code, "delivered", time.monotonic() - begin)
    said = "redirects are not followed" if response.is_redirect else response.reason_phrase
    return failed(f"{response.status_code} {said}", response.status_code, _retry_after(response))


async def _post(hook: Webhook, event: str, body: bytes) -> httpx.Response:
    url = httpx.URL(hook.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = await addresses_of(url.host, port, encrypted=url.scheme == "https", networks=settings.WEBHOOK_NETWORKS)
    headers = {
        "content-type": "application/cloudevents+json",
        "user-agent": "contract-registry",
        "host": url.netloc.decode(),
        **signed_headers(hook, event, body, datetime.now(timezone.utc)),
    }
    options = {"trust_env": False, "follow_redirects": False, "timeout": settings.WEBHOOK_TIMEOUT}
    trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    # No proxies: they would be given an address that nobody checked.
    async with httpx.AsyncClient(verify=trusted, **options) as client:
        for number, address in enumerate(addresses, 1):
            # The address is the one that was checked; TLS still asks for the certificate of the host.
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},
            )
            try:
                # The body of the response is not read.
                response = await client.send(request, stream=True)
            except httpx.ConnectError:
                if number == len(addresses):
                    raise
                continue
            await response.aclose()
            return response
    raise OSError(f"{url.host} has no address")


@functools.cache
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the certificates that this machine trusts, with those places of OpenSSL. Reading them takes 20 ms."""
    return ssl.create_default_context()


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
