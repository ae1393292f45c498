"""Signatures of webhooks, as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

A secret is derived from Django's SECRET_KEY and a random salt, so that neither the bucket nor its backups have it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta, timezone

from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook as Signer

from contracts_app.exceptions import ContractConflict
from contracts_app.timestamps import utc_now
from contracts_app.webhooks.hooks import SigningKey, Webhook

ROTATION_HOURS = 24
"""Hours during which events are also signed with the secret before the current one."""


def new_key() -> SigningKey:
    """Return a key with a secret of its own."""
    salt = secrets.token_hex(16)
    return SigningKey(salt, _fingerprint(_secret(salt)))


def rotated(keys: tuple[SigningKey, ...]) -> tuple[SigningKey, ...]:
    """Return the keys after a new one was made."""
    until = datetime.now(timezone.utc) + timedelta(hours=ROTATION_HOURS)
    return new_key(), keys[0]._replace(until=until.isoformat(timespec="seconds").replace("+00:00", "Z"))


def secret_of(key: SigningKey) -> str:
    """Return the secret of a key, `whsec_` and base64. Raises ContractConflict: it was made with another SECRET_KEY."""
    secret = _secret(key.salt)
    if _fingerprint(secret) != key.fingerprint:
        raise ContractConflict(
            "The secret of this webhook was made with another SECRET_KEY: give all processes the same one, or rotate "
            "the secret"
        )
    return f"whsec_{base64.b64encode(secret).decode()}"


def signed_headers(hook: Webhook, event: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a request with an event. Raises ContractConflict like `secret_of`."""
    text, moment = body.decode(), utc_now()
    current, *before = hook.keys
    # One that was made with another SECRET_KEY cannot be made again.
    usable = [each for each in before if each.until > moment and _fingerprint(_secret(each.salt)) == each.fingerprint]
    signatures = [Signer(secret_of(each)).sign(event, now, text) for each in (current, *usable)]
    return {
        "webhook-id": event,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _secret(salt: str) -> bytes:
    return salted_hmac("contracts_app.webhooks", salt, algorithm="sha256").digest()


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()[:12]
