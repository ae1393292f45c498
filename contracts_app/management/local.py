"""Shared parts of the commands that work on the store itself: the actor, and the error of an outage."""

from __future__ import annotations

import asyncio
import getpass
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.management.errors import PlainErrors
from contracts_app.storage import Actor, ContractStore, contract_store
from contracts_app.storage.nats.store import JetStreamContractStore
from linter_app.printable import printable_lines

FAULTY, UNUSABLE, UNREACHABLE = 1, 2, 3


class LocalCommand(PlainErrors):
    """Works on the bucket that NATS_URL and REGISTRY_KV_BUCKET name; no service needs to run."""

    requires_system_checks = []

    @contextmanager
    def store(self) -> Iterator[ContractStore]:
        try:
            yield contract_store()
        except StorageUnavailable as error:
            raise CommandError(error.message, returncode=UNREACHABLE) from None
        except ContractError as error:
            raise CommandError(printable_lines(error.message), returncode=FAULTY) from None

    def progress(self, items: Iterable[Any]) -> Iterable[Any]:
        """Return the items, with a progress bar on a terminal."""
        return tqdm(items, file=sys.stderr, disable=None, unit="contract", leave=False)

    def actor(self) -> Actor:
        return Actor(f"command:{getpass.getuser()}")


class ServingCommand(LocalCommand):
    """Serves something over NATS, with a replica of the bucket, until it is interrupted."""

    def handle(self, *args: Any, **options: Any) -> None:
        with self.store() as store:
            if not isinstance(store, JetStreamContractStore):
                raise CommandError("This store has no NATS", returncode=UNREACHABLE)
            self.check_store(store)
            store.enable_replica()
            _ = store.replica
            asyncio.run(self._serve(store, options))

    def check_store(self, store: JetStreamContractStore) -> None:
        """Raise CommandError if it cannot be served from this store."""

    async def serve(self, store: JetStreamContractStore, stopped: asyncio.Event, options: dict[str, Any]) -> None:
        """Serve until `stopped` is set."""
        raise NotImplementedError

    async def _serve(self, store: JetStreamContractStore, options: dict[str, Any]) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await self.serve(store, stopped, options)

    def ready(self, words: str) -> None:
        self.stdout.write(f"{words}; Ctrl-C ends it")
        self.stdout.flush()
