"""A webhook: where events are sent, and which. Pure rules, without any input or output.

They are stored in the bucket under `webhook.<name>`. Their secrets are not stored: see `signing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract
from contracts_app.scope_patterns import covers
from linter_app.schema.json_text import InvalidJSON, loads

PREFIX = "webhook."
MAX_URL_CHARACTERS = 1000
MAX_FILTERS = 100
MAX_DESCRIPTION_CHARACTERS = 200
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_TYPE = re.compile(r"[a-z]+(?:\.[a-z]+)+")
_GIVEN = ("url", "types", "contracts", "enabled", "description")


class SigningKey(NamedTuple):
    """What a secret is derived from."""

    salt: str
    fingerprint: str
    """Of the secret, so that a process with another SECRET_KEY notices that it has another secret."""
    until: str = ""
    """RFC 3339 in UTC: when it is no longer used; empty for the current one."""


@dataclass(frozen=True)
class Webhook:
    """An address that receives events, signed with the secrets of its keys."""

    name: str
    url: str
    id: str
    """Differs between two webhooks that had the same name one after the other."""
    keys: tuple[SigningKey, ...]
    """The current one first; then the one before it, which is still used for some time."""
    types: tuple[str, ...] = ()
    """The types of events, such as `contract.published`; empty for all."""
    contracts: tuple[str, ...] = ()
    """Names of contracts, or prefixes such as `payments.*`; empty for all events, also those about no contract."""
    enabled: bool = True
    """Events of a webhook that is not enabled wait in the stream."""
    description: str = ""

    def admits(self, kind: str, contract: str | None) -> bool:
        """Return whether events of a type and about a contract, or about none, are sent."""
        if self.types and kind not in self.types:
            return False
        return not self.contracts or any(covers(each, contract) for each in self.contracts if contract is not None)

    def to_json(self) -> dict[str, Any]:
        """Return what clients see of it."""
        shown = {member: getattr(self, member) for member in _GIVEN}
        return {
            "name": self.name,
            **{member: list(value) if isinstance(value, tuple) else value for member, value in shown.items()},
            "key": self.keys[0].fingerprint,
        }

    def to_record(self) -> dict[str, Any]:
        """Return it as it is stored, without its name."""
        members = {name: value for name, value in self.to_json().items() if name not in ("name", "key")}
        return {**members, "id": self.id, "keys": [each._asdict() for each in self.keys]}


@dataclass(frozen=True)
class WebhookRequest:
    """What a client wants of a webhook: all but its id and keys."""

    url: str
    types: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    enabled: bool = True
    description: str = ""


def check_webhook_name(name: str) -> str:
    """Return a name of a webhook. Raises MalformedContract."""
    if not _NAME.fullmatch(name):
        raise MalformedContract(
            f"{name!r:.80} is not a name for a webhook: up to 64 of a-z, 0-9 and -, the first and last no -",
            field="name",
        )
    return name


def check_webhook(value: Any) -> WebhookRequest:
    """Return what a client wants of a webhook. Raises MalformedContract, which names the member."""
    if not isinstance(value, dict) or "url" not in value:
        raise MalformedContract("A webhook must be a JSON object with url", field="url")
    if unknown := sorted(value.keys() - set(_GIVEN)):
        shown = ", ".join(f"{each!r:.60}" for each in unknown[:10])
        raise MalformedContract(f"Unknown members of a webhook: {shown}; known are {', '.join(_GIVEN)}")
    description = value.get("description", "")
    if (
        not isinstance(description, str)
        or len(description) > MAX_DESCRIPTION_CHARACTERS
        or not description.isprintable()
    ):
        raise MalformedContract(
            f"description must be one line of at most {MAX_DESCRIPTION_CHARACTERS} characters", field="description"
        )
    if not isinstance(value.get("enabled", True), bool):
        raise MalformedContract("enabled must be true or false", field="enabled")
    types, contracts = _texts(value, "types"), _texts(value, "contracts")
    for each in types:
        if not _TYPE.fullmatch(each):
            raise MalformedContract(f"{each!r:.80} is not a type of events such as contract.published", field="types")
    for each in contracts:
        if not valid_name(each.removesuffix(".*")):
            raise MalformedContract(
                f"{each!r:.80} is neither a name nor a prefix such as payments.*", field="contracts"
            )
    return WebhookRequest(_url(value["url"]), types, contracts, value.get("enabled", True), description)


def webhooks_of(documents: Mapping[str, tuple[int, bytes | None]]) -> dict[str, tuple[int, Webhook]]:
    """Return every stored webhook and its sequence by name; what cannot be read is left out."""
    found = {}
    for key, (sequence, value) in sorted(documents.items()):
        if key.startswith(PREFIX) and value is not None:
            try:
                found[key.removeprefix(PREFIX)] = sequence, read_webhook(key.removeprefix(PREFIX), loads(value))
            except (InvalidJSON, MalformedContract, KeyError, TypeError):
                continue
    return found


def read_webhook(name: str, record: dict[str, Any]) -> Webhook:
    """Return a stored webhook. Raises MalformedContract, KeyError, TypeError."""
    given = check_webhook({member: record[member] for member in _GIVEN})
    keys = tuple(SigningKey(str(each["salt"]), str(each["fingerprint"]), str(each["until"])) for each in record["keys"])
    return Webhook(check_webhook_name(name), id=str(record["id"]), keys=keys, **vars(given))


def _texts(value: dict[str, Any], member: str) -> tuple[str, ...]:
    given = value.get(member, [])
    if not isinstance(given, list) or len(given) > MAX_FILTERS or not all(isinstance(each, str) for each in given):
        raise MalformedContract(f"{member} must be an array of at most {MAX_FILTERS} texts", field=member)
    return tuple(given)


def _url(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_URL_CHARACTERS or not value.isascii() or not value.isprintable():
        raise MalformedContract(f"url must be a URL of at most {MAX_URL_CHARACTERS} ASCII characters", field="url")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise MalformedContract(f"url is not a URL: {error}", field="url") from None
    if parts.scheme not in ("https", "http") or not host or " " in value:
        raise MalformedContract(
            "url must begin with https:// and a host; http:// is for your own networks", field="url"
        )
    if "@" in parts.netloc or "#" in value:
        raise MalformedContract("url must have neither a login nor a fragment; events are signed instead", field="url")
    return value
