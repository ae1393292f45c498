"""`manage.py verify_backup`: prove that a backup can be restored."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.management.commands.restore import WHICH, opened_backup, restore_into
from contracts_app.management.local import FAULTY, LocalCommand
from contracts_app.services.archives import verify_records
from contracts_app.serving.embedded_nats import MAX_PAYLOAD_BYTES, EmbeddedServer, free_port
from contracts_app.storage.nats.store import JetStreamContractStore
from linter_app.printable import printable


class Command(LocalCommand):
    help = (
        "Restore a backup into a nats-server of its own, in a temporary folder, and verify every record there. Neither "
        "the service nor its store is touched. Exit codes: 0 it can be restored, 1 records have errors, 2 no backup, "
        "damaged, or without the right key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", metavar="DIR", help=WHICH)
        parser.add_argument("--identity", type=Path, metavar="FILE", help="the age key of an encrypted backup")

    def handle(self, *args: Any, **options: Any) -> None:
        with (
            opened_backup(options["backup"]) as backup,
            tempfile.TemporaryDirectory(prefix="registry-verify-") as folder,
        ):
            server = EmbeddedServer(Path(folder), port=free_port(0), max_record_bytes=MAX_PAYLOAD_BYTES)
            server.start()
            store = JetStreamContractStore(servers=server.url, bucket=backup.bucket, timeout=30)
            try:
                state = restore_into(store, backup, options["identity"], None)
                faults = list(verify_records(store, self.progress))
            finally:
                store.close()
                server.stop()
        for key, reason in faults:
            self.stdout.write(self.style.ERROR(printable(f"{key}: {reason}")))
        if faults:
            raise CommandError(f"{len(faults)} records have errors", returncode=FAULTY)
        self.stdout.write(
            self.style.SUCCESS(
                f"{options['backup']} of {backup.taken} can be restored: {state['messages']} messages, verified"
            )
        )
