"""The catalogue of rules: an id, what it breaks, one sentence of purpose, and an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from linter_app.changes import Direction, Level

Kind = Literal["added", "removed", "changed", "deprecated", "documentation"]


@dataclass(frozen=True)
class Rule:
    """The meaning of a change. `before` and `after` are a minimal example of versions with this change."""

    id: str
    direction: Direction
    purpose: str
    before: Any
    after: Any
    kind: Kind
    """The section of a changelog for changes that do not break."""
    level: Level
    """The level of changes that do not break."""


RULES: dict[str, Rule] = {}


def rule(
    id: str,
    direction: Direction,
    purpose: str,
    before: Any,
    after: Any,
    *,
    kind: Kind = "changed",
    level: Level = "info",
) -> Rule:
    """Declare a rule. Each id is declared once."""
    if id in RULES:
        raise ValueError(f"the rule {id} is declared twice")
    RULES[id] = Rule(id, direction, purpose, before, after, kind, level)
    return RULES[id]


def mirrored(
    ids: tuple[str, str],
    purposes: tuple[str, str],
    before: Any,
    after: Any,
    **more: Any,
) -> tuple[Rule, Rule]:
    """Declare a rule that breaks backward, and its opposite, which breaks forward."""
    return (
        rule(ids[0], "backward", purposes[0], before, after, **more),
        rule(ids[1], "forward", purposes[1], after, before, **more),
    )
