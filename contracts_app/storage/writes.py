"""Data that accompanies a write to the store: who did what, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """The writer, and the request it wrote in."""

    subject: str
    request_id: str = ""


@dataclass(frozen=True)
class AuditEntry:
    """The action, its actor and its reason; stored with the record as its audit entry."""

    actor: Actor
    action: str = "publish"
    before: str = ""
    """The state before; empty if there was none."""
    reason: str = ""


@dataclass(frozen=True)
class StoredWrite:
    """One write in the store's history."""

    sequence: int
    time: str
    """RFC 3339 in UTC, by the server's clock."""
    key: str
    value: bytes | None
    """None if the key was deleted."""
    audit: AuditEntry
