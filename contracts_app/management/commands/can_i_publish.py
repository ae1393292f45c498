"""`manage.py can_i_publish`: whether a schema may be published, and which clients it would break, for CI."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from contracts_app.management.remote import REFUSED, RemoteCommand, read_text
from linter_app.printable import printable


class Command(RemoteCommand):
    help = (
        "Compare a schema with the latest version of its contract, and name the clients that breaking changes concern, "
        "by the fields they declare. Exit codes: 0 nothing breaks, 1 something does, 2 unusable input, 3 unreachable."
    )
    doing = "Asking"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the contract")
        parser.add_argument("--against", default="latest", metavar="VERSION", help="compare with (default: latest)")
        parser.add_argument("--json-schema", required=True, metavar="FILE", help="the proposed schema")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        proposed = {"name": options["name"], "jsonSchema": read_text(options["json_schema"])}
        old = {"name": options["name"], "version": options["against"]}
        with self.registry(options) as registry:
            report = registry.check(old, proposed, consumers=True)
        breaking = [change for change in report["changes"] if change["breaking"] or not change["decided"]]
        for change in breaking:
            self.stdout.write(self.style.ERROR(printable(f"{change['rule']}: {change['message']}")))
            if change.get("witness"):
                self.stdout.write(f"  for example {printable(str(change['witness']['instance']))[:300]}")
        for each in report["consumers"]:
            where = f" in {each['environment']}" if each.get("environment") else ""
            rules = ", ".join(sorted({change["rule"] for change in each["changes"]}))
            self.stdout.write(printable(f"{each['client']}{where} {each['access']}s {each['range']}: {rules}"))
        if breaking:
            self.stdout.write(f"{len(breaking)} breaking changes; {len(report['consumers'])} clients are concerned")
            sys.exit(REFUSED)
        self.stdout.write(
            self.style.SUCCESS(f"Nothing breaks; it needs at least a {report['requiredBump'] or 'patch'} version")
        )
