"""`manage.py restore`: make the bucket from a backup."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from contracts_app.services.archives import verify_records
from contracts_app.services.backups import Backup, InvalidBackup, opened, read_backup, verify_digest
from contracts_app.services.object_stores import download, is_url
from contracts_app.storage import ContractStore
from contracts_app.timestamps import normal_date_or_timestamp
from linter_app.printable import printable

WHICH = "one backup: the folder that has backup.json, or its URL in an object store, such as s3://BUCKET/PREFIX/NAME"


class Command(LocalCommand):
    help = (
        "Make the bucket from a backup, with its sequences, times and history, and verify every record of it. A bucket "
        "that exists is never overwritten. Exit codes: 0 done, 1 the bucket exists or records have errors, "
        "2 not a backup, damaged, or without the right key, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", metavar="DIR", help=WHICH)
        parser.add_argument("--identity", type=Path, metavar="FILE", help="the age key of an encrypted backup")
        parser.add_argument(
            "--point-in-time", metavar="TIME", help="as it was then: an RFC 3339 time not later than the backup"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        until = None
        if options["point_in_time"]:
            try:
                until = normal_date_or_timestamp(options["point_in_time"])
            except ValueError as error:
                raise CommandError(f"--point-in-time: {error}", returncode=UNUSABLE) from None
        with opened_backup(options["backup"]) as backup, self.store() as store:
            state = restore_into(store, backup, options["identity"], until)
            self.stdout.write(f"{state['messages']} messages, up to sequence {state['last_seq']}, are restored")
            for key in state["lost"]:
                self.stdout.write(
                    self.style.WARNING(
                        f"{printable(key)}: its history begins after that time, so it is missing; "
                        "look for it in an older backup"
                    )
                )
            faults = 0
            for key, reason in verify_records(store, self.progress):
                faults += 1
                self.stdout.write(self.style.ERROR(printable(f"{key}: {reason}")))
        if faults:
            raise CommandError(f"{faults} records have errors, as they had in the backup", returncode=FAULTY)
        self.stdout.write(self.style.SUCCESS("Every record is verified"))


@contextmanager
def opened_backup(place: str) -> Iterator[Backup]:
    """Open the backup in a folder, or fetched from a URL, its digest verified. Raises CommandError."""
    with tempfile.TemporaryDirectory(prefix="registry-backup-") as fetched:
        try:
            backup = read_backup(download(place, Path(fetched)) if is_url(place) else Path(place))
            verify_digest(backup)
        except (OSError, InvalidBackup) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        yield backup


def restore_into(store: ContractStore, backup: Backup, identity: Path | None, until: str | None) -> dict[str, Any]:
    """Restore a backup and compare what came of it; return the stream's state. Raises CommandError, ContractError."""
    try:
        lines = identity.read_text(encoding="utf-8").split("\n") if identity else []
        identities = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        with opened(backup, identities) as chunks:
            state = store.restore(backup.stream, chunks, until=until)
    except (OSError, UnicodeDecodeError, InvalidBackup) as error:
        raise CommandError(f"Nothing was restored: {error}", returncode=UNUSABLE) from None
    wanted = backup.messages, backup.last_sequence
    if until is None and (state["messages"], state["last_seq"]) != wanted:
        raise CommandError(
            f"The backup has {wanted[0]} messages up to sequence {wanted[1]}, and {state['messages']} up to "
            f"{state['last_seq']} came of it",
            returncode=FAULTY,
        )
    return state
