"""Proposals: versions that wait for the approval of another person. Pure rules, without any input or output.

They are stored in the bucket under `proposal.<name>.<version>`. Once it is decided, only what was decided is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from contracts_app.bundles import ContractBundle, compact, key_of
from contracts_app.exceptions import UnreadableRecord
from contracts_app.records import read_record
from linter_app.schema.json_text import InvalidJSON, loads

PREFIX = "proposal."
PENDING, APPROVED, REJECTED, WITHDRAWN = STATES = ("pending", "approved", "rejected", "withdrawn")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A version that was proposed, and what became of it. Times are RFC 3339 in UTC."""

    name: str
    version: str
    digest: str
    author: str
    proposed_at: str
    review: tuple[str, ...]
    """Why the policy asked for a review."""
    override: str | None = None
    """The reason for publishing a breaking change."""
    state: str = PENDING
    decided_by: str | None = None
    decided_at: str | None = None
    reason: str | None = None
    """Of the decision."""
    bundle: ContractBundle | None = None
    """What is published once it is approved; None after the decision."""

    @property
    def key(self) -> str:
        return proposal_key(self.name, self.version)

    def to_json(self) -> dict[str, Any]:
        """Return what clients see of it, without the content."""
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "state": self.state,
            "review": list(self.review),
            "author": self.author,
            "proposedAt": self.proposed_at,
            "override": self.override,
            "decidedBy": self.decided_by,
            "decidedAt": self.decided_at,
            "reason": self.reason,
        }

    def to_record(self) -> bytes:
        content = {"bundle": self.bundle.to_json()} if self.bundle is not None else {}
        return compact(self.to_json() | content)

    def decided(self, state: str, by: str, at: str, reason: str) -> Proposal:
        """Return it after a decision."""
        return replace(self, state=state, decided_by=by, decided_at=at, reason=reason)


class _Record(msgspec.Struct, kw_only=True):
    name: str
    version: str
    digest: str
    state: str
    review: list[str]
    author: str
    proposedAt: str
    override: str | None
    decidedBy: str | None
    decidedAt: str | None
    reason: str | None
    bundle: Any = None


def proposal_key(name: str, version: str) -> str:
    return f"{PREFIX}{name}.{version}"


def read_proposal(key: str, value: bytes) -> Proposal:
    """Return a stored proposal. Raises UnreadableRecord."""
    try:
        record = msgspec.convert(loads(value), _Record)
        if proposal_key(record.name, record.version) != key or record.state not in STATES:
            raise ValueError("it is that of another version, or in no known state")
        bundle = record.bundle
        return Proposal(
            name=record.name,
            version=record.version,
            digest=record.digest,
            author=record.author,
            proposed_at=record.proposedAt,
            review=tuple(record.review),
            override=record.override,
            state=record.state,
            decided_by=record.decidedBy,
            decided_at=record.decidedAt,
            reason=record.reason,
            bundle=read_record(key_of(record.name, record.version), compact(bundle)) if bundle is not None else None,
        )
    except (InvalidJSON, msgspec.ValidationError, ValueError, UnreadableRecord) as error:
        raise UnreadableRecord(f"The stored record {key} is no proposal: {error}", key=key, reason=str(error)) from None


def proposals_of(documents: Mapping[str, tuple[int, bytes | None]]) -> list[Proposal]:
    """Return every stored proposal, those that wait first, then the newest; what cannot be read is left out."""
    found = []
    for key, (_, value) in list(documents.items()):
        if key.startswith(PREFIX) and value is not None:
            try:
                found.append(read_proposal(key, value))
            except UnreadableRecord:
                continue
    found.sort(key=lambda each: each.decided_at or each.proposed_at, reverse=True)
    return sorted(found, key=lambda each: each.state != PENDING)
