"""Bindings: which contract the messages on a NATS subject must satisfy. Pure rules, without any input or output.

They are stored in the bucket under `binding.<name>`. Where several patterns cover a subject, the most specific one
holds: token by token from the left, a literal is more specific than `*`, and `*` more than `>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import InvalidVersion, Version
from linter_app.version_ranges import InvalidRange, VersionRange

PREFIX = "binding."
MODES = ("off", "report", "enforce")
"""Whether a message that is not valid is left alone, reported, or refused by publishers and consumers."""
LOCATIONS = ("body", "cloudevents", "cloudevents-binary", "pointer")
"""Where the value is that the schema describes: the whole body, `data` of a structured CloudEvent, the body of a binary
one, or at a JSON Pointer in the body.
"""
MAX_SUBJECT_CHARACTERS = 255
MAX_TEXT_CHARACTERS = 200
_TOKEN = re.compile(r"[^\s.*>\x00-\x1f\x7f]+")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_RANKS = {">": 0, "*": 1}
_MEMBERS = ("subject", "contract", "range", "mode", "location", "pointer", "owner", "description")


@dataclass(frozen=True)
class Binding:
    """A subject pattern, the contract and range of versions for it, and how it is enforced."""

    name: str
    subject: str
    contract: str
    range: str = "latest"
    """A range of versions, an exact one, or `latest`."""
    mode: str = "report"
    location: str = "body"
    pointer: str = ""
    """The JSON Pointer of the value, for the location `pointer`."""
    owner: str = ""
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the binding without its name, as it is stored."""
        members = {member: getattr(self, member) for member in _MEMBERS}
        return {member: value for member, value in members.items() if value != ""}


def check_binding(name: str, value: Any) -> Binding:
    """Return a binding from its JSON form. Raises MalformedContract, which names the member."""
    if not valid_name(name):
        raise MalformedContract(
            f"{name!r:.80} is not a name for a binding: it follows the rules of contracts", field="name"
        )
    if not isinstance(value, dict):
        raise MalformedContract("A binding must be a JSON object with subject and contract")
    if unknown := sorted(value.keys() - set(_MEMBERS)):
        shown = ", ".join(f"{each!r:.60}" for each in unknown[:10])
        raise MalformedContract(f"Unknown members of a binding: {shown}; known are {', '.join(_MEMBERS)}")
    for member in ("subject", "contract"):
        if member not in value:
            raise MalformedContract(f"The member {member} is missing", field=member)
    for member, given in value.items():
        if not isinstance(given, str) or len(given) > MAX_SUBJECT_CHARACTERS or not given.isprintable():
            raise MalformedContract(
                f"{member} must be one line of at most {MAX_SUBJECT_CHARACTERS} characters", field=member
            )
    binding = Binding(name, **value)
    check_pattern(binding.subject, "subject")
    if not valid_name(binding.contract):
        raise MalformedContract(f"{binding.contract!r:.80} is not a contract's name", field="contract")
    _check_range(binding.range)
    if binding.mode not in MODES:
        raise MalformedContract(f"mode must be one of {', '.join(MODES)}", field="mode")
    if binding.location not in LOCATIONS:
        raise MalformedContract(f"location must be one of {', '.join(LOCATIONS)}", field="location")
    if not _POINTER.fullmatch(binding.pointer) or bool(binding.pointer) != (binding.location == "pointer"):
        raise MalformedContract(
            "pointer must be a JSON Pointer such as /data, with the location pointer alone", field="pointer"
        )
    return binding


def check_pattern(pattern: str, field: str) -> str:
    """Return a subject pattern of NATS if it is one. Raises MalformedContract, which names `field`."""
    tokens = pattern.split(".")
    valid = all(
        each == "*" or (each == ">" and number == len(tokens) - 1) or _TOKEN.fullmatch(each)
        for number, each in enumerate(tokens)
    )
    if not valid or pattern.startswith("$"):
        raise MalformedContract(
            f"{pattern!r:.100} is not a subject of messages: tokens between dots, where * stands for one and a last > "
            "for the rest; subjects that begin with $ belong to NATS",
            field=field,
        )
    return pattern


def _check_range(text: str) -> None:
    if text == "latest":
        return
    try:
        Version.parse(text)
    except InvalidVersion:
        try:
            VersionRange.parse(text)
        except InvalidRange as error:
            raise MalformedContract(
                f"range is neither latest nor a version nor a range: {error}", field="range"
            ) from None


def covers(pattern: str, subject: str) -> bool:
    """Return whether a pattern covers a subject, or every subject of another pattern."""
    wanted, given = pattern.split("."), subject.split(".")
    for number, token in enumerate(wanted):
        if token == ">":
            return len(given) > number
        if number >= len(given) or given[number] == ">":
            return False
        if token != "*" and token != given[number]:
            return False
    return len(wanted) == len(given)


def overlap(one: str, other: str) -> bool:
    """Return whether some subject is covered by both patterns."""
    first, second = one.split("."), other.split(".")
    for number in range(max(len(first), len(second))):
        if number >= len(first) or number >= len(second):
            return False
        if ">" in (first[number], second[number]):
            return True
        if "*" not in (first[number], second[number]) and first[number] != second[number]:
            return False
    return True


def specificity(pattern: str) -> tuple[int, ...]:
    """Return what orders patterns that cover one subject: the greatest is the most specific."""
    return tuple(_RANKS.get(token, 2) for token in pattern.split("."))


def binding_named(bindings: Iterable[Binding], name: str) -> Binding | None:
    """Return the binding with this name, or None."""
    return next((each for each in bindings if each.name == name), None)


def binding_for(bindings: Iterable[Binding], subject: str) -> Binding | None:
    """Return the binding that holds for a subject: the most specific of those that cover it."""
    found = [each for each in bindings if covers(each.subject, subject)]
    return max(found, key=lambda each: (specificity(each.subject), each.name), default=None)


def overlapping(binding: Binding, bindings: Iterable[Binding]) -> list[Binding]:
    """Return the other bindings that cover some subject of a binding, the most specific first."""
    found = [each for each in bindings if each.name != binding.name and overlap(each.subject, binding.subject)]
    return sorted(found, key=lambda each: (specificity(each.subject), each.name), reverse=True)


def bindings_of(documents: Mapping[str, tuple[int, bytes | None]]) -> list[Binding]:
    """Return every stored binding by name; what another program stored and cannot be read is left out."""
    found = []
    for key, (_, value) in sorted(documents.items()):
        if key.startswith(PREFIX) and value is not None:
            try:
                found.append(check_binding(key.removeprefix(PREFIX), loads(value)))
            except (InvalidJSON, MalformedContract):
                continue
    return found
