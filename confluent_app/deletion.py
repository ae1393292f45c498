"""Deletion in two steps: soft, which withdraws a version of the contract, and permanent, which removes it."""

from __future__ import annotations

import msgspec

from confluent_app.errors import (
    REFERENCE_EXISTS,
    SUBJECT_NOT_FOUND,
    SUBJECT_NOT_SOFT_DELETED,
    SUBJECT_SOFT_DELETED,
    VERSION_NOT_FOUND,
    VERSION_NOT_SOFT_DELETED,
    VERSION_SOFT_DELETED,
    ConfluentError,
)
from confluent_app.numbering import SubjectState, SubjectVersion, subject_state
from confluent_app.records import SubjectRecord
from confluent_app.requests import LATEST
from confluent_app.settings_records import change_settings, check_writable
from confluent_app.subjects import Subject
from contracts_app.exceptions import ContractConflict, ContractNotFound
from contracts_app.services.lifecycle import change_state
from contracts_app.services.removal import remove
from contracts_app.storage import Actor, ContractStore

REASON = "deleted through the Confluent API"


def delete_version(subject: Subject, number: int, actor: Actor, store: ContractStore, *, permanent: bool) -> int:
    """Delete one version, and return its number. Raises ConfluentError."""
    state = subject_state(store, subject, actor=actor)
    check_writable(state.index.documents, subject)
    if not (state.versions if permanent else state.active):
        raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{subject}' not found.")
    version = find_version(state, number, deleted=True)
    shown = f"Subject '{subject}' Version {version.number}"
    if permanent and not version.deleted:
        raise ConfluentError(
            VERSION_NOT_SOFT_DELETED, f"{shown} was not deleted first before being permanently deleted"
        )
    if not permanent and version.deleted:
        raise ConfluentError(
            VERSION_SOFT_DELETED,
            f"{shown} was soft deleted. Set permanent=true to delete permanently",
        )
    _delete([version], actor, store, permanent=permanent)
    if permanent:
        _forget(state, actor, store)
    return version.number


def delete_subject(subject: Subject, actor: Actor, store: ContractStore, *, permanent: bool) -> list[int]:
    """Delete all versions and what is set for the subject, and return their numbers. Raises ConfluentError."""
    state = subject_state(store, subject, actor=actor)
    check_writable(state.index.documents, subject)
    if not state.versions:
        raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{subject}' not found.")
    if permanent and state.active:
        raise ConfluentError(
            SUBJECT_NOT_SOFT_DELETED, f"Subject '{subject}' was not deleted first before being permanently deleted"
        )
    if not permanent and not state.active:
        raise ConfluentError(
            SUBJECT_SOFT_DELETED, f"Subject '{subject}' was soft deleted. Set permanent=true to delete permanently"
        )
    versions = list(state.versions if permanent else state.active)
    _delete(versions, actor, store, permanent=permanent)
    if permanent:
        _forget(state, actor, store)
    else:
        change_settings(
            store,
            subject,
            lambda record: msgspec.structs.replace(record, mode=None, config={}),
            actor,
            "delete-confluent-config",
        )
    return [each.number for each in versions]


def find_version(state: SubjectState, number: int, *, deleted: bool = False) -> SubjectVersion:
    """Return a version by its number, or the latest one that is not deleted. Raises ConfluentError."""
    active = state.active
    if number == LATEST and active:
        return active[-1]
    versions = state.versions if deleted else active
    if not versions:
        raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{state.subject}' not found.")
    found = next((each for each in versions if number in (LATEST, each.number)), None)
    if found is None:
        raise ConfluentError(VERSION_NOT_FOUND, f"Version {number} not found.")
    return found


def _delete(versions: list[SubjectVersion], actor: Actor, store: ContractStore, *, permanent: bool) -> None:
    """Withdraw or remove versions of the contract, the latest first: all of them, or none if one must stay."""
    for dry_run in (True, False):
        for version in reversed(versions):
            name, number = version.entry.name, version.entry.version
            try:
                if permanent:
                    remove(
                        name=name, version=number, actor=actor, reason=REASON, force=True, dry_run=dry_run, store=store
                    )
                else:
                    change_state(
                        name=name,
                        version=number,
                        action="withdraw",
                        actor=actor,
                        reason=REASON,
                        dry_run=dry_run,
                        store=store,
                    )
            except ContractConflict as conflict:
                if "dependents" not in conflict.extras:
                    raise
                raise ConfluentError(
                    REFERENCE_EXISTS, f"One or more references exist to the schema: {conflict.message}"
                ) from None
            except ContractNotFound:
                continue  # another request removed it


def _forget(state: SubjectState, actor: Actor, store: ContractStore) -> None:
    """Drop the numbers of versions that are gone. A subject without any version begins at 1 again."""
    names = {each.version for each in state.record.versions}

    def change(record: SubjectRecord) -> SubjectRecord:
        index = store.index(state.subject.contract)
        left = {entry.version for entry in index.versions(state.subject.contract)}
        versions = tuple(each for each in record.versions if each.version in left or each.version not in names)
        return msgspec.structs.replace(record, versions=versions, next=record.next if versions else 1)

    change_settings(store, state.subject, change, actor, "number-version")
