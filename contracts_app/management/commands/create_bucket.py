"""`manage.py create_bucket`: create the bucket."""

from __future__ import annotations

from typing import Any

from contracts_app.management.local import LocalCommand


class Command(LocalCommand):
    help = (
        "Create the bucket that REGISTRY_KV_BUCKET names, with NATS_REPLICAS copies, unless it exists. A service "
        "creates it only if it has never seen it (never, with REGISTRY_CREATE_BUCKET=false): after a loss, restore a "
        "backup, or begin anew with this command. Exit codes: 0 it exists now, 3 unreachable."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with self.store() as store:
            self.stdout.write(self.style.SUCCESS(f"Ready: {store.set_up()}"))
