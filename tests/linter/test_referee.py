"""The referee: random pairs of schemas, and instances that break where the linter says that nothing does."""

from __future__ import annotations

import random
from typing import Any

import jsonschema_rs
import pytest

from linter_app import lint

INSTANCES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, -1, 1.5, "", "a", "ab", "abc", "b"),
    *([], [1], ["a"], [1, 1], [1, "a"], [None, None, None]),
    *({}, {"a": 1}, {"a": "x"}, {"a": None}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"a": 1}}, {"a": [1]}, {"c": "x"}),
]
SIMPLE = ["string", "integer", "number", "object", "array", "null", "boolean"]


def leaf(dice: random.Random) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if dice.random() < 0.7:
        schema["type"] = dice.choice([*SIMPLE, dice.sample(SIMPLE, 2)])
    for keyword, value in {
        "minLength": dice.randint(0, 3),
        "maxLength": dice.randint(0, 3),
        "minimum": dice.randint(0, 3),
        "exclusiveMinimum": dice.randint(0, 3),
        "maximum": dice.randint(0, 3),
        "multipleOf": dice.choice([1, 2, 0.5]),
        "minItems": dice.randint(0, 2),
        "maxItems": dice.randint(0, 2),
        "uniqueItems": True,
        "required": dice.sample(["a", "b"], dice.randint(1, 2)),
        "minProperties": dice.randint(0, 2),
        "maxProperties": dice.randint(0, 2),
        "pattern": dice.choice(["^a", "b$"]),
        "enum": dice.sample(INSTANCES, 3),
        "const": dice.choice(INSTANCES),
    }.items():
        if dice.random() < 0.12:
            schema[keyword] = value
    return schema


def schema(dice: random.Random, depth: int) -> Any:
    shape = dice.random()
    if depth == 0 or shape < 0.3:
        return leaf(dice) if shape < 0.95 else dice.random() < 0.5
    if shape < 0.45:
        return {dice.choice(["anyOf", "oneOf", "allOf"]): [schema(dice, depth - 1), schema(dice, depth - 1)]}
    if shape < 0.5:
        return {"not": schema(dice, depth - 1)}
    if shape < 0.6:
        return leaf(dice) | {"items": schema(dice, depth - 1)}
    if shape < 0.65:
        return {"$ref": "#/$defs/x", "$defs": {"x": schema(dice, depth - 1)}}
    made = {"type": "object", "properties": {"a": schema(dice, depth - 1)}}
    if dice.random() < 0.3:
        made["properties"]["b"] = schema(dice, depth - 1)
    if dice.random() < 0.3:
        made["additionalProperties"] = schema(dice, depth - 1)
    if dice.random() < 0.1:
        made["patternProperties"] = {"^b": schema(dice, depth - 1)}
    if dice.random() < 0.3:
        made["required"] = ["a"]
    return made


def mutated(dice: random.Random, old: Any) -> Any:
    """A schema a few keywords away, which is where compatible verdicts are."""
    if not isinstance(old, dict) or dice.random() < 0.2:
        return schema(dice, 2)
    new = {key: value for key, value in old.items() if dice.random() > 0.15}
    if dice.random() < 0.5:
        new |= leaf(dice)
    return {key: mutated(dice, value) if key in ("items", "not") else value for key, value in new.items()}


@pytest.mark.parametrize("seed", range(8))
def test_no_break_is_missed(seed):
    dice = random.Random(seed)
    compatible = 0
    for _ in range(1500):
        old = schema(dice, 2)
        new = mutated(dice, old)
        report = lint(old, new, mode="full", strict_open_objects=True)
        broken = {"backward": (old, new), "forward": (new, old)}
        for mode, (accepting, refusing) in broken.items():
            if lint(old, new, mode=mode, strict_open_objects=True).verdict != "compatible":
                continue
            compatible += 1
            try:
                accepts, refuses = jsonschema_rs.validator_for(accepting), jsonschema_rs.validator_for(refusing)
            except ValueError:
                continue  # a mutation took away what a $ref leads to
            for instance in INSTANCES:
                missed = accepts.is_valid(instance) and not refuses.is_valid(instance)
                assert not missed, f"{mode}: {instance!r} breaks {old!r} -> {new!r}: {report.changes}"
    assert compatible > 300
