"""`manage.py serve_nats_schemas`: the subjects `$SR.v1` of the schema registry of NATS's vendor."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from confluent_app.nats_schemas import PREFIX, SchemaService
from contracts_app.management.local import UNREACHABLE, LocalCommand
from contracts_app.storage.nats.store import JetStreamContractStore


class Command(LocalCommand):
    help = (
        f"Serve {PREFIX}.ADD, GET, UPDATE, LIST and REMOVE over NATS until Ctrl-C, for clients of the vendor's schema "
        "registry. They send no tokens: give each account or user the subjects that it may use by the permissions of "
        "NATS. An UPDATE that breaks the compatibility of the schema is refused with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--read-only", action="store_true", help="serve GET and LIST alone")

    def handle(self, *args: Any, **options: Any) -> None:
        with self.store() as store:
            if not isinstance(store, JetStreamContractStore):
                raise CommandError("This store has no NATS", returncode=UNREACHABLE)
            store.enable_replica()
            _ = store.replica
            asyncio.run(self._serve(store, options["read_only"]))

    async def _serve(self, store: JetStreamContractStore, read_only: bool) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        client = await store.new_client()
        service = await SchemaService(store, read_only=read_only).serve(client)
        await client.flush()  # the server has the subscriptions
        self.stdout.write(f"Serving {PREFIX}.* over NATS; Ctrl-C ends it")
        self.stdout.flush()
        await stopped.wait()
        await service.stop()
        await client.drain()
