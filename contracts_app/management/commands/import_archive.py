"""`manage.py import_archive`: import an archive."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.management.local import FAULTY, UNREACHABLE, UNUSABLE, LocalCommand
from contracts_app.services.archives import InvalidArchive, import_binding, import_policy, import_version, read_archive


class Command(LocalCommand):
    help = (
        "Bring in an archive that export_archive wrote, dates, states, policies and bindings included. Every digest "
        "is checked before anything is written; what is there already stays. Exit codes: 0 done, 1 conflicts, "
        "2 not an archive, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            archive = read_archive(options["folder"])
        except (OSError, UnicodeDecodeError, InvalidArchive) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        done: Counter[str] = Counter()
        dry_run = options["dry_run"]
        with self.store() as store:
            for key, policy in archive.policies.items():
                outcome = import_policy(store, key, policy, self.actor(), dry_run=dry_run)
                done[f"{outcome} (policies)"] += 1
                if outcome == "conflict":
                    self.stderr.write(f"conflict: the registry has another {key}")
            for number, bundle in enumerate(self.progress(archive.bundles), 1):
                try:
                    outcome = import_version(store, bundle, self.actor(), dry_run=dry_run)
                except ContractError as error:
                    raise CommandError(
                        f"Stopped at {bundle.name} {bundle.version}, version {number} of {len(archive.bundles)} "
                        f"({_summary(done)}): {error.message}. Run the import again: what is there stays.",
                        returncode=UNREACHABLE if isinstance(error, StorageUnavailable) else FAULTY,
                    ) from None
                done[outcome] += 1
                if outcome == "conflict":
                    self.stderr.write(
                        f"conflict: {bundle.name} {bundle.version} is in the registry with another content or state"
                    )
            for binding in archive.bindings:
                outcome = import_binding(store, binding, self.actor(), dry_run=dry_run)
                done[f"{outcome} (bindings)"] += 1
                if outcome == "conflict":
                    others = f"another binding of the name {binding.name} or for {binding.subject}"
                    self.stderr.write(f"conflict: the registry has {others}")
        self.stdout.write(("Would be: " if dry_run else "") + _summary(done))
        if conflicts := done["conflict"] + done["conflict (policies)"] + done["conflict (bindings)"]:
            raise CommandError(f"{conflicts} conflicts", returncode=FAULTY)


def _summary(done: Counter[str]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(done.items())) or "nothing in it"
