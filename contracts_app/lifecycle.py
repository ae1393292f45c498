"""The lifecycle of a version: draft, active, deprecated, sunset, withdrawn. Its content never changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

DRAFT, ACTIVE, DEPRECATED, SUNSET, WITHDRAWN = STATES = ("draft", "active", "deprecated", "sunset", "withdrawn")
REMOVED = "removed"
"""The state of a version that is no longer there, only its number; no search finds it."""
COMPARABLE = (ACTIVE, DEPRECATED, SUNSET)
"""The states of versions that a new one is compared with."""
# Allowed transitions. The state sunset is not written: a deprecated version reaches it at its sunset time.
TRANSITIONS = {
    "activate": (DRAFT, DEPRECATED, SUNSET),
    "deprecate": (ACTIVE, DEPRECATED, SUNSET),
    "withdraw": (DRAFT, ACTIVE, DEPRECATED, SUNSET),
}


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """The state of a version and its history. Times are RFC 3339 in UTC."""

    state: str = ACTIVE
    revision: int = 1
    """How often the version was written, the first time included."""
    changed_at: str = ""
    deprecated_at: str | None = None
    sunset_at: str | None = None
    reason: str | None = None
    successor: str | None = None
    """The version of the same contract that replaces it."""

    def state_at(self, now: str) -> str:
        """Return the state at a time (RFC 3339 in UTC, with seconds)."""
        if self.state == DEPRECATED and self.sunset_at is not None and self.sunset_at <= now:
            return SUNSET
        return self.state

    def to_json(self) -> dict[str, Any]:
        members = {
            "state": self.state,
            "revision": self.revision,
            "changedAt": self.changed_at,
            "deprecatedAt": self.deprecated_at,
            "sunsetAt": self.sunset_at,
            "reason": self.reason,
            "successor": self.successor,
        }
        return {key: value for key, value in members.items() if value is not None}

    def next(self, state: str, now: str, **values: Any) -> Lifecycle:
        """Return the next revision, in another state."""
        return replace(self, state=state, revision=self.revision + 1, changed_at=now, **values)


def read_lifecycle(value: Any) -> Lifecycle | None:
    """Return the lifecycle of a stored record. Raises ValueError."""
    if value is None:
        return None
    names = {
        "state": "state",
        "revision": "revision",
        "changedAt": "changed_at",
        "deprecatedAt": "deprecated_at",
        "sunsetAt": "sunset_at",
        "reason": "reason",
        "successor": "successor",
    }
    if not isinstance(value, dict) or not value.keys() <= names.keys():
        raise ValueError("lifecycle is not an object of the known members")
    texts = {key: member for key, member in value.items() if key != "revision"}
    revision = value.get("revision")
    if value.get("state") not in (*STATES, REMOVED) or isinstance(revision, bool) or not isinstance(revision, int):
        raise ValueError("lifecycle has no known state or no revision")
    if not all(isinstance(member, str) for member in texts.values()):
        raise ValueError("lifecycle has a member that is not a string")
    return Lifecycle(**{names[key]: member for key, member in value.items()})
