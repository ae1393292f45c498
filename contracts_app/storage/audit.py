"""The audit entry of a write: headers of its message, as atomic, ordered and dated as the write itself."""

from __future__ import annotations

from datetime import timezone
from urllib.parse import quote, unquote

from contracts_app.storage.base import Actor, Deed, Written
from contracts_app.storage.messages import Message


def audit_headers(deed: Deed) -> dict[str, str]:
    """Percent-encoded: a header holds no line break and no character beyond ASCII."""
    headers = {
        "Registry-Action": deed.action,
        "Registry-Actor": quote(deed.actor.subject, safe="@:/ "),
        "Registry-Request-Id": quote(deed.actor.request_id, safe=""),
        "Registry-Before": deed.before,
        "Registry-Reason": quote(deed.reason, safe=" ,.:/"),
    }
    return {name: value for name, value in headers.items() if value}


def written(message: Message) -> Written:
    """What was done, as its headers tell; another program's write tells less."""
    headers = message.headers
    assert message.written is not None
    moment = message.written.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    actor = Actor(unquote(headers.get("Registry-Actor", "")), unquote(headers.get("Registry-Request-Id", "")))
    action = headers.get("Registry-Action", "delete" if message.deleted else "write")
    before, reason = headers.get("Registry-Before", ""), unquote(headers.get("Registry-Reason", ""))
    return Written(message.sequence, moment, message.key, message.value, Deed(actor, action, before, reason))
