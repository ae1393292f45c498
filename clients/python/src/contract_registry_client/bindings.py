"""Which binding holds for a subject: the most specific pattern that covers it.

Token by token from the left, a literal is more specific than `*`, and `*` more than a last `>`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Binding:
    """A subject pattern, and the contract for the messages on it."""

    name: str
    subject: str
    contract: str
    range: str = "latest"
    mode: str = "report"
    """`off`, `report` or `enforce`."""
    location: str = "body"
    """`body`, `cloudevents`, `cloudevents-binary` or `pointer`."""
    pointer: str = ""

    @classmethod
    def read(cls, name: str, value: bytes | str) -> Binding:
        """Return a stored binding; members that this client does not use are ignored. Raises ValueError."""
        found = json.loads(value)
        if not isinstance(found, dict):
            raise ValueError(f"the binding {name} is not an object")
        known: dict[str, Any] = {
            member: found[member]
            for member in ("subject", "contract", "range", "mode", "location", "pointer")
            if member in found
        }
        if not {"subject", "contract"} <= known.keys() or not all(isinstance(each, str) for each in known.values()):
            raise ValueError(f"the binding {name} has no subject or no contract")
        return cls(name, **known)


def covers(pattern: str, subject: str) -> bool:
    """Return whether a pattern of NATS covers a subject."""
    tokens = subject.split(".")
    wanted = pattern.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(tokens) <= len(wanted):
            return False
        tokens = tokens[: len(wanted)]
    return len(tokens) == len(wanted) and all(want in ("*", token) for want, token in zip(wanted, tokens, strict=True))


def binding_for(bindings: Iterable[Binding], subject: str) -> Binding | None:
    """Return the binding that holds for a subject, or None."""

    def rank(binding: Binding) -> tuple[list[int], str]:
        return [{">": 0, "*": 1}.get(token, 2) for token in binding.subject.split(".")], binding.name

    return max((each for each in bindings if covers(each.subject, subject)), key=rank, default=None)
