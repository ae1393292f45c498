"""Basic authentication (RFC 7617) for clients that cannot send a bearer token.

The password is a token, or the secret of a user in BASIC_USERS. Secrets are long and random, as `manage.py
issue_basic_user` makes them, so that their hash needs no salt and no work factor.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

_USER = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,99}):([0-9a-f]{64}):(contracts:[^\s;]+)")


@dataclass(frozen=True)
class BasicUser:
    """A user of Basic authentication, with the SHA-256 of its secret in hexadecimal digits."""

    name: str
    secret_hash: str
    scopes: tuple[str, ...]


def read_basic_users(text: str) -> Mapping[str, BasicUser]:
    """Return the users of BASIC_USERS: `NAME:SHA256:SCOPE,SCOPE`, one on a line or separated by `;`.

    Raises ImproperlyConfigured.
    """
    users: dict[str, BasicUser] = {}
    for number, line in enumerate(re.split(r"[\n;]", text), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        match = _USER.fullmatch(entry)
        if match is None or match[1] in users:
            # The entry itself is not shown: a secret may stand where its hash should be.
            raise ImproperlyConfigured(
                f"BASIC_USERS: entry {number} is not NAME:SHA256:SCOPE,SCOPE, or names a user again; "
                "`manage.py issue_basic_user` prints one"
            )
        users[match[1]] = BasicUser(match[1], match[2], tuple(match[3].split(",")))
    return users


def read_credentials(text: bytes) -> tuple[str, str] | None:
    """Return the user and the password of a header's value after `Basic`, or None if it has another form."""
    try:
        user, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def user_with(users: Mapping[str, BasicUser], name: str, secret: str) -> BasicUser | None:
    """Return the user with this secret, or None."""
    user = users.get(name)
    hashed = hash_of(secret)
    return user if user is not None and hmac.compare_digest(hashed, user.secret_hash) else None


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
