"""`manage.py verify_audit`: verify an exported audit log, by itself and against the bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.exceptions import MalformedContract
from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from contracts_app.services.audit_chain import Chain, compare_with_store, hashes_in, read_chain
from linter_app.printable import printable


class Command(LocalCommand):
    help = (
        "Verify the chain of an audit log that export_audit wrote, and that the writes which the bucket still has are "
        "the same. Exit codes: 0 verified, 1 something was changed or is missing, 2 unusable file, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--head", metavar="HASH", help="a hash that was kept elsewhere: the chain must go through it"
        )
        parser.add_argument("--offline", action="store_true", help="verify the file only, without the bucket")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            chain = self._verify(path, options)
        except MalformedContract as error:
            raise CommandError(printable(error.message), returncode=FAULTY) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}", returncode=UNUSABLE) from None
        if options["head"] and options["head"] not in hashes_in(path):
            raise CommandError(f"The chain of {path} does not go through {options['head']}", returncode=FAULTY)
        self.stdout.write(self.style.SUCCESS(f"Verified {chain.entries} entries, up to the write {chain.last}"))
        self.stdout.write(f"head {chain.head}")

    def _verify(self, path: Path, options: dict[str, Any]) -> Chain:
        if options["offline"]:
            return read_chain(path)
        path.open("rb").close()  # before the store is asked
        with self.store() as store:
            compared = compare_with_store(path, store, self.progress)
        for fault in compared.faults:
            self.stdout.write(self.style.ERROR(printable(fault)))
        if compared.faults:
            raise CommandError(f"{path} differs from the bucket: {len(compared.faults)} errors", returncode=FAULTY)
        gone = compared.chain.entries - compared.kept
        self.stdout.write(
            f"The bucket still has {compared.kept} of its writes; {gone} are older than what it keeps, and "
            f"{compared.newer} are not exported yet"
        )
        return compared.chain
