"""`manage.py bind_subject`: bind a NATS subject to a contract, or end a binding, over HTTP."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.bindings import LOCATIONS, MODES
from contracts_app.management.remote import UNUSABLE, RemoteCommand


class Command(RemoteCommand):
    help = (
        "Bind the messages on a NATS subject to a contract, so that clients validate them; or list the bindings. "
        "Exit codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Binding"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", help="of the binding, such as orders-created")
        parser.add_argument("--subject", help="a subject; * stands for one token, a last > for the rest")
        parser.add_argument("--contract", metavar="NAME[@RANGE]", help="such as order.created@^1 (default: @latest)")
        parser.add_argument("--mode", choices=MODES, default="report", help="default: report")
        parser.add_argument("--location", choices=LOCATIONS, default="body", help="where the value is (default: body)")
        parser.add_argument("--pointer", help="the JSON Pointer of the value, with --location pointer")
        parser.add_argument("--owner", help="the team that is responsible")
        parser.add_argument("--delete", action="store_true", help="end the binding --name")
        parser.add_argument("--list", action="store_true", help="list every binding")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            with self.registry(options) as registry:
                for each in registry.bindings():
                    wanted = f"{each['contract']}@{each['range']} ({each['version'] or 'no version'})"
                    self.stdout.write(f"{each['subject']}  {wanted}  {each['mode']}  {each['name']}")
            return
        if not options["name"] or (not options["delete"] and not (options["subject"] and options["contract"])):
            raise CommandError(
                "Give --name with --subject and --contract, or with --delete; or --list", returncode=UNUSABLE
            )
        with self.registry(options) as registry:
            if options["delete"]:
                registry.unbind(options["name"])
                self.stdout.write(self.style.SUCCESS(f"The binding {options['name']} was deleted"))
                return
            contract, _, version_range = options["contract"].partition("@")
            binding = {
                "subject": options["subject"],
                "contract": contract,
                "range": version_range or "latest",
                **{member: options[member] for member in ("mode", "location", "pointer", "owner") if options[member]},
            }
            made = registry.bind(options["name"], binding)
        self.stdout.write(
            self.style.SUCCESS(f"{made['subject']} is bound to {contract} {made['version']} ({made['mode']})")
        )
        for other in made["overlaps"]:
            self.stdout.write(f"It overlaps with {other['subject']} ({other['name']}): the more specific one holds")
