"""What a write to the store carries beside its value: who did what, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """Who writes, and in which request."""

    subject: str
    request_id: str = ""


@dataclass(frozen=True)
class AuditEntry:
    """What is done, by whom and why; stored with the record as its entry in the audit."""

    actor: Actor
    action: str = "publish"
    before: str = ""
    """The state before, empty where there was none."""
    reason: str = ""


@dataclass(frozen=True)
class StoredWrite:
    """One write of the store's history."""

    sequence: int
    time: str
    """RFC 3339 in UTC, of the server's clock."""
    key: str
    value: bytes | None
    """None where the key was deleted."""
    audit: AuditEntry
