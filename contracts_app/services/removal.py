"""Removal of what was published by mistake: the content goes, the number stays spent, the history keeps what it was."""

from __future__ import annotations

import logging
from dataclasses import replace

from contracts_app.bundles import ContractBundle, content_digest, key_of
from contracts_app.exceptions import ContractConflict, ContractNotFound
from contracts_app.lifecycle import DRAFT, REMOVED, Lifecycle
from contracts_app.services.publishing import write_decision
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry, contract_store
from contracts_app.timestamps import utc_now

logger = logging.getLogger(__name__)


def remove(
    *,
    name: str,
    version: str | None = None,
    actor: Actor,
    reason: str,
    force: bool = False,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> list[str]:
    """Remove one version, or without `version` all of a contract; return the removed versions.

    A draft can be removed at any time. Any other version may have been read: that needs `force`. Nothing is removed if
    another contract depends on any of them, in whatever state. Raises ContractNotFound, ContractConflict, ReadOnly.
    """
    store = store or contract_store()
    known = store.index()
    entries = [entry for entry in known.versions(name) if version in (None, entry.version)]
    if not entries:
        raise ContractNotFound(f"Contract {name}{f'/{version}' if version else ''} not found", name=name)
    for entry in entries:
        _check(entry, known, force, whole=version is None)
    # The greatest first: what an interruption leaves is what an earlier time had.
    for entry in reversed(entries):
        _remove_version(entry, actor, reason, force, dry_run, store)
    return [entry.version for entry in entries]


def _check(entry: Entry, known: ContractIndex, force: bool, *, whole: bool) -> None:
    shown = f"{entry.name}/{entry.version}"
    dependents = [
        each
        for each in known.dependents(entry.name, entry.version, withdrawn=True)
        if not (whole and each.name == entry.name)
    ]
    if dependents:
        listed = ", ".join(f"{each.name}/{each.version}" for each in dependents[:10])
        raise ContractConflict(
            f"{shown} cannot be removed: {len(dependents)} versions depend on it ({listed}); remove or replace "
            "them, or withdraw it",
            dependents=[{"name": each.name, "version": each.version} for each in dependents[:100]],
        )
    if entry.state != DRAFT and not force:
        raise ContractConflict(
            f"{shown} is {entry.state}, so others may have read it: withdraw it, or remove it with force",
            state=entry.state,
        )


def _remove_version(found: Entry, actor: Actor, reason: str, force: bool, dry_run: bool, store: ContractStore) -> None:
    name, version = found.name, found.version

    def decide(known: ContractIndex) -> tuple[ContractBundle, AuditEntry]:
        entry = known.get(key_of(name, version))
        if entry is None:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        if entry.state != found.state and not force:
            raise ContractConflict(f"{name}/{version} is {entry.state} now; look at it again", state=entry.state)
        before = entry.lifecycle or Lifecycle()
        life = before.next(REMOVED, utc_now(), deprecated_at=None, sunset_at=None, reason=reason, successor=None)
        rest = ContractBundle(name=name, version=version, created_at=entry.created_at, lifecycle=life)
        return replace(rest, digest=content_digest(rest)), AuditEntry(
            actor, "remove", before=entry.state, reason=reason
        )

    write_decision(name, store, decide, dry_run=dry_run)
    if not dry_run:
        logger.info("removed", extra={"contract": name, "version": version})
