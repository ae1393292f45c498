"""`manage.py fill_demo`: thirty contracts of a shop, for trying the registry and for screenshots."""

from __future__ import annotations

from typing import Any

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractAlreadyExists, ContractConflict
from contracts_app.management.local import LocalCommand
from contracts_app.services import change_state, demo, publish_contract
from contracts_app.services.policies import set_policy


class Command(LocalCommand):
    help = (
        "Fill a registry with thirty contracts of a shop: several versions, references, WIT, deprecations, a draft and "
        "policies. What exists already is left as it is. For trying; never for production."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        actor, written, names = self.actor(), 0, set()
        with self.store() as store:
            for each in self.progress(list(demo.versions())):
                bundle = ContractBundle(
                    name=each.name,
                    version=each.version,
                    description=each.description,
                    json_schema=demo.text_of(each.schema),
                    wit=each.wit,
                    descriptor=each.descriptor,
                    labels=each.labels,
                )
                names.add(each.name)
                try:
                    publish_contract(bundle=bundle, actor=actor, draft=each.draft, store=store)
                    written += 1
                except ContractAlreadyExists:
                    continue
            for level, name, policy in demo.POLICIES:
                set_policy(level=level, name=name, policy=policy, actor=actor, store=store)
            for name, version, reason, successor in demo.DEPRECATIONS:
                try:
                    change_state(
                        name=name,
                        version=version,
                        action="deprecate",
                        actor=actor,
                        reason=reason,
                        successor=successor,
                        store=store,
                    )
                except ContractConflict:
                    continue
        self.stdout.write(self.style.SUCCESS(f"{len(names)} contracts; {written} versions were published"))
