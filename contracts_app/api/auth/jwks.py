"""JSON Web Key Sets (RFC 7517): the keys that verify tokens, from a URL or a file."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import NoneType
from typing import Any

import httpx
import jwt

from contracts_app.exceptions import StorageUnavailable
from linter_app.schema.json_text import InvalidJSON, loads

JWKS_LIFETIME = 300
"""Seconds after which the next request that needs a key fetches the set again."""
JWKS_MINIMUM_INTERVAL = 10
"""Seconds between two attempts to fetch it."""
MAX_JWKS_AGE_SECONDS = 3600
"""Seconds for which known keys are used where the set cannot be fetched."""
_JWKS_TIMEOUT = 5.0
"""Seconds for the whole response."""
_JWKS_MAX_BYTES = 1024 * 1024
_FETCH_ERRORS = (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL)


class KeysUnavailable(StorageUnavailable):
    """No key set could be fetched, so tokens can be neither accepted nor refused."""

    code = "token_keys_unavailable"


class JWKS:
    """A JSON Web Key Set (RFC 7517) from a URL or a file, cached for JWKS_LIFETIME.

    An unknown `kid` refreshes the set, at most once every JWKS_MINIMUM_INTERVAL seconds. If a refresh fails, the keys
    known before are used for up to MAX_JWKS_AGE_SECONDS. One thread refreshes; the others go on with the known keys.
    """

    def __init__(self, source: str, algorithm: str) -> None:
        self._source = source
        self._algorithm = algorithm
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._loaded_at = -math.inf
        self._tried_at = -math.inf
        self._error = "not fetched yet"

    @property
    def valid_until(self) -> float:
        """The time after which tokens must be verified again, in seconds since 1970: a key may have been withdrawn."""
        return time.time() + max(self._loaded_at + JWKS_LIFETIME - time.monotonic(), JWKS_MINIMUM_INTERVAL)

    def status(self) -> dict[str, Any]:
        """Return whether keys are known, their age in seconds, and the reason of the last failure since then."""
        age = time.monotonic() - self._loaded_at
        if age <= MAX_JWKS_AGE_SECONDS:
            members: dict[str, Any] = {"state": "available", "ageSeconds": int(age)}
        else:
            members = {"state": "unavailable" if self._tried_at > -math.inf else "not used yet"}
        if self._tried_at > self._loaded_at:
            members["reason"] = self._error
        return members

    def fetch(self) -> None:
        """Fetch the keys now. Raises KeysUnavailable."""
        try:
            self._keys = read_keys(self._read(), self._algorithm)
        except _FETCH_ERRORS as error:
            raise KeysUnavailable(f"The keys that verify tokens cannot be fetched: {error}") from None
        self._loaded_at = time.monotonic()

    def key_for(self, token: str | bytes) -> Any:
        """Return the key of the token's `kid`. Raises jwt.InvalidTokenError, KeysUnavailable."""
        kid = jwt.get_unverified_header(token).get("kid")
        if kid is not None and not isinstance(kid, str):
            raise jwt.InvalidTokenError("the token's kid is not a text")
        if time.monotonic() - self._loaded_at > JWKS_LIFETIME or not self._find(kid):
            self._refresh()
        if time.monotonic() - self._loaded_at > MAX_JWKS_AGE_SECONDS:
            raise KeysUnavailable(f"The keys that verify tokens cannot be fetched: {self._error}")
        found = self._find(kid)
        if not found:
            raise jwt.InvalidTokenError("no key of the key set has the token's kid")
        return found[0]

    def _find(self, kid: str | None) -> list[Any]:
        if kid is None:
            return list(self._keys.values()) if len(self._keys) == 1 else []
        return [self._keys[kid]] if kid in self._keys else []

    def _refresh(self) -> None:
        # Without any key, a request waits for the thread that fetches them.
        if not self._lock.acquire(timeout=-1 if self._keys else 2 * _JWKS_TIMEOUT, blocking=not self._keys):
            return
        try:
            if time.monotonic() - self._tried_at < JWKS_MINIMUM_INTERVAL:
                return
            self._tried_at = time.monotonic()
            self._keys = read_keys(self._read(), self._algorithm)
            self._loaded_at = time.monotonic()
        except _FETCH_ERRORS as error:
            self._error = str(error) or type(error).__name__
        finally:
            self._lock.release()

    def _read(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            return Path(self._source).read_bytes()
        deadline = time.monotonic() + _JWKS_TIMEOUT
        body = bytearray()
        with httpx.stream("GET", self._source, timeout=_JWKS_TIMEOUT) as response:
            response.raise_for_status()
            for part in response.iter_bytes():
                body += part
                if len(body) > _JWKS_MAX_BYTES:
                    raise ValueError("the key set is larger than 1 MiB")
                if time.monotonic() > deadline:
                    raise ValueError(f"the key set did not arrive within {_JWKS_TIMEOUT:g} seconds")
        return bytes(body)


def read_keys(text: bytes | str, algorithm: str) -> dict[str | None, Any]:
    """Return the keys of a JWK set that verify signatures of an algorithm, by `kid`. Raises ValueError.

    Keys of other kinds, and keys that cannot be read, are ignored (RFC 7517, section 5).
    """
    try:
        listed = loads(text)
    except InvalidJSON as error:
        raise ValueError(f"not JSON: {error}") from None
    keys = listed.get("keys") if isinstance(listed, dict) else None
    if not isinstance(keys, list):
        raise ValueError('a JWK set is a JSON object with "keys", a list')
    family = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    found: dict[str | None, Any] = {}
    for key in keys:
        if (
            isinstance(key, dict)
            and key.get("kty") == family
            and key.get("use") in (None, "sig")
            and key.get("alg", algorithm) == algorithm
            and isinstance(key.get("kid"), (str, NoneType))
        ):
            # PyJWT and cryptography raise many types for values that do not fit.
            with suppress(Exception):
                found[key.get("kid")] = jwt.PyJWK.from_dict(key, algorithm=algorithm).key
    return found
