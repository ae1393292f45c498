"""Setting and deleting webhooks, and what could not be delivered to them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractConflict, ContractNotFound, MalformedContract
from contracts_app.services.documents import Documents, change_document
from contracts_app.services.events import Event, EventId
from contracts_app.storage import Actor, AuditEntry, ContractStore, contract_store
from contracts_app.timestamps import utc_now
from contracts_app.webhooks.delivery import Outcome, deliver
from contracts_app.webhooks.hooks import PREFIX, Webhook, WebhookRequest, webhooks_of
from contracts_app.webhooks.signing import new_key, rotated

MAX_WEBHOOKS = 100


def find_webhook(name: str, store: ContractStore | None = None) -> tuple[int, Webhook]:
    """Return the sequence of a webhook, and the webhook. Raises ContractNotFound, StorageUnavailable."""
    found = webhooks_of((store or contract_store()).index("webhook").documents).get(name)
    if found is None:
        raise ContractNotFound(f"There is no webhook {name}")
    return found


def set_webhook(
    name: str,
    wanted: WebhookRequest,
    actor: Actor,
    *,
    expected_etag: str | None = None,
    only_new: bool = False,
    store: ContractStore | None = None,
) -> tuple[int, Webhook, bool]:
    """Write a webhook as it is wanted; a new one gets a secret. Returns its sequence, the webhook, whether it is new.

    With `only_new`, one that exists is not replaced.

    Raises ContractConflict, PreconditionFailed, StorageUnavailable.
    """
    new = False

    def change(present: Webhook | None) -> Webhook:
        nonlocal new
        new = present is None
        if only_new and not new:
            raise ContractConflict("A webhook with this name exists already. Change that one.", field="name")
        identity, keys = (present.id, present.keys) if present else (secrets.token_hex(8), (new_key(),))
        return Webhook(name, id=identity, keys=keys, **vars(wanted))

    sequence, hook = _write(name, change, actor, expected_etag=expected_etag, store=store)
    assert hook is not None
    return sequence, hook, new


def rotate_secret(name: str, actor: Actor, *, store: ContractStore | None = None) -> Webhook:
    """Give a webhook another secret; the one before it is also used for ROTATION_HOURS.

    Raises ContractNotFound, ContractConflict, StorageUnavailable.
    """

    def change(present: Webhook | None) -> Webhook:
        known = _known(name, present)
        return replace(known, keys=rotated(known.keys))

    _, hook = _write(name, change, actor, store=store)
    assert hook is not None
    return hook


def disable_webhook(name: str, actor: Actor, reason: str, *, store: ContractStore | None = None) -> None:
    """Stop a webhook until somebody enables it. Raises ContractNotFound, ContractConflict, StorageUnavailable."""
    _write(name, lambda present: replace(_known(name, present), enabled=False), actor, reason=reason, store=store)


def delete_webhook(
    name: str, actor: Actor, *, expected_etag: str | None = None, store: ContractStore | None = None
) -> None:
    """Delete a webhook. Raises ContractNotFound, ContractConflict, PreconditionFailed, StorageUnavailable."""

    def nothing(present: Webhook | None) -> None:
        _known(name, present)

    _write(name, nothing, actor, expected_etag=expected_etag, store=store)


def _known(name: str, present: Webhook | None) -> Webhook:
    if present is None:
        raise ContractNotFound(f"There is no webhook {name}")
    return present


def _write(
    name: str,
    change: Callable[[Webhook | None], Webhook | None],
    actor: Actor,
    *,
    reason: str = "",
    expected_etag: str | None = None,
    store: ContractStore | None = None,
) -> tuple[int, Webhook | None]:
    """Write what `change` makes of the present webhook, or None; it is called again if another writer was first."""
    hook: Webhook | None = None

    def change_record(documents: Documents) -> tuple[bytes | None, AuditEntry]:
        nonlocal hook
        hooks = webhooks_of(documents)
        present = hooks[name][1] if name in hooks else None
        hook = change(present)
        if present is None and len(hooks) >= MAX_WEBHOOKS:
            raise ContractConflict(f"There are {MAX_WEBHOOKS} webhooks already; delete one that is not used")
        _, value = documents.get(PREFIX + name, (0, None))
        action, before = "set-webhook" if hook else "delete-webhook", (value or b"").decode(errors="replace")
        stored = compact(hook.to_record()) if hook is not None else None
        return stored, AuditEntry(actor, action, before=before, reason=reason)

    store = store or contract_store()
    sequence = change_document(store, PREFIX + name, "The webhook", change_record, expected_etag=expected_etag)
    return sequence, hook


def keep_dead_letter(hook: Webhook, event: Event, attempts: int, outcome: Outcome, store: ContractStore) -> None:
    """Keep an event that could not be delivered. Raises StorageUnavailable."""
    record = {
        "webhook": hook.name,
        "id": hook.id,
        "event": json.loads(event.body),
        "attempts": attempts,
        "status": outcome.status,
        "reason": outcome.reason,
        "time": utc_now(),
    }
    store.put_expiring("dead-letters", _key(hook, event.id), compact(record))


def dead_letters(hook: Webhook, store: ContractStore | None = None) -> list[dict[str, Any]]:
    """Return what could not be delivered to a webhook in the last 30 days, in the order of the events.

    Raises StorageUnavailable.
    """
    records = map(json.loads, (store or contract_store()).expiring("dead-letters"))
    found = [each for each in records if each["id"] == hook.id]
    return sorted(found, key=lambda each: (EventId.parse(each["event"]["id"]) or EventId(0)).sequence)


async def send_test(hook: Webhook) -> Outcome:
    """Send an event of the type `webhook.test`, and return what became of it."""
    position = await asyncio.to_thread(contract_store().position)
    event = {
        "specversion": "1.0",
        "id": f"test-{position.last}",
        "source": "/registry",
        "type": "webhook.test",
        "subject": hook.name,
        "time": utc_now(),
        "datacontenttype": "application/json",
        "data": {"webhook": hook.name},
    }
    return await deliver(hook, str(event["id"]), compact(event))


async def redeliver(hook: Webhook, event: str) -> Outcome:
    """Send a dead letter again, and forget it once it is delivered. Raises MalformedContract, ContractNotFound."""
    identity = EventId.parse(event)
    if identity is None:
        raise MalformedContract("event must be the id of an event", field="event")
    letters = await asyncio.to_thread(dead_letters, hook)
    found = next((each for each in letters if each["event"]["id"] == str(identity)), None)
    if found is None:
        raise ContractNotFound(f"No dead letter of the webhook {hook.name} is the event {identity}")
    outcome = await deliver(hook, str(identity), compact(found["event"]))
    if outcome.delivered:
        await asyncio.to_thread(contract_store().put_expiring, "dead-letters", _key(hook, identity), None)
    return outcome


def _key(hook: Webhook, event: EventId) -> str:
    return f"{hook.id}.{event.sequence}"
