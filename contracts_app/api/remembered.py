"""What was verified once, remembered for a while in bounded memory: tokens, and host names."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

LIFETIME = 300
"""Seconds after which a token is verified anew even before it expires: a key set may have dropped its key."""
MOST = 10_000


class Memory(dict[bytes, Any]):
    """A dictionary of at most MOST entries, the oldest forgotten first."""

    def remember(self, key: bytes, value: Any) -> None:
        while len(self) >= MOST:
            try:
                self.pop(next(iter(self)), None)
            except (StopIteration, RuntimeError):  # another thread did
                break
        self[key] = value


@dataclass(frozen=True, slots=True)
class RememberedToken:
    token: Any
    subject: str
    scopes: frozenset[str]
    until: float
    """The last moment (seconds since 1970) at which it may be taken as verified."""


class RememberedTokens:
    """Verified tokens by the SHA-256 of their text, so that memory holds no credential."""

    def __init__(self, leeway: float) -> None:
        self._leeway = leeway
        self._memory = Memory()

    def get(self, header: bytes) -> RememberedToken | None:
        """The token of an Authorization header, if it was verified and is still valid."""
        found = self._memory.get(hashlib.sha256(header).digest())
        return found if found is not None and time.time() < found.until else None

    def remember(self, header: bytes, token: Any, subject: str, scopes: frozenset[str]) -> None:
        until = min(float(token["exp"]) + self._leeway, time.time() + LIFETIME)
        self._memory.remember(hashlib.sha256(header).digest(), RememberedToken(token, subject, scopes, until))
