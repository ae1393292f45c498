"""`manage.py import_asyncapi`: contracts and bindings from an AsyncAPI document, over HTTP."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.client import JSON, RegistryClient, RegistryError
from contracts_app.management.remote import REFUSED, UNUSABLE, RemoteCommand, read_text
from contracts_app.services.asyncapi_import import ImportedChannel, InvalidDocument, parse_document, read_channels
from linter_app.printable import printable_lines
from linter_app.semver import Version, smallest_breaking, smallest_minor, smallest_patch

FIRST = "1.0.0"


class Command(RemoteCommand):
    help = (
        "Publish the schemas of an AsyncAPI 3 document (JSON or YAML) as contracts, and bind the subjects of its "
        "channels to them. A schema that the registry has already is not published again; a changed one gets the "
        "smallest version that it needs. The parameters of an address become *, a last one that is called rest "
        "becomes >. Exit codes: 0 done, 1 some channels were refused, 2 unusable input, 3 unreachable."
    )
    doing = "Importing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("document", metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            channels = list(read_channels(parse_document(read_text(options["document"]))))
        except (InvalidDocument, RecursionError) as error:
            raise CommandError(f"{options['document']}: {printable_lines(str(error))}", returncode=UNUSABLE) from None
        refused = 0
        with self.registry(options) as registry:
            for channel in channels:
                try:
                    if isinstance(channel, InvalidDocument):
                        raise channel
                    self.stdout.write(self._import(channel, registry, dry_run=options["dry_run"]))
                except (InvalidDocument, RegistryError) as error:
                    if isinstance(error, RegistryError) and error.status in (401, 403):
                        raise
                    refused += 1
                    self.stderr.write(f"refused: {printable_lines(str(error))}")
        if options["dry_run"]:
            self.stdout.write("Nothing was written: this was a dry run")
        if refused:
            raise CommandError(f"{refused} of {len(channels)} channels were refused", returncode=REFUSED)

    def _import(self, channel: ImportedChannel, registry: RegistryClient, *, dry_run: bool) -> str:
        binding = channel.binding
        published = self._publish(channel, registry, dry_run=dry_run) if channel.schema is not None else "as it is"
        if not dry_run:
            registry.bind(binding.name, binding.to_json())
        return f"{binding.subject} -> {binding.contract} ({published}), {binding.mode}"

    def _publish(self, channel: ImportedChannel, registry: RegistryClient, *, dry_run: bool) -> str:
        """Publish the schema if it is new, and return what was done."""
        name, schema = channel.binding.contract, channel.schema
        if channel.version and channel.digest and _has(registry, name, channel.version, channel.digest):
            return "unchanged"
        try:
            report: JSON | None = registry.check(
                {"name": name, "version": "latest"}, {"name": name, "jsonSchema": schema}
            )
        except RegistryError as error:
            if error.status != 404:
                raise
            report = None
        if report is None:
            version = channel.version or FIRST
        elif not report["changes"]:
            return "unchanged"
        else:
            greatest = Version.parse(registry.get(name)["version"])
            bumps = {"major": smallest_breaking, "minor": smallest_minor}
            version = bumps.get(report["requiredBump"], smallest_patch)(greatest)
        contract = {"name": name, "version": version, "jsonSchema": json.dumps(schema, ensure_ascii=False)}
        if channel.description:
            contract["description"] = channel.description
        registry.publish(contract, dry_run=dry_run)
        return version


def _has(registry: RegistryClient, name: str, version: str, digest: str) -> bool:
    """Whether the registry has this very version, as it has if the document is its own export."""
    try:
        return bool(registry.get(name, version, include_withdrawn=True)["digest"] == digest)
    except RegistryError as error:
        if error.status not in (400, 404):
            raise
        return False
