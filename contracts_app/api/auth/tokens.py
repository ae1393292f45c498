"""Tokens: the key that verifies a token, and the claims that a verified token must have."""

from __future__ import annotations

import threading
import time
import urllib.request
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from contracts_app.api.auth.config import JWTConfig
from contracts_app.api.auth.token_cache import TokenCache
from contracts_app.exceptions import StorageUnavailable
from linter_app.schema.json_text import InvalidJSON, loads

JWKS_LIFETIME = 300
JWKS_MINIMUM_INTERVAL = 10
_JWKS_TIMEOUT = 5
_JWKS_MAX_BYTES = 1024 * 1024


class KeysUnavailable(StorageUnavailable):
    """No key set could be fetched, so tokens can be neither accepted nor refused."""

    code = "token_keys_unavailable"


class JWKS:
    """A JSON Web Key Set (RFC 7517) from a URL or a file, cached.

    An unknown `kid` refreshes the set, at most once every JWKS_MINIMUM_INTERVAL seconds. If a refresh fails, the keys
    known before are kept.
    """

    def __init__(self, source: str, algorithm: str) -> None:
        self._source = source
        self._algorithm = algorithm
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._loaded_at: float | None = None
        self._tried_at: float | None = None
        self._error = "not fetched yet"

    def key_for(self, token: str | bytes) -> Any:
        """Return the key of the token's `kid`. Raises jwt.InvalidTokenError, KeysUnavailable."""
        kid = jwt.get_unverified_header(token).get("kid")
        now = time.monotonic()
        if self._loaded_at is None or now - self._loaded_at > JWKS_LIFETIME or not self._find(kid):
            self._refresh()
        if self._loaded_at is None:
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
        with self._lock:
            now = time.monotonic()
            if self._tried_at is not None and now - self._tried_at < JWKS_MINIMUM_INTERVAL:
                return
            self._tried_at = now
            try:
                self._keys = read_keys(self._read(), self._algorithm)
            except (OSError, ValueError, jwt.PyJWTError) as error:
                self._error = str(error)
                return
            self._loaded_at = now

    def _read(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            return Path(self._source).read_bytes()
        with urllib.request.urlopen(self._source, timeout=_JWKS_TIMEOUT) as response:
            body: bytes = response.read(_JWKS_MAX_BYTES + 1)
        if len(body) > _JWKS_MAX_BYTES:
            raise ValueError("the key set is larger than 1 MiB")
        return body


def read_keys(text: bytes | str, algorithm: str) -> dict[str | None, Any]:
    """Return the keys of a JWK set that verify signatures of an algorithm, by `kid`. Raises ValueError, PyJWTError."""
    try:
        listed = loads(text)
    except InvalidJSON as error:
        raise ValueError(f"not JSON: {error}") from None
    keys = listed.get("keys") if isinstance(listed, dict) else None
    if not isinstance(keys, list):
        raise ValueError('a JWK set is a JSON object with "keys", a list')
    family = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    usable = [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") == family
        and key.get("use") in (None, "sig")
        and key.get("alg", algorithm) == algorithm
    ]
    return {key.get("kid"): jwt.PyJWK.from_dict(key, algorithm=algorithm).key for key in usable}


class ConfiguredBackend(TokenBackend):
    """simplejwt's backend, with the one configured algorithm and the key that belongs to it."""

    def __init__(self, config: JWTConfig) -> None:
        super().__init__(
            algorithm=config.algorithm,
            signing_key=config.key if config.algorithm.startswith("HS") else None,
            verifying_key=config.key,
            audience=config.audience or None,
            issuer=config.issuer,
            leeway=config.leeway,
        )
        self.cache = TokenCache(config.leeway)
        self.jwks = JWKS(config.jwks, config.algorithm) if config.jwks else None

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the verified claims. Raises TokenBackendError with the reason."""
        try:
            key = self.jwks.key_for(token) if self.jwks else self.get_verifying_key(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.get_leeway(),
                # `iat` is informative: a clock ahead of ours is not a reason to refuse.
                options={"require": ["exp"], "verify_aud": self.audience is not None, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenBackendError(f"Token decode error: {error}") from None
        except (ValueError, TypeError, OverflowError):
            raise TokenBackendError("Token decode error: malformed token") from None
        return claims


class RegistryToken(Token):
    """A token with `sub`, `exp`, and `scopes` or `scope`."""

    # simplejwt requires both; TOKEN_TYPE_CLAIM=None keeps it from requiring the first of tokens.
    token_type = "bearer"
    lifetime = timedelta(hours=1)

    @cached_property
    def scopes(self) -> frozenset[str]:
        scopes = self.payload.get("scopes", self.payload.get("scope"))
        if isinstance(scopes, str):
            return frozenset(scopes.split())
        if isinstance(scopes, list):
            return frozenset(scope for scope in scopes if isinstance(scope, str))
        return frozenset()

    @property
    def token_backend(self) -> ConfiguredBackend:
        return configured_backend(settings.JWT)

    get_token_backend = token_backend.fget  # type: ignore[attr-defined]

    def check_exp(self, *args: Any, **kwargs: Any) -> None:
        """Checked, with the leeway, when the token is decoded."""


@cache
def configured_backend(config: JWTConfig) -> ConfiguredBackend:
    return ConfiguredBackend(config)
