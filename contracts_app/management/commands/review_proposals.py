"""`manage.py review_proposals`: see what waits for a review, and decide on it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from contracts_app.client import RegistryClient
from contracts_app.management.remote import UNUSABLE, RemoteCommand
from linter_app.printable import printable, printable_lines


class Command(RemoteCommand):
    help = (
        "List the versions that wait for a review; show one with how it is judged now; approve it, which publishes it, "
        "or reject it. Nobody decides on a proposal of their own. Needs the scope contracts:approve to decide. Exit "
        "codes: 0 done, 1 refused, 2 unusable input, 3 unreachable."
    )
    doing = "Deciding"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", help="of the contract; without it, all that wait are listed")
        parser.add_argument("--version", help="the proposed version")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--approve", action="store_true", help="approve and publish")
        decision.add_argument("--reject", action="store_true")
        decision.add_argument("--take-back", action="store_true", help="one's own proposal")
        parser.add_argument("--reason", help="of a decision, for the author and the audit")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        name, version = options["name"], options["version"]
        decides = options["approve"] or options["reject"]
        if bool(name) != bool(version):
            raise CommandError("Give both --name and --version, or none", returncode=UNUSABLE)
        if (decides or options["take_back"]) and not name:
            raise CommandError("Give --name and --version of the proposal to decide on", returncode=UNUSABLE)
        if decides and not options["reason"]:
            raise CommandError("Give the --reason of the decision", returncode=UNUSABLE)
        with self.registry(options) as registry:
            if not name:
                self._list(registry)
            elif options["approve"]:
                # What is approved is what is shown now, and not what another version has made of it.
                revision = registry.proposal(name, version).get("revision")
                registry.approve(name, version, options["reason"], revision=revision)
                self.stdout.write(self.style.SUCCESS(f"Approved and published: {name} {version}"))
            elif options["reject"]:
                registry.reject(name, version, options["reason"])
                self.stdout.write(f"Rejected: {name} {version}")
            elif options["take_back"]:
                registry.withdraw_proposal(name, version)
                self.stdout.write(f"Taken back: {name} {version}")
            else:
                self._show(registry.proposal(name, version))

    def _list(self, registry: RegistryClient) -> None:
        waiting = registry.proposals(state="pending")
        for each in waiting:
            self.stdout.write(printable(_line(each)))
        self.stdout.write(f"{len(waiting)} wait for a review")

    def _show(self, proposal: dict[str, Any]) -> None:
        self.stdout.write(printable(_line(proposal)))
        if proposal["override"]:
            self.stdout.write(self.style.WARNING(printable(f"overrides the policy: {proposal['override']}")))
        if proposal["decidedBy"]:
            self.stdout.write(printable(f"{proposal['state']} by {proposal['decidedBy']}: {proposal['reason']}"))
        report = proposal.get("report")
        if report is None:
            return
        self.stdout.write(f"{report['verdict']}, compared with {report['comparedWith']}")
        for change in report["changes"]:
            mark = "!" if change["breaking"] else " "
            place = change.get("newPointer") or change.get("oldPointer") or "/"
            self.stdout.write(f"  {mark} {change['rule']} at {printable(place)}: {printable_lines(change['message'])}")


def _line(proposal: dict[str, Any]) -> str:
    review = ", ".join(proposal["review"])
    return (
        f"{proposal['name']} {proposal['version']} ({review}), proposed by {proposal['author']} on "
        f"{proposal['proposedAt']}: {proposal['state']}"
    )
