"""`manage.py serve_nats`: the registry as a NATS micro service, `registry.v1.*`."""

from __future__ import annotations

import asyncio
from typing import Any

from contracts_app.management.local import ServingCommand
from contracts_app.nats_service import ENDPOINTS, PREFIX, RegistryService
from contracts_app.storage.nats.store import JetStreamContractStore


class Command(ServingCommand):
    help = (
        f"Serve the registry over NATS until Ctrl-C, as the micro service contract-registry: {PREFIX}."
        f"{{{','.join(ENDPOINTS)}}}. Requests are JSON; the token is in the header Authorization, as over HTTP. "
        "Several instances share the requests."
    )

    async def serve(self, store: JetStreamContractStore, stopped: asyncio.Event, options: dict[str, Any]) -> None:
        client = await store.new_client()
        service = await RegistryService().serve(client)
        await client.flush()  # the server has the subscriptions
        self.ready(f"Serving {PREFIX}.* over NATS")
        await stopped.wait()
        await service.stop()
        await client.drain()
