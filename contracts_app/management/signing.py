"""Signing of what a command publishes, with a private key in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.bundles import content_digest
from contracts_app.exceptions import MalformedContract
from contracts_app.management.remote import UNUSABLE
from contracts_app.services.publish_requests import read_publish
from contracts_app.signatures import signed_envelope

PASSWORD = "SIGNING_KEY_PASSWORD"


def add_signing_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--sign-with",
        metavar="FILE",
        help=f"sign with a private key in PEM form; {PASSWORD} has its password, if it has one",
    )


def with_signature(request: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return a publish request with the signature that the options ask for. Raises CommandError."""
    if not options["sign_with"]:
        return request
    try:
        bundle = read_publish(request).bundle
        key = Path(options["sign_with"]).read_bytes()
        password = os.environ.get(PASSWORD)
        envelope = signed_envelope(
            f"{bundle.name}@{bundle.version}", content_digest(bundle), key, password.encode() if password else None
        )
    except MalformedContract as error:
        raise CommandError(error.message, returncode=UNUSABLE) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{options['sign_with']} cannot be used: {error}", returncode=UNUSABLE) from None
    return {**request, "signatures": [envelope]}
