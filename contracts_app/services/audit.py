"""The audit log: who did what, when and why, read from the bucket's history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts_app.exceptions import MalformedContract, UnreadableRecord
from contracts_app.proposals import PREFIX as PROPOSAL
from contracts_app.proposals import read_proposal
from contracts_app.records import read_record
from contracts_app.storage import ContractStore, StoredWrite
from contracts_app.timestamps import normal_date_or_timestamp
from linter_app.schema.json_text import InvalidJSON, loads

MAX_WRITES = 1000
MAX_NEWEST_SECONDS = 2
META = "meta."


@dataclass(frozen=True)
class AuditFilter:
    contract: str | None = None
    actor: str | None = None
    action: str | None = None
    since: str | None = None
    """RFC 3339 in UTC, inclusive."""
    until: str | None = None
    """Exclusive."""

    def admits(self, entry: dict[str, Any]) -> bool:
        return (
            self.contract in (None, entry.get("contract"))
            and self.actor in (None, entry["actor"])
            and self.action in (None, entry["action"])
            and (self.since is None or entry["time"] >= self.since)
            and (self.until is None or entry["time"] < self.until)
        )


def audit_entries(store: ContractStore, wanted: AuditFilter, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the audit entries after a sequence, in the order of writing."""
    while chunk := store.history(after=after, name=wanted.contract, limit=MAX_WRITES):
        for write in chunk:
            entry = audit_to_json(write)
            if wanted.until is not None and entry["time"] >= wanted.until:
                return
            if wanted.admits(entry):
                yield entry
        after = chunk[-1].sequence


def audit_page(
    store: ContractStore, wanted: AuditFilter, *, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return one page of entries, and the sequence after which the next begins."""
    found: list[dict[str, Any]] = []
    for entry in audit_entries(store, wanted, after):
        if len(found) == limit:
            return found, found[-1]["sequence"]
        found.append(entry)
    return found, None


def newest_page(
    store: ContractStore, wanted: AuditFilter, *, before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return one page of entries, the newest first, and the sequence before which the next begins.

    A page may be short or even empty if few of many entries match: the search ends after MAX_NEWEST_SECONDS.
    """
    deadline = time.monotonic() + MAX_NEWEST_SECONDS
    end = before if before is not None else store.index().sequence + 1
    found: list[dict[str, Any]] = []
    while end > 1:
        # The writes of one contract are few, and far apart in the stream.
        start = 0 if wanted.contract else max(0, end - 1 - MAX_WRITES)
        for write in reversed(_between(store, wanted.contract, start, end)):
            entry = audit_to_json(write)
            if wanted.since is not None and entry["time"] < wanted.since:
                return found, None
            if wanted.admits(entry):
                if len(found) == limit:
                    return found, found[-1]["sequence"]
                found.append(entry)
        end = start + 1
        if time.monotonic() > deadline:
            break
    return found, end if end > 1 else None


def _between(store: ContractStore, name: str | None, start: int, end: int) -> list[StoredWrite]:
    """Return the writes after `start` and before `end`."""
    found: list[StoredWrite] = []
    while chunk := store.history(after=start, name=name, limit=MAX_WRITES):
        found += [write for write in chunk if write.sequence < end]
        start = chunk[-1].sequence
        if start >= end - 1 or len(chunk) < MAX_WRITES:
            break
    return found


def audit_to_json(write: StoredWrite) -> dict[str, Any]:
    """Return one write as an audit entry."""
    audit = write.audit
    entry: dict[str, Any] = {
        "sequence": write.sequence,
        "time": write.time,
        "action": audit.action,
        "actor": audit.actor.subject,
        "requestId": audit.actor.request_id,
        "key": write.key,
    }
    if write.key.startswith(META):
        try:
            bundle = read_record(write.key, write.value)
        except UnreadableRecord as fault:
            return entry | {"fault": fault.message}
        life = bundle.lifecycle
        entry |= {
            "contract": bundle.name,
            "version": bundle.version,
            "digest": bundle.digest,
            "before": audit.before or None,
            "after": life.state if life else "active",
            "reason": audit.reason or (life.reason if life else None),
        }
        if life is not None and audit.action == "deprecate":
            entry |= {"sunsetAt": life.sunset_at, "successor": life.successor}
    elif write.key.startswith(PROPOSAL) and write.value is not None:
        try:
            proposal = read_proposal(write.key, write.value)
        except UnreadableRecord as fault:
            return entry | {"fault": fault.message}
        entry |= {
            "contract": proposal.name,
            "version": proposal.version,
            "digest": proposal.digest,
            "before": audit.before or None,
            "after": proposal.state,
            "reason": audit.reason or None,
            "author": proposal.author,
            "review": list(proposal.review),
        }
    else:
        entry |= {"before": _policy(audit.before), "after": _policy((write.value or b"").decode(errors="replace"))}
    return entry


def overrides_of(store: ContractStore, name: str) -> dict[str, dict[str, Any]]:
    """Return the audit entries of a contract's versions that were published with an override of their policy.

    Raises StorageUnavailable.
    """
    wanted = AuditFilter(contract=name, action="publish-override")
    return {entry["version"]: entry for entry in audit_entries(store, wanted) if "version" in entry}


def _policy(text: str) -> Any:
    if not text:
        return None
    try:
        return loads(text)
    except InvalidJSON:
        return text


def read_time(text: str | None, field: str) -> str | None:
    """Return a time that can be compared, with microseconds. Raises MalformedContract."""
    if text is None:
        return None
    try:
        normal = normal_date_or_timestamp(text)
    except ValueError:
        raise MalformedContract(
            f"The query parameter {field} must be an RFC 3339 date or date and time", field=field
        ) from None
    seconds, _, fraction = normal.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction[:6].ljust(6, '0')}Z"
