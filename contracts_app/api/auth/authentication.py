"""Authentication of requests by a bearer token (RFC 6750) or by Basic (RFC 7617), verified without a database."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.models import TokenUser

from contracts_app.api.auth.basic import BasicUser, read_credentials, user_with
from contracts_app.api.auth.claims import InvalidClaim
from contracts_app.api.auth.jwks import KeysUnavailable
from contracts_app.api.auth.scopes import Scopes
from contracts_app.api.auth.token_cache import MAX_TOKEN_SECONDS, CachedToken
from contracts_app.api.auth.tokens import ConfiguredBackend, RegistryToken, configured_backend
from contracts_app.tracing import span

TOKEN_SUBJECT = "registry.token_subject"
"""In the environment of a request: the `sub` of its verified token, for the access log."""


class BearerAuthentication(JWTStatelessUserAuthentication):
    """simplejwt's stateless authentication, with the registry's messages and a cache of verified tokens."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        header = self.get_header(request)
        if not header:
            raise AuthenticationFailed("Missing Authorization header", code="missing_token")
        with span("authenticate"):
            verified = verify_header(header)
        request.META[TOKEN_SUBJECT] = verified.subject
        return TokenUser(verified.token), verified.token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def verify_header(header: bytes) -> CachedToken:
    """Return the verified token of an Authorization header. Raises AuthenticationFailed, KeysUnavailable."""
    backend = configured_backend(settings.JWT)
    cached = backend.cache.get(header)
    if cached is not None:
        return cached
    scheme, _, raw = header.strip().partition(b" ")
    if scheme.lower() == b"basic":
        given = read_credentials(raw.strip())
        if given is None:
            raise AuthenticationFailed("Invalid credentials: 'Basic' needs base64 of 'user:password'", "bad_scheme")
        if (user := user_with(settings.BASIC_USERS, *given)) is not None:
            return _cache_user(header, user, backend)
        if given[1].count(".") != 2:
            raise AuthenticationFailed("Invalid credentials: no such user, or another secret", code="invalid_token")
        raw = given[1].encode()
    elif scheme.lower() != b"bearer" or not raw.strip():
        raise AuthenticationFailed("Invalid token: the Authorization header must be 'Bearer <token>'", "bad_scheme")
    try:
        token = RegistryToken(raw.strip())  # type: ignore[arg-type]
        return backend.cache.put(header, token, token.subject, token.scopes, until=backend.verified_until)
    except InvalidClaim as error:
        raise AuthenticationFailed(f"Invalid token: {error}", code="invalid_token") from None
    except TokenError as error:
        # simplejwt's own message is only that the token is invalid; its cause says why.
        reason = error.__cause__ or error
        raise AuthenticationFailed(f"Invalid token: {reason.args[0]}", code="invalid_token") from None


def _cache_user(header: bytes, user: BasicUser, backend: ConfiguredBackend) -> CachedToken:
    """Return a token that says what a user may, as if it had been issued now."""
    token = RegistryToken()
    token["sub"] = user.name
    token.scopes = Scopes(user.scopes)
    return backend.cache.put(header, token, user.name, token.scopes, until=time.time() + MAX_TOKEN_SECONDS)


def is_authentic(header: bytes) -> bool:
    """Return whether an Authorization header holds a valid token, as far as that can be decided now."""
    try:
        verify_header(header)
    except (AuthenticationFailed, KeysUnavailable):
        return False
    return True
