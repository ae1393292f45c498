"""Random schemas over every keyword, and small changes to them, most of which are compatible."""

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
    """Schemas of one dialect, generated with `rng`."""

    def __init__(self, rng: random.Random, draft: int = 2020) -> None:
        self.rng, self.draft = rng, draft

    def document(self, depth: int = 3) -> Any:
        """A whole schema, with definitions for its references."""
        made = self.schema(depth)
        if isinstance(made, dict) and "$ref" in str(made):
            word = "$defs" if self.draft >= 2019 else "definitions"
            made = made | {word: {name: self.schema(1, refer=name == "tree") for name in ("one", "two", "tree")}}
        return made

    def changed(self, old: Any, rate: float = 0.12) -> Any:
        """A schema that differs in a few keywords."""
        rng = self.rng
        if not isinstance(old, dict):
            return self.schema(1) if rng.random() < rate * 2 else old
        new = {}
        for key, value in old.items():
            if rng.random() < rate and key not in ("$defs", "definitions"):
                replaced = self.keyword(key)
                if replaced is not None and rng.random() < 0.7:
                    new[key] = replaced
            elif key in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"):
                new[key] = {name: self.changed(each, rate) for name, each in value.items()}
            elif key in ("anyOf", "oneOf", "allOf", "prefixItems") or (key == "items" and isinstance(value, list)):
                new[key] = [self.changed(each, rate) for each in value]
                if rng.random() < rate:
                    rng.shuffle(new[key])
            elif key in _ONE:
                new[key] = self.changed(value, rate)
            elif isinstance(value, int) and not isinstance(value, bool) and rng.random() < rate * 2:
                new[key] = max(int(key == "multipleOf"), value + rng.choice([-1, 1]))
            else:
                new[key] = value
        if rng.random() < rate * 2:
            new |= self.some(1)
        return new

    def data_keywords(self) -> dict[str, Any]:
        """Keywords whose values are data that looks like schemas of older drafts."""
        rng = self.rng
        data = [
            {"items": [{"id": 1}]},
            {"exclusiveMinimum": True},
            {"exclusiveMaximum": False, "maximum": 3},
            {"dependencies": {"a": ["b"]}},
            {"properties": {"a": {"items": [{"type": "string"}]}}},
            [{"items": [1]}],
        ]
        words = rng.sample(["example", "examples", "default", "x-sample", "x-ui", "discriminator"], rng.randint(1, 3))
        return {word: [rng.choice(data)] if word == "examples" else rng.choice(data) for word in words}

    def schema(self, depth: int, *, refer: bool = True) -> Any:
        rng = self.rng
        shape = rng.random()
        if shape < 0.04:
            return shape < 0.025 if self.draft > 4 else {}
        if shape < 0.1 and refer:
            word = "$defs" if self.draft >= 2019 else "definitions"
            return {"$ref": f"#/{word}/{rng.choice(['one', 'two', 'tree'])}"}
        if depth == 0 or shape < 0.4:
            return self.typed(0)
        if shape < 0.75:
            return self.typed(depth)
        return self.combined(depth)

    def typed(self, depth: int) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choice(TYPES)
        made: dict[str, Any] = {"type": kind} if rng.random() < 0.8 else {}
        if rng.random() < 0.15:
            made["type"] = rng.sample(TYPES, 2)
        if kind == "object" and depth:
            made["properties"] = {name: self.schema(depth - 1) for name in rng.sample(NAMES, rng.randint(1, 3))}
            if rng.random() < 0.4:
                made["required"] = rng.sample(NAMES, rng.randint(1, 2))
            if rng.random() < 0.3:
                made["additionalProperties"] = rng.choice([self.schema(depth - 1), (self.draft > 4 and False) or {}])
            if rng.random() < 0.2:
                made["patternProperties"] = {rng.choice(PATTERNS): self.schema(depth - 1)}
        if kind == "array" and depth:
            made["items"] = self.schema(depth - 1)
        return made | self.some(0, kind)

    def combined(self, depth: int) -> dict[str, Any]:
        rng = self.rng
        word = rng.choice(["anyOf", "oneOf", "allOf", "not", "if"])
        if word == "not":
            return self.some(0) | {"not": self.schema(depth - 1)}
        if word == "if" and self.draft >= 7:
            branches = {way: self.schema(depth - 1) for way in rng.choice([["then"], ["else"], ["then", "else"]])}
            return {"if": self.schema(depth - 1)} | branches
        word = "anyOf" if word == "if" else word
        return {word: [self.schema(depth - 1) for _ in range(rng.randint(1, 3))]} | (
            self.typed(0) if rng.random() < 0.2 else {}
        )

    def some(self, depth: int, kind: str = "") -> dict[str, Any]:
        """A few keywords that fit a type, if one is given."""
        words = _WORDS.get(kind) or [word for all_words in _WORDS.values() for word in all_words]
        chosen = self.rng.sample(words, min(len(words), self.rng.choice([0, 1, 1, 2])))
        made = {word: self.keyword(word, depth) for word in chosen}
        return {word: value for word, value in made.items() if value is not None}

    def keyword(self, word: str, depth: int = 1) -> Any:
        rng = self.rng
        inner = max(0, depth)
        match word:
            case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
                return rng.randint(0, 3)
            case "minimum" | "maximum":
                return rng.choice([-1, 0, 1, 2, 3, 1.5])
            case "exclusiveMinimum" | "exclusiveMaximum":
                return rng.randint(0, 3) if self.draft > 4 else rng.random() < 0.7
            case "multipleOf":
                return rng.choice([1, 2, 3, 0.5, 1.5, 2.0, 0.1])
            case "pattern":
                return rng.choice(PATTERNS)
            case "format":
                return rng.choice(
                    ["date", "uuid", "ipv4", "duration", "hostname", "email", "idn-email", "uri", "iri", "regex"]
                )
            case "enum":
                return rng.sample(INSTANCES, 3)
            case "const":
                return rng.choice(INSTANCES) if self.draft >= 6 else None
            case "uniqueItems":
                return rng.random() < 0.8
            case "required":
                return rng.sample(NAMES, rng.randint(1, 2))
            case "contains":
                return self.schema(inner) if self.draft >= 6 else None
            case "minContains" | "maxContains":
                return rng.randint(0, 2) if self.draft >= 2019 else None
            case "prefixItems":
                return [self.schema(inner) for _ in range(rng.randint(1, 2))] if self.draft >= 2020 else None
            case "items":
                listed = self.draft < 2020 and rng.random() < 0.3
                return [self.schema(inner) for _ in range(rng.randint(1, 2))] if listed else self.schema(inner)
            case "additionalProperties":
                return self.schema(inner)
            case "additionalItems":
                return rng.choice([False, self.schema(inner)]) if self.draft < 2020 else None
            case "propertyNames":
                return (
                    rng.choice([{"maxLength": 2}, {"pattern": "^a"}, {"enum": ["a", "b"]}]) if self.draft > 4 else None
                )
            case "unevaluatedProperties" | "unevaluatedItems":
                return rng.choice([False, self.schema(0)]) if self.draft >= 2019 else None
            case "properties" | "patternProperties":
                return {rng.choice(NAMES if word == "properties" else PATTERNS): self.schema(inner)}
            case "dependentRequired":
                return {"a": [rng.choice(NAMES)]} if self.draft >= 2019 else None
            case "dependentSchemas":
                return {"a": self.schema(inner)} if self.draft >= 2019 else None
            case "dependencies":
                return {"a": rng.choice([["b"], self.schema(inner)])} if self.draft <= 7 else None
            case "anyOf" | "oneOf" | "allOf":
                return [self.schema(inner) for _ in range(2)]
            case "not" | "if" | "then" | "else":
                return self.schema(inner) if word == "not" or self.draft >= 7 else None
            case "type":
                return rng.choice([rng.choice(TYPES), rng.sample(TYPES, 2)])
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
