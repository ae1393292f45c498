"""Who uses a contract, and what a withdrawal or a change would mean for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.services.search import resolve
from contracts_app.storage import ContractIndex, ContractStore, contract_store
from contracts_app.usage import ClientUsage, Use, read_usage, record_of, touches

CACHE_SECONDS = 3.0
"""Seconds for which the records are kept in memory: pages and checks ask often, clients write rarely."""
FAILED_SECONDS = 60.0
"""Seconds after which usage that could not be read is read again by pages."""
_kept: tuple[ContractStore, float, list[ClientUsage]] | None = None


def declare(usage: ClientUsage, store: ContractStore | None = None) -> None:
    """Write what a client declares. Raises StorageUnavailable."""
    global _kept
    (store or contract_store()).put_expiring("usage", usage.client, record_of(usage))
    _kept = None


def forget(client: str, store: ContractStore | None = None) -> None:
    """Delete what a client declared. Raises StorageUnavailable."""
    global _kept
    (store or contract_store()).put_expiring("usage", client, None)
    _kept = None


def all_usage(store: ContractStore | None = None) -> list[ClientUsage]:
    """Return what every client declared, by client; it may be CACHE_SECONDS old. Raises StorageUnavailable."""
    global _kept
    store = store or contract_store()
    kept = _kept
    if kept is not None and kept[0] is store and time.monotonic() < kept[1]:
        return kept[2]
    found = [usage for record in store.expiring("usage") if (usage := read_usage(record)) is not None]
    found.sort(key=lambda each: each.client)
    _kept = store, time.monotonic() + CACHE_SECONDS, found
    return found


def users_of(name: str, index: ContractIndex, store: ContractStore | None = None) -> list[tuple[ClientUsage, Use, str]]:
    """Return who uses a contract: the client, what it declared, and the version that its range means now."""
    return [(usage, use, _version(index, use)) for usage in all_usage(store) for use in usage.uses_of(name)]


def _version(index: ContractIndex, use: Use) -> str:
    try:
        return resolve(index, use.contract, use.range).version
    except ContractError:
        return ""


def users_of_version(
    name: str, version: str, index: ContractIndex, store: ContractStore | None = None
) -> list[tuple[ClientUsage, Use]]:
    """Return the clients whose range means this version now."""
    return [(usage, use) for usage, use, found in users_of(name, index, store) if found == version]


def known_users(name: str, index: ContractIndex) -> list[tuple[ClientUsage, Use, str]]:
    """Return `users_of` for a page: nobody where that cannot be read, which is tried again after a while."""
    global _kept
    try:
        return users_of(name, index)
    except StorageUnavailable:
        _kept = contract_store(), time.monotonic() + FAILED_SECONDS, []
        return []


def clients_by_version(users: Iterable[tuple[ClientUsage, Use, str]]) -> dict[str, int]:
    """Return how many clients use each version that some client uses, by the versions that their ranges mean now."""
    return dict(Counter(version for _, version in {(usage.client, version) for usage, _, version in users} if version))


def user_to_json(usage: ClientUsage, use: Use, version: str) -> dict[str, Any]:
    return _declared(usage, use) | {"uses": version or None}


def _declared(usage: ClientUsage, use: Use) -> dict[str, Any]:
    """Return the client and this one of its uses."""
    return {key: value for key, value in usage.to_json().items() if key != "uses"} | use.to_json()


def broken_users(
    name: str, changes: list[dict[str, Any]], store: ContractStore, readable: Callable[[str], bool] = lambda name: True
) -> list[dict[str, Any]]:
    """Return the clients that breaking changes concern, by the fields they declare, each with those changes.

    A break backward concerns those who write data, or read older data, in the old form; a break forward those who read.
    Both are listed, because a client may do either.
    """
    if not readable(name):
        return []
    breaking = [change for change in changes if change["breaking"] or not change["decided"]]
    found = []
    for usage in all_usage(store):
        for use in usage.uses_of(name):
            hit = [each for each in breaking if touches(use, (each.get("oldPointer"), each.get("newPointer")))]
            if hit:
                found.append(_declared(usage, use) | {"changes": hit})
    return found
