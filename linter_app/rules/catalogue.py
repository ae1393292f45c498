"""The catalogue of rules: an id, whom it breaks, and one sentence of purpose."""

from __future__ import annotations

from dataclasses import dataclass

from linter_app.change import Direction


@dataclass(frozen=True)
class Rule:
    id: str
    direction: Direction
    purpose: str


RULES: dict[str, Rule] = {}


def rule(id: str, direction: Direction, purpose: str) -> Rule:
    """Declare a rule. Each id is declared once."""
    if id in RULES:
        raise ValueError(f"the rule {id} is declared twice")
    RULES[id] = Rule(id, direction, purpose)
    return RULES[id]
