"""`manage.py publish_contract`: publish one version to a registry over HTTP."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.client import RegistryClient
from contracts_app.management.remote import REFUSED, UNUSABLE, WAITING, RemoteCommand, read_text
from contracts_app.management.signing import add_signing_arguments, with_signature
from linter_app.printable import printable_lines
from linter_app.schema.json_text import InvalidJSON, loads

POLL_SECONDS = 2


class Command(RemoteCommand):
    help = (
        "Publish a contract to a registry. Where a policy has another person review it, it is proposed, and --wait "
        "waits for the decision. Exit codes: 0 published, 1 refused or rejected, 2 unusable input, 3 unreachable, 4 "
        "proposed and not decided on yet."
    )
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
        parser.add_argument(
            "--wait", metavar="SECONDS", type=float, default=0, help="how long to wait for a review, if there is one"
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        request = with_signature(self._request(options), options)
        with self.registry(options) as registry:
            answer = registry.publish(request, dry_run=options["dry_run"])
            if answer["status"] == "pending":
                answer = self._reviewed(registry, answer, options["wait"])
        if options["dry_run"]:
            review = f" after a review, because it is {', '.join(answer['review'])}" if answer.get("review") else ""
            self.stdout.write(
                f"{answer['name']} {answer['version']} may be published{review} (digest {answer['digest']})"
            )
            return
        self.stdout.write(self.style.SUCCESS("Contract published successfully!"))
        self.stdout.write(
            f"\nName:      {answer['name']}\nVersion:   {answer['version']}\n"
            f"Digest:    {answer['digest']}\nCreatedAt: {answer['createdAt']}"
        )

    def _reviewed(self, registry: RegistryClient, proposal: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Wait for the decision on a proposal; return the published version. Raises CommandError."""
        name, version = proposal["name"], proposal["version"]
        self.stdout.write(f"Proposed {name} {version} for review, because it is {', '.join(proposal['review'])}")
        deadline = time.monotonic() + seconds
        while proposal["state"] != "approved" or "contract" in proposal:
            if proposal["state"] in ("rejected", "withdrawn"):
                by = f" by {proposal['decidedBy']}: {proposal['reason']}" if proposal["state"] == "rejected" else ""
                raise CommandError(f"The proposal was {proposal['state']}{printable_lines(by)}", returncode=REFUSED)
            if time.monotonic() >= deadline:
                raise CommandError(
                    "Nobody has decided on it yet: --wait SECONDS waits, and review_proposals shows it",
                    returncode=WAITING,
                )
            time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
            proposal = registry.proposal(name, version)
        self.stdout.write(printable_lines(f"Approved by {proposal['decidedBy']}: {proposal['reason']}"))
        return registry.get(name, version)

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
