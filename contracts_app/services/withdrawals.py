"""Whether a version can be withdrawn, and which clients that would concern."""

from __future__ import annotations

from typing import Any

from contracts_app.exceptions import ContractError, ContractNotFound
from contracts_app.services.lifecycle import change_state
from contracts_app.services.usage import user_to_json, users_of_version
from contracts_app.storage import Actor, contract_store


def withdrawal(name: str, version: str, actor: Actor) -> dict[str, Any]:
    """Return whether a version can be withdrawn, why not, and who uses it or depends on it.

    Raises ContractNotFound, StorageUnavailable.
    """
    store = contract_store()
    index = store.index()
    users = users_of_version(name, version, index, store)
    reasons = []
    try:
        change_state(name=name, version=version, action="withdraw", actor=actor, dry_run=True)
    except ContractNotFound:
        raise
    except ContractError as error:
        reasons.append(error.message)
    return {
        "name": name,
        "version": version,
        "allowed": not reasons,
        "reasons": reasons,
        "clients": [user_to_json(usage, use, version) for usage, use in users],
        "dependents": [{"name": each.name, "version": each.version} for each in index.dependents(name, version)],
    }
