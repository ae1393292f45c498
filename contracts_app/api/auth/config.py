"""Which tokens the service accepts, read from the environment and checked before anything starts."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from jwt.algorithms import get_default_algorithms

from contracts_app.api.auth.jwks import read_keys

# The length of secrets is checked below, with the one exception of the development secret.
warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)

DEVELOPMENT_SECRET = "dev-secret-change-in-production"
MINIMUM_SECRET_BYTES = 32
ALGORITHMS = (*(f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)), "EdDSA")
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}


@dataclass(frozen=True)
class JWTConfig:
    """`key` is a secret or a PEM public key; with `jwks` (a URL or a file's path) it is empty."""

    algorithm: str
    key: str = ""
    jwks: str = ""
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    leeway: float = 0
    scope_claims: tuple[str, ...] = ("scopes", "scope")
    """The claims that may hold the scopes; the first that is present counts. A name may be a path with dots."""
    scope_mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Scopes of the registry by those of the issuer."""
    development: bool = False


def read_jwt(env: FileAwareEnv) -> JWTConfig:
    """Read the JWT_* variables. Raises ImproperlyConfigured, saying what to set."""
    algorithm = env.str("JWT_ALGORITHM", "HS256")
    if algorithm not in ALGORITHMS:
        raise ImproperlyConfigured(f"JWT_ALGORITHM={algorithm!r} is not known; set one of {', '.join(ALGORITHMS)}")
    secret = env.str("JWT_SECRET", "")
    key, path, jwks = (env.str(name, "") for name in ("JWT_PUBLIC_KEY", "JWT_PUBLIC_KEY_PATH", "JWT_JWKS"))
    given = [
        name for name, value in (("JWT_PUBLIC_KEY", key), ("JWT_PUBLIC_KEY_PATH", path), ("JWT_JWKS", jwks)) if value
    ]
    if len(given) > 1:
        raise ImproperlyConfigured(f"{' and '.join(given)} are set; set only one of them")
    common: dict[str, Any] = {
        "algorithm": algorithm,
        "issuer": env.str("JWT_ISSUER", "") or None,
        "audience": tuple(env.list("JWT_AUDIENCE", default=[])),
        "leeway": env.float("JWT_LEEWAY", 0),
        "scope_claims": tuple(env.list("JWT_SCOPES_CLAIM", default=["scopes", "scope"])),
        "scope_mapping": _scope_mapping(env.list("JWT_SCOPE_MAPPING", default=[])),
    }
    if common["leeway"] < 0:
        raise ImproperlyConfigured("JWT_LEEWAY is a number of seconds, 0 or more")
    if not all(common["scope_claims"]):
        raise ImproperlyConfigured("JWT_SCOPES_CLAIM is a list of claims, such as scp or realm_access.roles")
    if algorithm.startswith("HS"):
        if given:
            raise ImproperlyConfigured(
                f"{given[0]} is set, but JWT_ALGORITHM is {algorithm}, which verifies with JWT_SECRET; "
                "set JWT_ALGORITHM to the algorithm of that key, such as RS256"
            )
        return JWTConfig(key=_check_secret(secret), development=not secret, **common)
    if not given:
        raise ImproperlyConfigured(
            f"JWT_ALGORITHM is {algorithm}, which needs a public key; "
            "set JWT_PUBLIC_KEY, JWT_PUBLIC_KEY_PATH or JWT_JWKS"
        )
    if jwks:
        if not re.match(r"https?://", jwks):
            _check_jwks_file(jwks, algorithm)
        return JWTConfig(jwks=jwks, **common)
    if path:
        try:
            key = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"JWT_PUBLIC_KEY_PATH={path!r} cannot be read: {error}") from None
    key = key.replace("\\n", "\n")
    _check_public_key(key, algorithm, given[0])
    return JWTConfig(key=key, **common)


def _check_secret(secret: str) -> str:
    if not secret:
        return DEVELOPMENT_SECRET
    if secret == DEVELOPMENT_SECRET:
        raise ImproperlyConfigured(
            "JWT_SECRET is the public default; set a secret of your own, such as the output of `openssl rand -hex 32` "
            "(or leave JWT_SECRET unset for development on this machine)"
        )
    if len(secret.encode()) < MINIMUM_SECRET_BYTES:
        raise ImproperlyConfigured(
            f"JWT_SECRET has {len(secret.encode())} bytes; set at least {MINIMUM_SECRET_BYTES}, "
            "such as the output of `openssl rand -hex 32`"
        )
    return secret


def _check_public_key(key: str, algorithm: str, name: str) -> None:
    try:
        representation: Any = get_default_algorithms()[algorithm].prepare_key(key)
    except Exception as error:  # PyJWT and cryptography raise many types for keys that do not fit
        raise ImproperlyConfigured(f"{name} is not a PEM public key for {algorithm}: {error}") from None
    if hasattr(representation, "private_bytes"):
        raise ImproperlyConfigured(f"{name} is a private key; set the public key that belongs to it")
    curve = _CURVES.get(algorithm)
    if curve and representation.curve.name != curve:
        raise ImproperlyConfigured(f"{name} is on the curve {representation.curve.name}; {algorithm} needs {curve}")


def _scope_mapping(pairs: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the scopes by those of the issuer, from pairs such as `registry-writer=contracts:write`."""
    mapping: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        theirs, equals, ours = pair.strip().rpartition("=")
        if not equals or not theirs or not ours.startswith("contracts:"):
            raise ImproperlyConfigured(
                f"JWT_SCOPE_MAPPING has {pair!r}; write pairs such as registry-writer=contracts:write, with commas"
            )
        mapping[theirs] = (*mapping.get(theirs, ()), ours)
    return mapping


def _check_jwks_file(path: str, algorithm: str) -> None:
    try:
        if not read_keys(Path(path).read_bytes(), algorithm):
            raise ValueError(f"no key in it is for {algorithm}")
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"JWT_JWKS={path!r} is neither a URL nor a readable JWK set: {error}") from None
