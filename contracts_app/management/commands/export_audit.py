"""`manage.py export_audit`: the audit log as a file whose entries are chained by hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.management.local import UNUSABLE, LocalCommand
from contracts_app.services.audit_chain import export_chain


class Command(LocalCommand):
    help = (
        "Write who changed what and when to a file, or append what is new, each entry with a hash over all before it. "
        "Keep the last hash elsewhere, or sign the file: then no entry can be changed, also not by an administrator of "
        "the bucket. The bucket keeps the last 64 writes of each key, and the file keeps all that were exported. Exit "
        "codes: 0 written, 1 the file is of another bucket or its chain breaks, 2 it cannot be written, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="such as audit.jsonl; one that exists is continued")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with self.store() as store:
                chain = export_chain(store, path, self.progress)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error}", returncode=UNUSABLE) from None
        self.stdout.write(
            self.style.SUCCESS(f"{path} has {chain.entries} entries, up to the write {chain.last} of {chain.stream}")
        )
        self.stdout.write(f"head {chain.head}")
