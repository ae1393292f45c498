"""Shared parts of the commands that use a registry over HTTP: options, exit codes and error messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.client import RegistryClient, RegistryError, RegistryUnreachable
from contracts_app.management.errors import PlainErrors
from linter_app.printable import printable_lines

# Exit codes other than 0: the registry refused, the input is unusable, the registry could not be reached, a review is
# not decided.
REFUSED, UNUSABLE, UNREACHABLE, WAITING = 1, 2, 3, 4


HOW_TO_GET_A_TOKEN = (
    "A token comes from your identity provider, or from `manage.py issue_token` where the registry has a secret; "
    "`make run` prints one"
)


class RemoteCommand(PlainErrors):
    requires_system_checks = []
    doing = "Asking"
    """The operation that failed, for its message."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would conflict with that of the contract.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--registry-endpoint",
            default=os.environ.get("REGISTRY_ENDPOINT", "http://localhost:8090"),
            help="default: http://localhost:8090, or REGISTRY_ENDPOINT",
        )
        parser.add_argument("--jwt", help="bearer token (default: the JWT_TOKEN environment variable)")
        parser.add_argument("--timeout", type=float, default=30, help="seconds to wait for an answer (default: 30)")

    @contextmanager
    def registry(self, options: dict[str, Any]) -> Iterator[RegistryClient]:
        """Return a client; its errors become those of the command, with their exit codes."""
        token = options["jwt"] or os.environ.get("JWT_TOKEN", "")
        if not token:
            raise CommandError(f"No token: give --jwt, or set JWT_TOKEN. {HOW_TO_GET_A_TOKEN}", returncode=UNUSABLE)
        try:
            with RegistryClient(options["registry_endpoint"], token.strip(), timeout=options["timeout"]) as client:
                yield client
        except RegistryUnreachable as error:
            raise CommandError(printable_lines(str(error)), returncode=UNREACHABLE) from None
        except RegistryError as error:
            detail = str(error)
            if error.status == 409 and "digest" in error.problem:
                detail += f" (stored digest: {error.problem['digest']})"
            if error.status == 401:
                detail += f". {HOW_TO_GET_A_TOKEN}"
            raise CommandError(
                f"{self.doing} failed ({error.status}): {printable_lines(detail)}",
                returncode=UNREACHABLE if error.status >= 500 else REFUSED,
            ) from None
        except (UnicodeError, ValueError) as error:  # a token that no header can carry
            raise CommandError(f"The token or the endpoint is unusable: {error}", returncode=UNUSABLE) from None


class LifecycleCommand(RemoteCommand):
    """Base of the commands that change the state of one version."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the contract")
        parser.add_argument("--version", required=True, help="the version, as it was published")
        parser.add_argument("--reason", help="why, for its readers and for the audit")
        parser.add_argument("--successor", metavar="VERSION", help="the version to use instead")
        super().add_arguments(parser)


def read_text(path: str) -> str:
    """Return the text of a file, unchanged. Raises CommandError."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=UNUSABLE) from None
