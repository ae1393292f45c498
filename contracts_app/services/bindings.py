"""Reading and setting bindings of subjects to contracts."""

from __future__ import annotations

from collections.abc import Callable

from contracts_app.bindings import PREFIX, Binding, binding_named, bindings_of
from contracts_app.bundles import compact
from contracts_app.exceptions import ContractConflict, ContractNotFound, PreconditionFailed, VersionSetChanged
from contracts_app.services.search import resolve
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, contract_store

MAX_ATTEMPTS = 20


def all_bindings(store: ContractStore | None = None) -> list[Binding]:
    """Return every binding by name. Raises StorageUnavailable."""
    return bindings_of((store or contract_store()).index("binding").documents)


def binding_etag(index: ContractIndex, name: str) -> str | None:
    """Return the entity tag of a stored binding, or None if there is none."""
    sequence, value = index.documents.get(PREFIX + name, (0, None))
    return f'"{sequence}"' if value is not None else None


def set_binding(
    *,
    name: str,
    binding: Binding | None,
    actor: Actor,
    reason: str = "",
    expected_etag: str | None = None,
    permit: Callable[[Binding | None], None] = lambda present: None,
    store: ContractStore | None = None,
) -> int:
    """Write a binding, or delete it if `binding` is None; return the sequence.

    Two bindings cannot have the same pattern, and the contract must have a version in the range. `permit` is called
    with the binding that is replaced, or None, and raises if it must not be. Raises ContractNotFound,
    ContractConflict, PreconditionFailed, MalformedContract.
    """
    store = store or contract_store()
    key = PREFIX + name
    for attempt in range(MAX_ATTEMPTS):
        index = store.index("binding", fresh=attempt > 0)
        _, value = index.documents.get(key, (0, None))
        bindings = bindings_of(index.documents)
        permit(binding_named(bindings, name))
        if expected_etag is not None and expected_etag != binding_etag(index, name):
            raise PreconditionFailed(
                "The binding has changed meanwhile; look at it again", etag=binding_etag(index, name)
            )
        if binding is None and value is None:
            raise ContractNotFound(f"There is no binding {name}")
        if binding is not None:
            resolve(store.index(binding.contract), binding.contract, binding.range)
            for other in bindings:
                if other.subject == binding.subject and other.name != name:
                    raise ContractConflict(
                        f"The binding {other.name} has the subject {binding.subject} already; change that one",
                        name=other.name,
                    )
        action = "set-binding" if binding is not None else "delete-binding"
        audit = AuditEntry(actor, action, before=(value or b"").decode(errors="replace"), reason=reason)
        try:
            stored = compact(binding.to_json()) if binding is not None else None
            after = index.last_of_family("binding")
            return store.put_document(key, stored, after=after, audit=audit, family="binding")
        except VersionSetChanged:
            continue
    raise ContractConflict("The binding is being changed by others without a pause; try again")
