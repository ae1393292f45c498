"""Reading and setting policies."""

from __future__ import annotations

from typing import Any

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractConflict, ContractNotFound, PreconditionFailed, VersionSetChanged
from contracts_app.policies import policy_key
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, contract_store

MAX_ATTEMPTS = 20


def etag_of(index: ContractIndex, key: str) -> str | None:
    """Return the entity tag of a stored policy, or None if there is no policy."""
    sequence, value = index.documents.get(key, (0, None))
    return f'"{sequence}"' if value is not None else None


def set_policy(
    *,
    level: str,
    name: str = "",
    policy: dict[str, Any] | None,
    actor: Actor,
    reason: str = "",
    expected_etag: str | None = None,
    store: ContractStore | None = None,
) -> int:
    """Write the policy of a level, or delete it if `policy` is None; return the sequence. The audit keeps the reason.

    Raises ContractNotFound (nothing to delete), PreconditionFailed, ContractConflict, MalformedContract.
    """
    store = store or contract_store()
    key = policy_key(level, name)
    for attempt in range(MAX_ATTEMPTS):
        index = store.index("policy", fresh=attempt > 0)
        after, value = index.documents.get(key, (0, None))
        if expected_etag is not None and expected_etag != etag_of(index, key):
            raise PreconditionFailed("The policy has changed meanwhile; look at it again", etag=etag_of(index, key))
        if policy is None and value is None:
            raise ContractNotFound(f"There is no policy for {f'{level} {name}'.strip()}")
        action = "delete-policy" if policy is None else "set-policy"
        audit = AuditEntry(actor, action, before=(value or b"").decode(errors="replace"), reason=reason)
        try:
            return store.put_document(key, None if policy is None else compact(policy), after=after, audit=audit)
        except VersionSetChanged:
            continue
    raise ContractConflict("The policy is being changed by others without a pause; try again")
