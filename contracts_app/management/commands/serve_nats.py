"""`manage.py serve_nats`: the registry as a NATS micro service, `registry.v1.*`."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import CommandError

from contracts_app.management.local import UNREACHABLE, LocalCommand
from contracts_app.nats_service import ENDPOINTS, PREFIX, RegistryService
from contracts_app.storage.nats.store import JetStreamContractStore


class Command(LocalCommand):
    help = (
        f"Serve the registry over NATS until Ctrl-C, as the micro service contract-registry: {PREFIX}."
        f"{{{','.join(ENDPOINTS)}}}. Requests are JSON; the token is in the header Authorization, as over HTTP. "
        "Several instances share the requests."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with self.store() as store:
            if not isinstance(store, JetStreamContractStore):
                raise CommandError("This store has no NATS", returncode=UNREACHABLE)
            store.enable_replica()
            _ = store.replica
            asyncio.run(self._serve(store))

    async def _serve(self, store: JetStreamContractStore) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        client = await store.new_client()
        service = await RegistryService().serve(client)
        await client.flush()  # the server has the subscriptions
        self.stdout.write(f"Serving {PREFIX}.* over NATS; Ctrl-C ends it")
        self.stdout.flush()
        await stopped.wait()
        await service.stop()
        await client.drain()
