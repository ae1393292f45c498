"""The audit entry of a write as headers of its message: written atomically with it, in the same order."""

from __future__ import annotations

from datetime import timezone
from urllib.parse import quote, unquote

from contracts_app.storage.nats.reads import Message
from contracts_app.storage.writes import Actor, AuditEntry, StoredWrite


def audit_headers(audit: AuditEntry) -> dict[str, str]:
    """Return the headers, percent-encoded: a header has no line breaks, outer spaces or characters beyond ASCII."""
    headers = {
        "Registry-Action": audit.action,
        "Registry-Actor": _encoded(audit.actor.subject, "@:/"),
        "Registry-Request-Id": _encoded(audit.actor.request_id),
        "Registry-Before": audit.before,
        "Registry-Reason": _encoded(audit.reason, ",.:/"),
    }
    return {name: value for name, value in headers.items() if value}


def _encoded(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="surrogatepass")


def stored_write(message: Message) -> StoredWrite:
    """Return the write of a message, with its audit entry. Writes of other programs have fewer headers."""
    headers = message.headers
    assert message.written is not None
    moment = message.written.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    actor = Actor(unquote(headers.get("Registry-Actor", "")), unquote(headers.get("Registry-Request-Id", "")))
    action = headers.get("Registry-Action", "delete" if message.deleted else "write")
    before, reason = headers.get("Registry-Before", ""), unquote(headers.get("Registry-Reason", ""))
    return StoredWrite(message.sequence, moment, message.key, message.value, AuditEntry(actor, action, before, reason))
