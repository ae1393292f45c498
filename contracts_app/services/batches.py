"""Publishing several contracts: all are checked first, then written in the order of their dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import ContractBundle, content_digest, key_of
from contracts_app.exceptions import ContractAlreadyExists, ContractError, ContractRefused, VersionSetChanged
from contracts_app.services.dependencies import referred_names
from contracts_app.services.publishing import publish_contract
from contracts_app.storage import (
    Actor,
    AuditEntry,
    ContractIndex,
    ContractStore,
    Listing,
    Position,
    StoredWrite,
    contract_store,
)
from linter_app.semver import Version

MAX_BATCH_MEMBERS = 500


@dataclass(frozen=True)
class BatchMember:
    bundle: ContractBundle
    draft: bool = False


@dataclass(frozen=True)
class MemberOutcome:
    """The result for one contract: `created`, `valid`, `unchanged` or `refused`."""

    name: str
    version: str
    status: str
    digest: str = ""
    error: ContractError | None = None

    def to_json(self) -> dict[str, Any]:
        members: dict[str, Any] = {"name": self.name, "version": self.version, "status": self.status}
        if self.digest:
            members["digest"] = self.digest
        if self.error is not None:
            members |= {"code": self.error.code, "detail": self.error.message, **self.error.extras}
        return members


def publish_contracts(
    *,
    members: list[BatchMember],
    actor: Actor,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> list[MemberOutcome]:
    """Publish contracts that may depend on each other. Versions that are already published stay unchanged.

    All are checked first; if any is refused, nothing is written. The writes themselves are separate: after a failure
    between them, publishing the same set again continues where it stopped. Raises ContractRefused for circular
    dependencies, and StorageUnavailable.
    """
    store = store or contract_store()
    ordered = in_order(members)
    rehearsal = DryRunStore(store)
    outcomes = [_publish(member, actor, rehearsal, "valid") for member in ordered]
    if dry_run or any(outcome.status == "refused" for outcome in outcomes):
        return outcomes
    done: list[MemberOutcome] = []
    for member, outcome in zip(ordered, outcomes, strict=True):
        done.append(outcome if outcome.status == "unchanged" else _publish(member, actor, store, "created"))
        if done[-1].status == "refused":
            break  # another writer published meanwhile
    return done


def _publish(member: BatchMember, actor: Actor, store: ContractStore, status: str) -> MemberOutcome:
    bundle = member.bundle
    try:
        published = publish_contract(bundle=bundle, actor=actor, draft=member.draft, store=store)
    except ContractAlreadyExists as exists:
        if (exists.extras["version"], exists.extras["digest"]) == (bundle.version, content_digest(bundle)):
            return MemberOutcome(bundle.name, bundle.version, "unchanged", exists.extras["digest"])
        return MemberOutcome(bundle.name, bundle.version, "refused", error=exists)
    except ContractRefused as refused:
        return MemberOutcome(bundle.name, bundle.version, "refused", error=refused)
    return MemberOutcome(bundle.name, bundle.version, status, published.digest)


def in_order(members: list[BatchMember]) -> list[BatchMember]:
    """Order contracts after their dependencies, and versions of one name ascending. Raises ContractRefused."""
    ordered = sorted(members, key=lambda member: (member.bundle.name, Version.parse(member.bundle.version)))
    names = {member.bundle.name for member in ordered}
    needs: dict[str, set[str]] = {name: set() for name in names}
    for member in ordered:
        name, referred = member.bundle.name, referred_names(member.bundle.json_schema, member.bundle.wit)
        needs[name] |= referred & names - {name}
    sequence: list[str] = []
    while needs:
        free = sorted(name for name, needed in needs.items() if not needed & needs.keys())
        if not free:
            raise ContractRefused(f"These contracts depend on each other in a circle: {', '.join(sorted(needs))}")
        sequence += free
        for name in free:
            del needs[name]
    position = {name: number for number, name in enumerate(sequence)}
    return sorted(ordered, key=lambda member: position[member.bundle.name])


class DryRunStore(ContractStore):
    """A store that shows writes to its own reads and passes none on."""

    def __init__(self, store: ContractStore) -> None:
        self._storage = store
        self._written: dict[str, ContractBundle] = {}
        self._indexes: dict[str, ContractIndex] = {}

    def get(self, name: str, version: str) -> ContractBundle:
        return self._written.get(key_of(name, version)) or self._storage.get(name, version)

    def index(self, name: str | None = None, *, fresh: bool = False) -> ContractIndex:
        if name is None:
            return self._storage.index()
        if name not in self._indexes:
            known = self._storage.index(name)
            copy = ContractIndex()
            copy.documents = known.documents
            copy.faults = {key: fault for key, fault in known.faults.items() if fault in known.faults_of(name)}
            for entry in known.versions(name):
                bundle = self._storage.content(entry, known)
                copy.apply(entry.key, entry.sequence, bundle.to_record())
            self._indexes[name] = copy
        return self._indexes[name]

    def position(self) -> Position:
        return self._storage.position()

    def create(self, bundle: ContractBundle, *, after: int, audit: AuditEntry) -> int:
        index = self.index(bundle.name)
        if index.revision(bundle.name) != after:
            raise VersionSetChanged
        self._written[bundle.key] = bundle
        index.apply(bundle.key, index.sequence + 1, bundle.to_record())
        return index.sequence

    def list_all(self) -> Listing:
        return self._storage.list_all()

    def put_document(
        self, key: str, value: bytes | None, *, after: int, audit: AuditEntry, family: str | None = None
    ) -> int:
        raise NotImplementedError

    def history(self, *, after: int = 0, name: str | None = None, limit: int = 1000) -> list[StoredWrite]:
        return self._storage.history(after=after, name=name, limit=limit)
