"""Tokens: the key that verifies a token, and the claims that a verified token must have."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import Token

from contracts_app.api.auth.claims import InvalidClaim, check_dates, scopes_of, subject_of
from contracts_app.api.auth.config import JWTConfig
from contracts_app.api.auth.jwks import JWKS
from contracts_app.api.auth.scopes import Scopes
from contracts_app.api.auth.token_cache import MAX_TOKEN_SECONDS, TokenCache


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

    @property
    def verified_until(self) -> float:
        """The time until which a token that is verified now counts as verified, in seconds since 1970."""
        return self.jwks.valid_until if self.jwks else time.time() + MAX_TOKEN_SECONDS

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
            check_dates(claims)
        except (jwt.InvalidTokenError, InvalidClaim) as error:
            raise TokenBackendError(f"Token decode error: {error}") from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise TokenBackendError("Token decode error: malformed token") from None
        return claims


class RegistryToken(Token):
    """A token with `sub`, `exp`, and the scopes in a claim that the configuration names."""

    # simplejwt requires both; TOKEN_TYPE_CLAIM=None keeps it from requiring the first of tokens.
    token_type = "bearer"
    lifetime = timedelta(hours=1)

    @cached_property
    def subject(self) -> str:
        """Raises InvalidClaim."""
        return subject_of(self.payload)

    @cached_property
    def scopes(self) -> Scopes:
        """Raises InvalidClaim."""
        config = settings.JWT
        return Scopes(scopes_of(self.payload, config.scope_claims, config.scope_mapping))

    @property
    def token_backend(self) -> ConfiguredBackend:
        return configured_backend(settings.JWT)

    get_token_backend = token_backend.fget  # type: ignore[attr-defined]

    def check_exp(self, *args: Any, **kwargs: Any) -> None:
        """Checked, with the leeway, when the token is decoded."""


@cache
def configured_backend(config: JWTConfig) -> ConfiguredBackend:
    return ConfiguredBackend(config)
