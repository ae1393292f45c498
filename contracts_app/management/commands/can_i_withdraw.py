"""`manage.py can_i_withdraw`: whether a version can be withdrawn, and who uses it, for CI."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from contracts_app.management.remote import REFUSED, RemoteCommand
from linter_app.printable import printable


class Command(RemoteCommand):
    help = (
        "Say whether a version can be withdrawn: what depends on it, which clients use it, and what its policy asks "
        "for. Exit codes: 0 yes, and nobody uses it; 1 no, or somebody does; 2 unusable input; 3 unreachable."
    )
    doing = "Asking"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the contract")
        parser.add_argument("--version", required=True, help="the version, as it was published")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with self.registry(options) as registry:
            found = registry.can_withdraw(options["name"], options["version"])
        for reason in found["reasons"]:
            self.stdout.write(self.style.ERROR(printable(reason)))
        for each in found["clients"]:
            where = f" in {each['environment']}" if each.get("environment") else ""
            use = f"{each['access']}s {each['range']}, last seen {each['seen']}"
            self.stdout.write(printable(f"{each['client']}{where} {use}"))
        if not found["allowed"] or found["clients"]:
            sys.exit(REFUSED)
        self.stdout.write(
            self.style.SUCCESS(f"{options['name']} {options['version']} can be withdrawn: nobody uses it")
        )
