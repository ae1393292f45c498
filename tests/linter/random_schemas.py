"""Random schemas over every keyword, and small changes to them, which is where compatible verdicts are."""

from __future__ import annotations

import random
from typing import Any

DIALECTS = {
    **{draft: f"http://json-schema.org/draft-0{draft}/schema#" for draft in (4, 6, 7)},
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
TYPES = ["string", "integer", "number", "object", "array", "null", "boolean"]
NAMES = ["a", "b", "ab", "x-1", "id"]
PATTERNS = ["^a", "b$", "^[ab]+$", "^x-", ".", "^a*$", "^.{2,3}$", "[0-9]"]
INSTANCES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 4, -1, 1.5, 0.5, 10, "", "a", "ab", "abc", "b", "ba", "x-1", "2020-01-01"),
    *([], [1], ["a"], [1, 1], [1, "a"], ["a", 1], [None, None, None], [[]], [{}], [1, 2, 3], [1.5], [True, False]),
    *({}, {"a": 1}, {"a": "x"}, {"a": None}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"a": 1}}, {"a": [1]}, {"c": "x"}),
    *({"ab": 1}, {"x-1": 1}, {"x-1": "a"}, {"id": "ab"}, {"a": "a", "b": "b", "ab": "ab"}, {"a": {}, "id": []}),
    *({"a": "ab", "b": 3}, {"ab": "b", "id": None}, {"b": {"a": 1}}, {"a": True}, {"x": 1}, {"x": "a", "y": [1]}),
]


class Schemas:
    """Schemas of one dialect, drawn with `dice`."""

    def __init__(self, dice: random.Random, draft: int = 2020) -> None:
        self.dice, self.draft = dice, draft

    def document(self, depth: int = 3) -> Any:
        """A whole schema, with definitions where it refers to them."""
        made = self.schema(depth)
        if isinstance(made, dict) and "$ref" in str(made):
            word = "$defs" if self.draft >= 2019 else "definitions"
            made = made | {word: {name: self.schema(1, refer=name == "tree") for name in ("one", "two", "tree")}}
        return made

    def changed(self, old: Any, rate: float = 0.12) -> Any:
        """A schema a few keywords away."""
        dice = self.dice
        if not isinstance(old, dict):
            return self.schema(1) if dice.random() < rate * 2 else old
        new = {}
        for key, value in old.items():
            if dice.random() < rate and key not in ("$defs", "definitions"):
                replaced = self.keyword(key)
                if replaced is not None and dice.random() < 0.7:
                    new[key] = replaced
            elif key in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"):
                new[key] = {name: self.changed(each, rate) for name, each in value.items()}
            elif key in ("anyOf", "oneOf", "allOf", "prefixItems") or (key == "items" and isinstance(value, list)):
                new[key] = [self.changed(each, rate) for each in value]
                if dice.random() < rate:
                    dice.shuffle(new[key])
            elif key in _ONE:
                new[key] = self.changed(value, rate)
            elif isinstance(value, int) and not isinstance(value, bool) and dice.random() < rate * 2:
                new[key] = max(int(key == "multipleOf"), value + dice.choice([-1, 1]))
            else:
                new[key] = value
        if dice.random() < rate * 2:
            new |= self.some(1)
        return new

    def schema(self, depth: int, *, refer: bool = True) -> Any:
        dice = self.dice
        shape = dice.random()
        if shape < 0.04:
            return shape < 0.025 if self.draft > 4 else {}
        if shape < 0.1 and refer:
            word = "$defs" if self.draft >= 2019 else "definitions"
            return {"$ref": f"#/{word}/{dice.choice(['one', 'two', 'tree'])}"}
        if depth == 0 or shape < 0.4:
            return self.typed(0)
        if shape < 0.75:
            return self.typed(depth)
        return self.combined(depth)

    def typed(self, depth: int) -> dict[str, Any]:
        dice = self.dice
        kind = dice.choice(TYPES)
        made: dict[str, Any] = {"type": kind} if dice.random() < 0.8 else {}
        if dice.random() < 0.15:
            made["type"] = dice.sample(TYPES, 2)
        if kind == "object" and depth:
            made["properties"] = {name: self.schema(depth - 1) for name in dice.sample(NAMES, dice.randint(1, 3))}
            if dice.random() < 0.4:
                made["required"] = dice.sample(NAMES, dice.randint(1, 2))
            if dice.random() < 0.3:
                made["additionalProperties"] = dice.choice([self.schema(depth - 1), (self.draft > 4 and False) or {}])
            if dice.random() < 0.2:
                made["patternProperties"] = {dice.choice(PATTERNS): self.schema(depth - 1)}
        if kind == "array" and depth:
            made["items"] = self.schema(depth - 1)
        return made | self.some(0, kind)

    def combined(self, depth: int) -> dict[str, Any]:
        dice = self.dice
        word = dice.choice(["anyOf", "oneOf", "allOf", "not", "if"])
        if word == "not":
            return self.some(0) | {"not": self.schema(depth - 1)}
        if word == "if" and self.draft >= 7:
            ways = {way: self.schema(depth - 1) for way in dice.choice([["then"], ["else"], ["then", "else"]])}
            return {"if": self.schema(depth - 1)} | ways
        word = "anyOf" if word == "if" else word
        return {word: [self.schema(depth - 1) for _ in range(dice.randint(1, 3))]} | (
            self.typed(0) if dice.random() < 0.2 else {}
        )

    def some(self, depth: int, kind: str = "") -> dict[str, Any]:
        """A few keywords, fitting a type where one is given."""
        words = _WORDS.get(kind) or [word for all_words in _WORDS.values() for word in all_words]
        chosen = self.dice.sample(words, min(len(words), self.dice.choice([0, 1, 1, 2])))
        made = {word: self.keyword(word, depth) for word in chosen}
        return {word: value for word, value in made.items() if value is not None}

    def keyword(self, word: str, depth: int = 1) -> Any:
        dice = self.dice
        inner = max(0, depth)
        match word:
            case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
                return dice.randint(0, 3)
            case "minimum" | "maximum":
                return dice.choice([-1, 0, 1, 2, 3, 1.5])
            case "exclusiveMinimum" | "exclusiveMaximum":
                return dice.randint(0, 3) if self.draft > 4 else dice.random() < 0.7
            case "multipleOf":
                return dice.choice([1, 2, 3, 0.5, 1.5, 2.0, 0.1])
            case "pattern":
                return dice.choice(PATTERNS)
            case "format":
                return dice.choice(
                    ["date", "uuid", "ipv4", "duration", "hostname", "email", "idn-email", "uri", "iri", "regex"]
                )
            case "enum":
                return dice.sample(INSTANCES, 3)
            case "const":
                return dice.choice(INSTANCES) if self.draft >= 6 else None
            case "uniqueItems":
                return dice.random() < 0.8
            case "required":
                return dice.sample(NAMES, dice.randint(1, 2))
            case "contains":
                return self.schema(inner) if self.draft >= 6 else None
            case "minContains" | "maxContains":
                return dice.randint(0, 2) if self.draft >= 2019 else None
            case "prefixItems":
                return [self.schema(inner) for _ in range(dice.randint(1, 2))] if self.draft >= 2020 else None
            case "items":
                listed = self.draft < 2020 and dice.random() < 0.3
                return [self.schema(inner) for _ in range(dice.randint(1, 2))] if listed else self.schema(inner)
            case "additionalProperties":
                return self.schema(inner)
            case "additionalItems":
                return dice.choice([False, self.schema(inner)]) if self.draft < 2020 else None
            case "propertyNames":
                return (
                    dice.choice([{"maxLength": 2}, {"pattern": "^a"}, {"enum": ["a", "b"]}]) if self.draft > 4 else None
                )
            case "unevaluatedProperties" | "unevaluatedItems":
                return dice.choice([False, self.schema(0)]) if self.draft >= 2019 else None
            case "properties" | "patternProperties":
                return {dice.choice(NAMES if word == "properties" else PATTERNS): self.schema(inner)}
            case "dependentRequired":
                return {"a": [dice.choice(NAMES)]} if self.draft >= 2019 else None
            case "dependentSchemas":
                return {"a": self.schema(inner)} if self.draft >= 2019 else None
            case "dependencies":
                return {"a": dice.choice([["b"], self.schema(inner)])} if self.draft <= 7 else None
            case "anyOf" | "oneOf" | "allOf":
                return [self.schema(inner) for _ in range(2)]
            case "not" | "if" | "then" | "else":
                return self.schema(inner) if word == "not" or self.draft >= 7 else None
            case "type":
                return dice.choice([dice.choice(TYPES), dice.sample(TYPES, 2)])
        return None


_ONE = ("items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_WORDS = {
    "string": ["minLength", "maxLength", "pattern", "format", "enum", "const"],
    "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum"],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
    "object": [
        *("minProperties", "maxProperties", "required", "propertyNames", "dependentRequired", "dependentSchemas"),
        *("dependencies", "unevaluatedProperties", "additionalProperties", "patternProperties"),
    ],
    "array": [
        *("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
        *("unevaluatedItems", "items", "additionalItems"),
    ],
    "null": ["enum"],
    "boolean": ["const"],
}
