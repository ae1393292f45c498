"""`manage.py withdraw_contract`: withdraw a version."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from contracts_app.management.remote import LifecycleCommand


class Command(LifecycleCommand):
    help = (
        "Withdraw a version: it answers 410 from now on, and stays readable with includeWithdrawn. "
        "Exit codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Withdrawing"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--override", metavar="REASON", help="withdraw it although others depend on it")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = {field: options[field] for field in ("reason", "successor")}
        fields["override"] = {"reason": options["override"]} if options["override"] else None
        with self.registry(options) as registry:
            registry.withdraw(options["name"], options["version"], **fields)
        self.stdout.write(self.style.SUCCESS(f"{options['name']} {options['version']} is withdrawn"))
