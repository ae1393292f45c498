"""Usage: which clients read and write which contracts, in their own words. Pure rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract
from linter_app.schema.json_pointers import tokens_of
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import InvalidVersion, Version
from linter_app.version_ranges import InvalidRange, VersionRange

MAX_USES = 200
MAX_FIELDS = 500
MAX_CHARACTERS = 200
_CLIENT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


@dataclass(frozen=True)
class Use:
    """One contract that a client reads or writes. Without `fields` it may use all of them."""

    contract: str
    range: str = "latest"
    access: str = "read"
    fields: tuple[str, ...] = ()
    """JSON Pointers into instances, where `*` stands for any item."""

    def to_json(self) -> dict[str, Any]:
        members = {"contract": self.contract, "range": self.range, "access": self.access}
        return members | ({"fields": list(self.fields)} if self.fields else {})


@dataclass(frozen=True)
class ClientUsage:
    """What one client declared, and when it was last heard of."""

    client: str
    seen: str
    version: str = ""
    environment: str = ""
    uses: tuple[Use, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        members: dict[str, Any] = {"client": self.client, "seen": self.seen}
        members |= {name: value for name in ("version", "environment") if (value := getattr(self, name))}
        return members | {"uses": [use.to_json() for use in self.uses]}

    def uses_of(self, contract: str) -> list[Use]:
        return [use for use in self.uses if use.contract == contract]


def check_usage(client: str, value: Any, seen: str) -> ClientUsage:
    """Return what a client declares. Raises MalformedContract, which names the member."""
    if not _CLIENT.fullmatch(client):
        raise MalformedContract("A client's id has 1 to 100 of A-Z a-z 0-9 _ -", field="client")
    if not isinstance(value, dict) or not value.keys() <= {"version", "environment", "uses"}:
        raise MalformedContract("A usage must be a JSON object with uses, and possibly version and environment")
    for member in ("version", "environment"):
        given = value.get(member, "")
        if not isinstance(given, str) or len(given) > MAX_CHARACTERS or not given.isprintable():
            raise MalformedContract(f"{member} must be one line of at most {MAX_CHARACTERS} characters", field=member)
    uses = value.get("uses")
    if not isinstance(uses, list) or not 1 <= len(uses) <= MAX_USES:
        raise MalformedContract(f"uses must be a list of 1 to {MAX_USES} contracts", field="uses")
    found = tuple(_check_use(each, f"uses[{number}]") for number, each in enumerate(uses))
    return ClientUsage(client, seen, value.get("version", ""), value.get("environment", ""), found)


def _check_use(value: Any, at: str) -> Use:
    if not isinstance(value, dict) or not value.keys() <= {"contract", "range", "access", "fields"}:
        raise MalformedContract(
            f"{at} must be an object with contract, and possibly range, access and fields", field=at
        )
    if not valid_name(value.get("contract")):
        raise MalformedContract(f"{at}.contract is not a contract's name", field=f"{at}.contract")
    wanted = value.get("range", "latest")
    if not isinstance(wanted, str) or not _is_range(wanted):
        raise MalformedContract(f"{at}.range must be latest, a version or a range", field=f"{at}.range")
    if value.get("access", "read") not in ("read", "write"):
        raise MalformedContract(f"{at}.access must be read or write", field=f"{at}.access")
    fields = value.get("fields", [])
    if (
        not isinstance(fields, list)
        or len(fields) > MAX_FIELDS
        or not all(isinstance(each, str) and len(each) <= 1000 and _POINTER.fullmatch(each) for each in fields)
    ):
        raise MalformedContract(f"{at}.fields must be at most {MAX_FIELDS} JSON Pointers", field=f"{at}.fields")
    return Use(value["contract"], wanted, value.get("access", "read"), tuple(fields))


def _is_range(text: str) -> bool:
    try:
        return text == "latest" or bool(Version.parse(text))
    except InvalidVersion:
        try:
            return VersionRange.parse(text) is not None
        except InvalidRange:
            return False


def read_usage(record: bytes) -> ClientUsage | None:
    """Return a stored record; None for one that cannot be read."""
    try:
        value = loads(record)
        return check_usage(value.pop("client"), {k: v for k, v in value.items() if k != "seen"}, str(value["seen"]))
    except (InvalidJSON, MalformedContract, KeyError, AttributeError, TypeError):
        return None


def record_of(usage: ClientUsage) -> bytes:
    return json.dumps(usage.to_json(), separators=(",", ":")).encode()


def touches(use: Use, schema_pointers: Iterable[str | None]) -> bool:
    """Return whether changes at some places of a schema concern the fields that a client declares; without any, yes."""
    if not use.fields:
        return True
    fields = [_steps(tokens_of(each)) for each in use.fields]
    for each in schema_pointers:
        place = _instance_steps(each or "")
        if any(place[: len(wanted)] == wanted[: len(place)] for wanted in fields):
            return True
    return False


def _steps(tokens: list[str]) -> list[str]:
    return ["*" if token.isdecimal() or token == "-" else token for token in tokens]


def _instance_steps(schema_pointer: str) -> list[str]:
    """Return the place in an instance that a schema's JSON Pointer is about, as far as it can be known."""
    found: list[str] = []
    tokens = tokens_of(schema_pointer)
    while tokens:
        keyword = tokens.pop(0)
        if keyword == "properties" and tokens:
            found.append(tokens.pop(0))
        elif keyword in ("items", "prefixItems", "contains", "additionalItems"):
            found.append("*")
            if tokens and tokens[0].isdecimal():
                tokens.pop(0)
        elif keyword in ("$defs", "definitions", "patternProperties", "additionalProperties"):
            return []  # it may apply anywhere
    return found
