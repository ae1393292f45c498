"""The start page: the state of the store, figures, recent changes and upcoming sunsets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from contracts_app.console.charts import bars
from contracts_app.console.groups import VIEW
from contracts_app.console.prefix_groups import may_everywhere
from contracts_app.exceptions import StorageUnavailable
from contracts_app.lifecycle import STATES
from contracts_app.services.audit import audit_to_json
from contracts_app.services.overview import overview
from contracts_app.storage import contract_store

MAX_RECENT = 8
MAX_SOON = 10


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the start page for this user. An unavailable store is shown, not raised."""
    if not may_everywhere(request.user, VIEW):
        return {}  # its figures are of all contracts
    store = contract_store()
    health, recent, away = None, [], ""
    try:
        index = store.index()
    except StorageUnavailable as error:
        return {"away": error.message}
    try:
        health = store.health()
        sequence = health.last_sequence if health else index.sequence
        recent = store.history(after=max(0, sequence - MAX_RECENT), limit=MAX_RECENT)
    except StorageUnavailable as error:
        away = error.message
    found = overview(index)
    return {
        "store_away": away,
        "health": health,
        "replica": store.replica.status() if store.replica else None,
        "backup": _last_backup(),
        "overview": found,
        "states": [(state, found.states[state]) for state in STATES],
        "chart": bars(found.publishes()),
        "soon": found.soon[:MAX_SOON],
        "recent": [audit_to_json(write) for write in reversed(recent)],
    }


def _last_backup() -> float | None:
    """Return when the last backup was noted, in seconds since 1970; None if not known."""
    try:
        return min(Path(settings.BACKUP_STAMP).stat().st_mtime, time.time())
    except OSError:
        return None
