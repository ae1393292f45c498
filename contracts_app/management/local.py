"""Shared parts of the commands that work on the store itself: the actor, and the error of an outage."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.management.errors import PlainErrors
from contracts_app.storage import Actor, ContractStore, contract_store
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
