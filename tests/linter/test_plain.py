"""Which schemas are plain: validated in the caller's process, because their cost is known to be small."""

from __future__ import annotations

import json
import time

import pytest

from linter_app.schema.dialects import read_schema
from linter_app.schema.plain import MAX_COST, instance_cost, plain_size
from linter_app.validation import Validator

TREE = {"properties": {"v": {"type": "string"}, "c": {"items": {"$ref": "#"}}}}
PLAIN = {
    "a boolean": True,
    "an event": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "at": {"format": "date-time", "pattern": r"^\d{4}-\d\d"},
            "n": {"type": "integer", "minimum": 0, "enum": [1, 2, 3]},
        },
    },
    "alternatives": {"oneOf": [{"type": "string"}, {"properties": {"a": {"anyOf": [{"const": 1}, {"const": 2}]}}}]},
    "definitions": {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"type": "null"}}},
    "recursion": TREE,
    "unknown keywords": {"x-anything": {"$ref": 5}, "type": "object"},
}
NOT_PLAIN = {
    "recursion through alternatives": {"properties": {"a": {"$ref": "#"}}, "anyOf": [{}, {"type": "string"}]},
    "recursion through patterns of names": {"patternProperties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}},
    "recursion on two ways": {
        "properties": {"a": {"$ref": "#"}},
        "$ref": "#/$defs/x",
        "$defs": {"x": {"properties": {"a": {"$ref": "#"}}}},
    },
    "a circle": {"$ref": "#"},
    "references that multiply": {
        "$ref": "#/$defs/d0",
        "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)} | {"d30": {}},
    },
    "look-ahead": {"pattern": "(?=a)b"},
    "a reference back": {"pattern": r"(a)\1"},
    "large repetitions": {"pattern": ".{0,999}x.{0,999}y"},
    "nested repetitions": {"pattern": "((a{1,99}){1,99}){1,99}"},
    "a long pattern": {"pattern": "a" * 1000},
    "patterns as instances": {"format": "regex"},
    "unique items": {"uniqueItems": True},
    "unevaluated": {"unevaluatedProperties": False},
    "a dynamic reference": {"$dynamicRef": "#a", "$dynamicAnchor": "a"},
    "a reference outside": {"$ref": "http://example.com/"},
    "a large number": {"multipleOf": 1e300},
    "a small number": {"multipleOf": 1e-300},
    "many constants": {"enum": list(range(20_000))},
}


@pytest.mark.parametrize("schema", PLAIN.values(), ids=PLAIN)
def test_usual_schemas_are_plain(schema):
    assert plain_size(read_schema(schema)) is not None


@pytest.mark.parametrize("schema", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_whatever_may_cost_more_is_not(schema):
    assert plain_size(read_schema(schema)) is None


def test_the_cost_of_an_instance_is_its_values_times_the_size():
    assert instance_cost({"a": [1, 2]}, 0, 10) == 40
    assert instance_cost("x" * 800, 800, 1) == 101
    assert [instance_cost(number, 0, 1) for number in (2**64, 1e300, 1e-300, 0, 1.5)] == [None, None, None, 1, 1]


def test_the_most_expensive_plain_validation_takes_a_moment():
    """The bound, not the speed: a hundred times of what is expected still passes."""
    wide = {"items": {"allOf": [{"maxLength": number + 100} for number in range(2000)]}}
    size = plain_size(read_schema(wide))
    instance = ["x" * 90] * (MAX_COST // size // 13)
    text = json.dumps(instance)
    assert instance_cost(instance, len(text), size) <= MAX_COST
    start = time.monotonic()
    assert Validator(json.dumps(wide)).is_valid(instance)
    assert time.monotonic() - start < 10
