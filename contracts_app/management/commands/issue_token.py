"""`manage.py issue_token`: a bearer token signed with the configured secret, for development."""

from __future__ import annotations

import time
from typing import Any

import jwt
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


def make_token(subject: str, scopes: list[str], seconds: int) -> str:
    """Return a bearer token in the form of docs/security.md. Raises CommandError if only public keys are configured."""
    config = settings.JWT
    if not config.algorithm.startswith("HS"):
        raise CommandError(f"JWT_ALGORITHM is {config.algorithm}: this service only verifies; ask your token issuer")
    now = int(time.time())
    claims: dict[str, Any] = {"sub": subject, "iat": now, "exp": now + seconds, "scopes": scopes}
    if config.issuer:
        claims["iss"] = config.issuer
    if config.audience:
        claims["aud"] = list(config.audience)
    return jwt.encode(claims, config.key, algorithm=config.algorithm)


class Command(BaseCommand):
    help = (
        "Print a bearer token signed with JWT_SECRET. Anyone who holds it may do what its scopes say until it expires."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sub", default="dev-user", help="who the token speaks for (default: dev-user)")
        parser.add_argument(
            "--scopes",
            default="contracts:read,contracts:write",
            help="scopes, separated by commas or spaces (default: contracts:read,contracts:write)",
        )
        parser.add_argument("--ttl", type=int, default=3600, help="seconds until it expires (default: 3600)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ttl"] <= 0:
            raise CommandError("--ttl is a number of seconds greater than 0", returncode=2)
        scopes = options["scopes"].replace(",", " ").split()
        self.stdout.write(make_token(options["sub"], scopes, options["ttl"]))
