"""A bounded cache of verified tokens."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from contracts_app.api.auth.scopes import Scopes

MAX_TOKEN_SECONDS = 300
"""Seconds after which a token is verified again even if it has not expired."""
MAX_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class CachedToken:
    token: Any
    subject: str
    scopes: Scopes
    expires: float
    """The token's own `exp`, in seconds since 1970."""
    verified_until: float
    """The time until which the token counts as verified, in seconds since 1970."""


class TokenCache:
    """Tokens by the SHA-256 of their Authorization header, so that the cache holds no credential."""

    def __init__(self, leeway: float) -> None:
        self._leeway = leeway
        self._tokens: dict[bytes, CachedToken] = {}

    def get(self, header: bytes) -> CachedToken | None:
        """Return the token of an Authorization header, if it was verified and is still valid."""
        found = self._tokens.get(hashlib.sha256(header).digest())
        return found if found is not None and time.time() < found.verified_until else None

    def put(self, header: bytes, token: Any, subject: str, scopes: Scopes, *, until: float) -> CachedToken:
        """Keep a verified token, at most `until`, and return it. The oldest is evicted beyond MAX_TOKENS."""
        while len(self._tokens) >= MAX_TOKENS:
            try:
                self._tokens.pop(next(iter(self._tokens)), None)
            except (StopIteration, RuntimeError):  # another thread did it
                break
        expires = float(token["exp"])
        cached = CachedToken(token, subject, scopes, expires, min(expires + self._leeway, until))
        self._tokens[hashlib.sha256(header).digest()] = cached
        return cached
