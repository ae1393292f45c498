"""`manage.py deprecate_contract`: mark a version as deprecated."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from contracts_app.management.remote import LifecycleCommand


class Command(LifecycleCommand):
    help = (
        "Deprecate a version: readers see a warning with its sunset and its successor. Its content stays. "
        "Exit codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Deprecating"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--sunset", metavar="DATE", help="RFC 3339 date or time from which on it is gone")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = {field: options[field] for field in ("reason", "sunset", "successor")}
        with self.registry(options) as registry:
            life = registry.deprecate(options["name"], options["version"], **fields)["lifecycle"]
        until = f", sunset {life['sunsetAt']}" if "sunsetAt" in life else ""
        self.stdout.write(self.style.SUCCESS(f"{options['name']} {options['version']} is deprecated{until}"))
