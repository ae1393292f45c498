"""`manage.py serve_webhooks`: send the events of the feed to the webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from contracts_app.management.local import UNUSABLE, ServingCommand
from contracts_app.storage.nats.store import JetStreamContractStore
from contracts_app.webhooks.runner import WebhookRunner


class Command(ServingCommand):
    help = (
        "Send events to the webhooks until Ctrl-C. JetStream remembers what was sent, so that events wait while no "
        "such process runs; several of them share the work. It needs the SECRET_KEY of the service, from which the "
        "secrets of webhooks are derived."
    )

    def check_store(self, store: JetStreamContractStore) -> None:
        if store.mirror is not None:
            raise CommandError(
                f"This registry is a mirror of {store.mirror.of}, where webhooks are sent", returncode=UNUSABLE
            )

    async def serve(self, store: JetStreamContractStore, stopped: asyncio.Event, options: dict[str, Any]) -> None:
        client = await store.new_client()
        running = asyncio.create_task(WebhookRunner(store, client, store.bucket, settings.WEBHOOK_RETRY_SECONDS).run())
        self.ready("Sending events to webhooks")
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        # What was received and not sent is received again later; a drain would wait for it.
        await client.close()
