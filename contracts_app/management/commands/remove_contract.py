"""`manage.py remove_contract`: remove a version, or a whole contract, that was published by mistake."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from contracts_app.management.remote import RemoteCommand


class Command(RemoteCommand):
    help = (
        "Remove a draft, a version or a whole contract that was published by mistake. Nothing may depend on it. Its "
        "number stays spent, and the audit log keeps who removed it and why. To take a version out of use, withdraw it "
        "instead. Needs the scope contracts:remove. Exit codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Removing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the contract")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--version", help="the version, as it was published")
        which.add_argument("--all-versions", action="store_true", help="the whole contract")
        parser.add_argument("--reason", required=True, help="why, for the audit log")
        parser.add_argument("--force", action="store_true", help="also what was published, and may have been read")
        parser.add_argument("--dry-run", action="store_true", help="all checks, and no change")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with self.registry(options) as registry:
            answer = registry.remove(
                options["name"],
                None if options["all_versions"] else options["version"],
                reason=options["reason"],
                force=options["force"],
                dry_run=options["dry_run"],
            )
        word = "would be removed" if options["dry_run"] else "removed"
        for version in answer["versions"]:
            self.stdout.write(self.style.SUCCESS(f"{options['name']} {version} {word}"))
