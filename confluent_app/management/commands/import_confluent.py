"""`manage.py import_confluent`: bring in what another registry of the Confluent API has."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from confluent_app.exports import Export, InvalidExport, read_file, read_registry
from confluent_app.imports import import_export
from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from linter_app.printable import printable_lines

MAX_SHOWN = 100


class Command(LocalCommand):
    help = (
        "Bring in the schemas of another registry with its ids, versions, levels and modes: of a running one by its "
        "URL, or from a file (a JSON list or lines of JSON as GET /schemas has them, or a dump of the topic _schemas "
        "with keys and values). What is here already stays, so that an import that was interrupted can be run again. "
        "Exit codes: 0 all is here, 1 some could not be carried over and standard error says why, 2 the source cannot "
        "be read, 3 the store is unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="URL|FILE")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument(
            "--user",
            metavar="USER:SECRET",
            default=os.environ.get("CONFLUENT_USER_INFO", ""),
            help="credentials for the URL (default: the CONFLUENT_USER_INFO environment variable)",
        )
        parser.add_argument("--token", default="", help="a bearer token for the URL, instead of --user")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            export = self._read(options)
        except (InvalidExport, OSError, UnicodeDecodeError) as error:
            raise CommandError(printable_lines(str(error)), returncode=UNUSABLE) from None
        dry_run = options["dry_run"]
        with self.store() as store:
            store.enable_replica()
            report = import_export(export, store, self.actor(), dry_run=dry_run, progress=self.progress)
        for line in report.refused[:MAX_SHOWN]:
            self.stderr.write(f"not carried over: {printable_lines(line)}")
        if len(report.refused) > MAX_SHOWN:
            self.stderr.write(f"... and {len(report.refused) - MAX_SHOWN} more")
        summary = ", ".join(f"{number} {word}" for word, number in sorted(report.done.items())) or "nothing"
        self.stdout.write(f"{'Would be: ' if dry_run else ''}{summary}")
        if report.refused:
            raise CommandError(f"{len(report.refused)} could not be carried over", returncode=FAULTY)

    def _read(self, options: dict[str, Any]) -> Export:
        source: str = options["source"]
        if not source.startswith(("http://", "https://")):
            return read_file(Path(source))
        headers = {}
        if options["token"]:
            headers["Authorization"] = f"Bearer {options['token']}"
        elif options["user"]:
            headers["Authorization"] = f"Basic {base64.b64encode(options['user'].encode()).decode()}"
        return read_registry(source, headers)
