"""Reading and setting policies."""

from __future__ import annotations

from typing import Any

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractNotFound
from contracts_app.policies import policy_key
from contracts_app.services.documents import Documents, change_document
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, contract_store


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
    key = policy_key(level, name)

    def change(documents: Documents) -> tuple[bytes | None, AuditEntry]:
        value = documents.get(key, (0, None))[1]
        if policy is None and value is None:
            raise ContractNotFound(f"There is no policy for {f'{level} {name}'.strip()}")
        action = "delete-policy" if policy is None else "set-policy"
        audit = AuditEntry(actor, action, before=(value or b"").decode(errors="replace"), reason=reason)
        return None if policy is None else compact(policy), audit

    return change_document(store or contract_store(), key, "The policy", change, expected_etag=expected_etag)
