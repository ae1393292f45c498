"""Proposing versions for review, and deciding on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts_app.bundles import ContractBundle, check_identity, content_digest
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractConflict,
    ContractError,
    ContractNotFound,
    NotPermitted,
    PreconditionFailed,
    ReviewRequired,
)
from contracts_app.policies import policy_of
from contracts_app.proposals import (
    APPROVED,
    PENDING,
    REJECTED,
    WITHDRAWN,
    Proposal,
    proposal_key,
    proposals_of,
    read_proposal,
)
from contracts_app.services.comparison import compare, compared_version, report_to_json
from contracts_app.services.documents import Documents, change_document
from contracts_app.services.publishing import publish
from contracts_app.services.version_checks import find_neighbours
from contracts_app.storage import Actor, AuditEntry, ContractStore, contract_store
from contracts_app.timestamps import utc_now

MAX_PENDING = 1000
_ACTIONS = {APPROVED: "approve", REJECTED: "reject", WITHDRAWN: "withdraw-proposal"}


def propose(
    bundle: ContractBundle,
    required: ReviewRequired,
    actor: Actor,
    *,
    override: str | None = None,
    store: ContractStore | None = None,
) -> Proposal:
    """Propose a version that `publish` found to be in need of a review. Proposing the same again changes nothing.

    The author may replace a proposal that waits by another content. Raises ContractConflict (somebody else's proposal
    of the version waits, or too many do), ContractTooLarge, StorageUnavailable.
    """
    store = store or contract_store()
    now = utc_now()
    digest = content_digest(bundle)
    proposal = Proposal(
        name=bundle.name,
        version=bundle.version,
        digest=digest,
        author=actor.subject,
        proposed_at=now,
        review=required.review,
        override=override,
        bundle=replace(bundle, digest=digest, created_at=now),
    )
    found = proposal

    def change(documents: Documents) -> tuple[bytes, AuditEntry] | None:
        nonlocal found
        found, present = proposal, _present(documents, proposal.key)
        if present is not None and present.state == PENDING:
            if (present.digest, present.author, present.override) == (digest, actor.subject, override):
                found = present
                return None
            if present.author != actor.subject:
                raise ContractConflict(
                    f"{present.author} has proposed {bundle.name}/{bundle.version} already, on {present.proposed_at}; "
                    "wait for the decision, or propose another version",
                    author=present.author,
                )
        waiting = sum(each.state == PENDING for each in proposals_of(documents))
        if waiting >= MAX_PENDING:
            raise ContractConflict(f"{MAX_PENDING} proposals wait already; have some of them decided")
        return proposal.to_record(), AuditEntry(actor, "propose", before=present.state if present else "")

    change_document(store, proposal.key, _what(proposal), change)
    return found


def find_proposal(name: str, version: str, store: ContractStore | None = None) -> Proposal:
    """Return the proposal of a version. Raises ContractNotFound, MalformedContract, StorageUnavailable."""
    check_identity(name, version)
    _, value = (store or contract_store()).document(proposal_key(name, version))
    if value is None:
        raise ContractNotFound(f"There is no proposal of {name}/{version}", name=name, version=version)
    return read_proposal(proposal_key(name, version), value)


def proposal_to_json(proposal: Proposal, store: ContractStore) -> dict[str, Any]:
    """Return a proposal with its content, and while it waits how it is judged now.

    `revision` stands for the versions that it was judged with: with it, `approve` notices that there are others.
    """
    members = proposal.to_json()
    if proposal.bundle is None:
        return members
    index = store.index(proposal.name)
    members |= {"contract": proposal.bundle.content(), "revision": index.revision(proposal.name)}
    policy = policy_of(index.documents, proposal.name)
    below = find_neighbours(proposal.bundle, index, policy).below
    if below:
        older = store.content(below[0], index)
        report = compare(compared_version(older, store), compared_version(proposal.bundle, store), policy)
        members["report"] = {"comparedWith": older.version, **report_to_json(report, policy)}
    return members


def approve(
    name: str,
    version: str,
    actor: Actor,
    reason: str,
    *,
    expected_revision: int | None = None,
    store: ContractStore | None = None,
) -> ContractBundle:
    """Approve a proposal and publish it; return the version, whose audit entry has the author and who approved it.

    It is judged again with the versions that there are now, and stays as it is if it is refused. With
    `expected_revision`, nothing changes unless the versions are those of that revision. An approval whose publication
    was interrupted is completed by another one. Raises ContractNotFound, NotPermitted (one's own), ContractConflict,
    PreconditionFailed, ContractRefused, ContractAlreadyExists, StorageUnavailable.
    """
    store = store or contract_store()
    proposal = find_proposal(name, version, store)
    _check_other(proposal, actor)
    if proposal.bundle is None or proposal.state not in (PENDING, APPROVED):
        raise _decided_already(proposal)
    if expected_revision not in (None, store.index(name).revision(name)):
        raise PreconditionFailed(f"{name} has other versions than those that you looked at; look at it again")
    claimed: Proposal | None = None
    try:
        _publish(proposal, actor, reason, store, dry_run=True)
        claimed = _decide(proposal, APPROVED, actor, reason, store)
        published = _publish(claimed, actor, reason, store)
    except ContractAlreadyExists as exists:
        if exists.extras.get("digest") != proposal.digest:
            _reopen(claimed, actor, exists, store)
            raise
        # An approval that was interrupted, or one at the same time, has published it.
        claimed = claimed or _decide(proposal, APPROVED, actor, reason, store)
        published = store.get(name, version)
    except ContractError as error:
        if error.status < 500:
            _reopen(claimed, actor, error, store)
        raise
    _write(claimed, "close-proposal", lambda present: replace(present, bundle=None), actor, "", store)
    return published


def reject(name: str, version: str, actor: Actor, reason: str, *, store: ContractStore | None = None) -> Proposal:
    """Reject a proposal. Raises ContractNotFound, NotPermitted (one's own), ContractConflict, StorageUnavailable."""
    store = store or contract_store()
    proposal = find_proposal(name, version, store)
    _check_other(proposal, actor)
    return _decide(proposal, REJECTED, actor, reason, store)


def withdraw(name: str, version: str, actor: Actor, *, store: ContractStore | None = None) -> Proposal:
    """Take one's own proposal back. Raises ContractNotFound, NotPermitted, ContractConflict, StorageUnavailable."""
    store = store or contract_store()
    proposal = find_proposal(name, version, store)
    if proposal.author != actor.subject:
        raise NotPermitted(f"Only {proposal.author} can take this proposal back; reject it instead")
    return _decide(proposal, WITHDRAWN, actor, "", store)


def _publish(
    proposal: Proposal, actor: Actor, reason: str, store: ContractStore, *, dry_run: bool = False
) -> ContractBundle:
    assert proposal.bundle is not None
    return publish(
        bundle=proposal.bundle,
        actor=Actor(proposal.author, actor.request_id),
        override=proposal.override,
        approval=f"approved by {actor.subject}: {reason}",
        dry_run=dry_run,
        store=store,
    ).bundle


def _decide(proposal: Proposal, state: str, actor: Actor, reason: str, store: ContractStore) -> Proposal:
    """Write a decision on a proposal that waits, or an approval of the same content that was interrupted."""

    def change(present: Proposal) -> Proposal:
        again = present.state == state == APPROVED and present.bundle is not None
        if (present.state != PENDING and not again) or present.digest != proposal.digest:
            raise _decided_already(present)
        decided = present.decided(state, actor.subject, utc_now(), reason)
        return decided if state == APPROVED else replace(decided, bundle=None)

    return _write(proposal, _ACTIONS[state], change, actor, reason, store)


def _reopen(claimed: Proposal | None, actor: Actor, error: ContractError, store: ContractStore) -> None:
    """Let a proposal wait again that was approved, and refused when it was published."""
    if claimed is not None:
        waiting = replace(claimed, state=PENDING, decided_by=None, decided_at=None, reason=None)
        _write(claimed, "reopen-proposal", lambda _: waiting, actor, error.message, store)


def _write(
    proposal: Proposal,
    action: str,
    change: Callable[[Proposal], Proposal],
    actor: Actor,
    reason: str,
    store: ContractStore,
) -> Proposal:
    changed = proposal

    def write(documents: Documents) -> tuple[bytes, AuditEntry] | None:
        nonlocal changed
        present = _present(documents, proposal.key)
        if present is None:
            raise ContractNotFound(f"There is no proposal of {proposal.name}/{proposal.version}")
        changed = change(present)
        if changed == present:
            return None
        return changed.to_record(), AuditEntry(actor, action, before=present.state, reason=reason)

    change_document(store, proposal.key, _what(proposal), write)
    return changed


def _check_other(proposal: Proposal, actor: Actor) -> None:
    if proposal.author == actor.subject:
        raise NotPermitted(
            f"{proposal.author} proposed {proposal.name}/{proposal.version}, and another person has to decide on it"
        )


def _decided_already(proposal: Proposal) -> ContractConflict:
    return ContractConflict(
        f"The proposal of {proposal.name}/{proposal.version} is {proposal.state}"
        + (f" by {proposal.decided_by}" if proposal.decided_by else ""),
        state=proposal.state,
    )


def _present(documents: Documents, key: str) -> Proposal | None:
    _, value = documents.get(key, (0, None))
    return read_proposal(key, value) if value is not None else None


def _what(proposal: Proposal) -> str:
    return f"The proposal of {proposal.name}/{proposal.version}"
