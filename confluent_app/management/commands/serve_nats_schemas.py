"""`manage.py serve_nats_schemas`: the subjects `$SR.v1` of the schema registry of NATS's vendor."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import CommandParser

from confluent_app.nats_schemas import PREFIX, SchemaService
from contracts_app.management.local import ServingCommand
from contracts_app.storage.nats.store import JetStreamContractStore


class Command(ServingCommand):
    help = (
        f"Serve {PREFIX}.ADD, GET, UPDATE, LIST and REMOVE over NATS until Ctrl-C, for clients of the vendor's schema "
        "registry. They send no tokens: give each account or user the subjects that it may use by the permissions of "
        "NATS. An UPDATE that breaks the compatibility of the schema is refused with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--read-only", action="store_true", help="serve GET and LIST alone")

    async def serve(self, store: JetStreamContractStore, stopped: asyncio.Event, options: dict[str, Any]) -> None:
        client = await store.new_client()
        service = await SchemaService(store, read_only=options["read_only"]).serve(client)
        await client.flush()  # the server has the subscriptions
        self.ready(f"Serving {PREFIX}.* over NATS")
        await stopped.wait()
        await service.stop()
        await client.drain()
