"""`manage.py issue_basic_user`: a user and a secret for clients that can only do Basic authentication."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contracts_app.api.auth.basic import hash_of, new_secret, read_basic_users


class Command(BaseCommand):
    help = (
        "Make a secret for a user of Basic authentication. The secret goes to standard output, once; the entry for "
        "BASIC_USERS, which holds only its hash, to standard error. The secret does not expire: take the entry out of "
        "BASIC_USERS to end it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name of the user, as it appears in the audit log")
        parser.add_argument(
            "--scopes", default="contracts:read", help="scopes, separated by commas or spaces (default: contracts:read)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        secret = new_secret()
        scopes = ",".join(options["scopes"].replace(",", " ").split())
        entry = f"{options['user']}:{hash_of(secret)}:{scopes}"
        try:
            read_basic_users(entry)
        except ImproperlyConfigured:
            raise CommandError(
                "a user's name has A-Z a-z 0-9 . _ @ and -, and scopes are such as contracts:read or "
                "contracts:write:payments.*",
                returncode=2,
            ) from None
        self.stdout.write(secret)
        self.stderr.write(f"BASIC_USERS entry: {entry}")
