"""`manage.py export_archive`: write an archive of contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.bundles import ContractBundle
from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from contracts_app.services.archives import CONTRACTS, DIGESTS, MANIFEST, export_archive


class Command(LocalCommand):
    help = (
        f"Write {CONTRACTS}, {MANIFEST} and {DIGESTS}: the same bytes for the same contents. What chosen versions "
        "depend on is written, too, with its policies and bindings. `sha256sum --check` and import_archive "
        "check it. An archive has no history: it is a release, and not a backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="made where it is missing")
        parser.add_argument("--name", action="append", help="only this contract; may be given again")
        parser.add_argument("--prefix", help="only contracts whose name begins so")

    def handle(self, *args: Any, **options: Any) -> None:
        def chosen(bundle: ContractBundle) -> bool:
            named = not options["name"] or bundle.name in options["name"]
            return named and bundle.name.startswith(options["prefix"] or "")

        with self.store() as store:
            try:
                archive = export_archive(store, chosen, options["folder"], self.progress)
            except OSError as error:
                raise CommandError(f"{options['folder']} cannot be written: {error}", returncode=UNUSABLE) from None
        if not archive.bundles and (options["name"] or options["prefix"]):
            raise CommandError("No contract was chosen", returncode=FAULTY)
        policies = f" and {len(archive.policies)} policies" if archive.policies else ""
        bindings = f" and {len(archive.bindings)} bindings" if archive.bindings else ""
        written = f"{len(archive.bundles)} versions{policies}{bindings} written to {options['folder']}"
        self.stdout.write(self.style.SUCCESS(written))
