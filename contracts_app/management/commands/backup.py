"""`manage.py backup`: back up the bucket."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from contracts_app.services.backups import Backup, InvalidBackup, backups_in, take_backup
from contracts_app.services.object_stores import UploadFailed, upload_all


class Command(LocalCommand):
    help = (
        "Back up the whole bucket while the service runs: records, history, audit log, policies and sequences, as one "
        "consistent snapshot of the server, in a new folder in DIR. `verify_backup` proves that it can be restored, "
        "`restore` does it. Exit codes: 0 done, 1 made but not uploaded, 2 DIR cannot be written or a recipient is "
        "wrong, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="made where it is missing")
        parser.add_argument(
            "--recipient", action="append", default=[], metavar="AGE", help="encrypt for this age public key (age1...)"
        )
        parser.add_argument(
            "--upload",
            metavar="URL",
            help="then upload what this object store does not have of the backups in DIR: s3://BUCKET/PREFIX, gs://, "
            "az://; credentials and endpoint from the usual variables, such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL",
        )
        parser.add_argument(
            "--keep", type=int, metavar="N", help="then remove older backups in DIR beyond the newest N"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep must be 1 or more", returncode=UNUSABLE)
        try:
            with self.store() as store, tqdm(unit="B", unit_scale=True, file=sys.stderr, disable=None) as bar:
                backup = take_backup(store, options["folder"], recipients=options["recipient"], progress=bar.update)
        except (OSError, InvalidBackup) as error:
            raise CommandError(f"No backup was made: {error}", returncode=UNUSABLE) from None
        self._note(backup)
        self.stdout.write(
            self.style.SUCCESS(
                f"{backup.folder}: {backup.messages} messages, {backup.size} bytes, sha256 {backup.digest}"
            )
        )
        if options["upload"]:
            self._upload(options["folder"], options["upload"])
        if options["keep"] is not None:
            for folder in backups_in(options["folder"])[: -options["keep"]]:
                shutil.rmtree(folder)
                self.stdout.write(f"Removed {folder}")

    def _upload(self, folder: Path, url: str) -> None:
        try:
            upload_all(folder, url, lambda uploaded: self.stdout.write(self.style.SUCCESS(f"Uploaded {uploaded}")))
        except (UploadFailed, OSError) as error:
            raise CommandError(
                f"The backup was made, but not uploaded; the next one uploads it, too: {error}", returncode=FAULTY
            ) from None

    def _note(self, backup: Backup) -> None:
        """Record the backup for the console; a folder that cannot be written is no reason to fail."""
        about = {"taken": backup.taken, "folder": str(backup.folder), "lastSequence": backup.last_sequence}
        try:
            path = Path(settings.BACKUP_STAMP)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(about) + "\n", encoding="utf-8")
        except OSError as error:
            self.stderr.write(self.style.WARNING(f"The console will not show this backup: {error}"))
