"""`manage.py verify_contracts`: verify every stored record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from contracts_app.management.local import FAULTY, LocalCommand
from contracts_app.policies import levels_of
from contracts_app.services.archives import verify_records
from linter_app.printable import printable


class Command(LocalCommand):
    help = (
        "Compute every digest anew and check every stored record: form, schema, WIT, order of versions, dependencies, "
        "policies, bindings. Exit codes: 0 no errors, 1 errors found, or nothing to verify, 3 unreachable."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        with self.store() as store:
            for key, reason in verify_records(store, self.progress):
                faults += 1
                self.stdout.write(self.style.ERROR(printable(f"{key}: {reason}")))
            index = store.index()
        policies = len(levels_of(index.documents))
        verified = f"{len(index)} versions of {index.count_names()} contracts and {policies} policies in {store}"
        if not index.subjects:
            raise CommandError(f"There is nothing to verify in {store}", returncode=FAULTY)
        if faults:
            raise CommandError(f"Verified {verified}: {faults} errors", returncode=FAULTY)
        self.stdout.write(self.style.SUCCESS(f"Verified {verified}: no errors"))
