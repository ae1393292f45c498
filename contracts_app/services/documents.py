"""Changing one record that is not a contract's, by compare-and-set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contracts_app.exceptions import ContractConflict, PreconditionFailed, VersionSetChanged
from contracts_app.storage import AuditEntry, ContractStore

MAX_ATTEMPTS = 20
Documents = Mapping[str, tuple[int, bytes | None]]
"""Records by key, each with the sequence of its last write; None if it was deleted."""
Change = Callable[[Documents], tuple[bytes | None, AuditEntry] | None]
"""Returns what a record becomes (None deletes it) from the records that there are; or None to leave it as it is."""


def change_document(
    store: ContractStore,
    key: str,
    what: str,
    change: Change,
    *,
    expected_etag: str | None = None,
    whole_family: bool = False,
) -> int:
    """Write what `change` makes of a record, and return the sequence. It is called again if another writer was first.

    `what` names the record in errors. With `expected_etag`, nothing is written unless that is its entity tag; with
    `whole_family`, unless no record of the same family was written meanwhile. Raises what `change` raises,
    PreconditionFailed, ContractConflict, StorageUnavailable.
    """
    family = key.partition(".")[0]
    for attempt in range(MAX_ATTEMPTS):
        index = store.index(family, fresh=attempt > 0)
        after = index.last_of_family(family)
        sequence, value = index.documents.get(key, (0, None))
        etag = f'"{sequence}"' if value is not None else None
        if expected_etag is not None and expected_etag != etag:
            raise PreconditionFailed(f"{what} has changed meanwhile; look at it again", etag=etag)
        wanted = change(index.documents)
        if wanted is None:
            return sequence
        changed, audit = wanted
        try:
            if whole_family:
                return store.put_document(key, changed, after=after, audit=audit, family=family)
            return store.put_document(key, changed, after=sequence, audit=audit)
        except VersionSetChanged:
            continue
    raise ContractConflict(f"{what} is being changed by others without a pause; try again")
