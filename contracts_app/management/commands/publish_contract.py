"""`manage.py publish_contract`: publish one version to a registry over HTTP."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.management.remote import UNUSABLE, RemoteCommand, read_text
from contracts_app.management.signing import add_signing_arguments, with_signature
from linter_app.schema.json_text import InvalidJSON, loads


class Command(RemoteCommand):
    help = "Publish a contract to a registry. Exit codes: 0 published, 1 refused, 2 unusable input, 3 unreachable."
    doing = "Publishing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="the contract's name, such as ritual.started")
        parser.add_argument("--version", required=True, help="the new version, such as 1.2.0 or v1")
        parser.add_argument("--description", help="one line for people")
        parser.add_argument("--json-schema", metavar="FILE", help="a JSON Schema file")
        parser.add_argument("--wit-path", metavar="FILE", help="a WIT file; its path and its text are sent")
        parser.add_argument("--descriptor-path", metavar="FILE", help="a JSON file; its path and its content are sent")
        parser.add_argument("--label", action="append", metavar="LABEL", help="a label; may be given again")
        parser.add_argument("--draft", action="store_true", help="as a draft, which may be replaced")
        parser.add_argument("--override", metavar="REASON", help="publish a break, where the policy allows it")
        add_signing_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="ask for the verdict only; nothing is written")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        request = with_signature(self._request(options), options)
        with self.registry(options) as registry:
            answer = registry.publish(request, dry_run=options["dry_run"])
        if options["dry_run"]:
            self.stdout.write(f"{answer['name']} {answer['version']} may be published (digest {answer['digest']})")
            return
        self.stdout.write(self.style.SUCCESS("Contract published successfully!"))
        self.stdout.write(
            f"\nName:      {answer['name']}\nVersion:   {answer['version']}\n"
            f"Digest:    {answer['digest']}\nCreatedAt: {answer['createdAt']}"
        )

    def _request(self, options: dict[str, Any]) -> dict[str, Any]:
        request = {"name": options["name"], "version": options["version"], "description": options["description"]}
        if options["json_schema"]:
            request["jsonSchema"] = read_text(options["json_schema"])
        if options["wit_path"]:
            request |= {"witPath": options["wit_path"], "wit": read_text(options["wit_path"])}
        if options["descriptor_path"]:
            text = read_text(options["descriptor_path"])
            try:
                request |= {"descriptorPath": options["descriptor_path"], "descriptor": loads(text)}
            except InvalidJSON as error:
                raise CommandError(f"{options['descriptor_path']} is not JSON: {error}", returncode=UNUSABLE) from None
        request |= {"labels": options["label"], "state": "draft" if options["draft"] else None}
        request["override"] = {"reason": options["override"]} if options["override"] else None
        return {key: value for key, value in request.items() if value is not None}
