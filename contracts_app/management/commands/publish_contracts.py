"""`manage.py publish_contracts`: publish a folder of contracts, in the order of their dependencies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.client import RegistryError
from contracts_app.management.remote import REFUSED, UNUSABLE, RemoteCommand, read_text
from contracts_app.management.signing import add_signing_arguments, with_signature
from linter_app.contract_files import RepeatedVersion, histories
from linter_app.printable import printable, printable_lines


class Command(RemoteCommand):
    help = (
        "Publish every contract of a folder (name/1.2.0.json, name.1.2.0.json, and the same with .wit), in the order "
        "of their dependencies; what is published already stays. The plan is shown first, and if any is refused "
        "nothing is written. Exit codes: 0 published, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Publishing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--plan", action="store_true", help="show what would be done, and do nothing")
        add_signing_arguments(parser)
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        contracts = [with_signature(each, options) for each in self._read(options["folder"])]
        with self.registry(options) as registry:
            try:
                planned = registry.publish_all(contracts, dry_run=True)["results"]
            except RegistryError as error:
                self._show(error.problem.get("results", []))
                raise
            self._show(planned)
            waiting = sum(result["status"] == "valid" for result in planned)
            if options["plan"] or not waiting:
                self.stdout.write(f"{waiting} to publish, {len(planned) - waiting} unchanged")
                return
            done = registry.publish_all(contracts)["results"]
        published = sum(result["status"] == "created" for result in done)
        self.stdout.write(self.style.SUCCESS(f"{published} published, {len(done) - published} unchanged"))

    def _read(self, folder: Path) -> list[dict[str, Any]]:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder", returncode=UNUSABLE)
        try:
            tree = histories([folder])
        except RepeatedVersion as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        for path in tree.unnamed:
            self.stderr.write(self.style.WARNING(printable(f"Skipped {path}: its name has no version")))
        for path in tree.outside:
            self.stderr.write(self.style.WARNING(printable(f"Skipped {path}: it leads out of the folder")))
        contracts: dict[tuple[str, str], dict[str, Any]] = {}
        for (name, kind), files in tree.contracts.items():
            for file in files:
                version = file.version.text
                contract = contracts.setdefault((name, version), {"name": name, "version": version})
                contract["jsonSchema" if kind == ".json" else "wit"] = read_text(str(file.path))
                if kind == ".wit":
                    contract["witPath"] = str(file.path)
        if not contracts:
            raise CommandError(f"{folder} holds no contract whose file names a version", returncode=REFUSED)
        return list(contracts.values())

    def _show(self, results: list[dict[str, Any]]) -> None:
        styles = {"valid": self.style.SUCCESS, "refused": self.style.ERROR}
        words = {"valid": "publish", "unchanged": "unchanged", "refused": "REFUSED"}
        for result in results:
            word = words.get(result["status"], result["status"])
            line = styles.get(result["status"], str)(f"{word:10}") + printable(f" {result['name']} {result['version']}")
            self.stdout.write(line)
            if "detail" in result:
                self.stdout.write("           " + printable_lines(str(result["detail"])).replace("\n", "\n           "))
