"""`manage.py export_asyncapi`: the bindings of subjects as an AsyncAPI document, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.management.remote import UNUSABLE, RemoteCommand


class Command(RemoteCommand):
    help = (
        "Write the bindings of subjects to contracts as an AsyncAPI 3.0 document in JSON: a channel for each, with the "
        "schemas of the versions that are valid now. Exit codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Exporting"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--subject", metavar="PATTERN", help="only bindings that overlap with it, such as 'orders.>'"
        )
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with self.registry(options) as registry:
            document = registry.asyncapi(subject=options["subject"])
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            options["output"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error}", returncode=UNUSABLE) from None
        number = len(document["channels"])
        self.stdout.write(self.style.SUCCESS(f"{number} channels written to {options['output']}"))
        for name, message in document["components"]["messages"].items():
            if "payload" not in message:
                self.stderr.write(f"{name} has no payload: {message['description']}")
