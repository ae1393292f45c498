"""`manage.py audit_log`: who did what, when and why."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.bundles import compact
from contracts_app.exceptions import MalformedContract
from contracts_app.management.local import UNUSABLE, LocalCommand
from contracts_app.services.audit import AuditFilter, audit_entries, read_time
from linter_app.printable import printable


class Command(LocalCommand):
    help = "Print the audit log from the bucket's history: a line for each write, or JSON lines to export it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contract", help="of one contract")
        parser.add_argument("--actor", help="by one actor: the sub of a token, or command:USER")
        parser.add_argument("--action", help="such as publish, deprecate, withdraw, set-policy")
        parser.add_argument("--since", help="RFC 3339 date or time, included")
        parser.add_argument("--until", help="RFC 3339 date or time, excluded")
        parser.add_argument("--after", type=int, default=0, help="only what follows this sequence")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            wanted = AuditFilter(
                contract=options["contract"],
                actor=options["actor"],
                action=options["action"],
                since=read_time(options["since"], "since"),
                until=read_time(options["until"], "until"),
            )
        except MalformedContract as error:
            raise CommandError(error.message.replace("query parameter ", "option --"), returncode=UNUSABLE) from None
        with self.store() as store:
            for entry in audit_entries(store, wanted, options["after"]):
                self.stdout.write(compact(entry).decode() if options["format"] == "json" else _line(entry))


def _line(entry: dict[str, Any]) -> str:
    what = f"{entry['contract']} {entry['version']}" if "contract" in entry else entry["key"]
    change = f" ({entry['before']} -> {entry['after']})" if entry.get("before") and "contract" in entry else ""
    reason = f": {entry['reason']}" if entry.get("reason") else ""
    line = f"{entry['sequence']:>8} {entry['time']} {entry['actor'] or '?'} {entry['action']} {what}{change}{reason}"
    return printable(line)
