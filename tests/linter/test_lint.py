"""Verdicts, rule by rule. Each case is (old, new, verdict backward, verdict forward, rules stated)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from linter_app import lint
from linter_app.semver import InvalidVersion

C, B, U = "compatible", "breaking", "undecided"


def obj(properties=None, required=None, **more):
    return {
        "type": "object",
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
        **more,
    }


CASES = [
    ({}, True, C, C, set()),
    ({"title": "a"}, {"title": "b", "description": "c"}, C, C, set()),
    # type
    ({"type": "string"}, {"type": "integer"}, B, B, {"type-changed"}),
    ({"type": "integer"}, {"type": "number"}, C, B, {"type-widened"}),
    ({"type": "number"}, {"type": "integer"}, B, C, {"type-narrowed"}),
    ({"type": ["number", "integer"]}, {"type": "number"}, C, C, set()),
    ({"type": ["string", "null"]}, {"type": "string"}, B, C, {"type-narrowed"}),
    ({}, {"type": "string"}, B, C, {"type-narrowed"}),
    (True, False, B, C, {"schema-refuses-all"}),
    (False, {}, C, B, {"schema-accepts-some"}),
    # enum and const
    ({"enum": [1]}, {"const": 1}, C, C, set()),
    ({"enum": [1]}, {"const": 1.0}, C, C, set()),
    ({"enum": [1]}, {"enum": [True]}, B, B, {"enum-changed"}),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, C, C, set()),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}, B, C, {"enum-value-removed"}),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, C, B, {"enum-value-added"}),
    ({"type": "string"}, {"type": "string", "enum": ["a"]}, B, C, {"enum-added"}),
    ({"type": "string", "const": "a"}, {"type": "string"}, C, B, {"enum-removed"}),
    # bounds
    *(
        ({"type": kind}, {"type": kind, keyword: 5}, B, C, {f"{rule}-added"})
        for kind, keyword, rule in [
            ("integer", "minimum", "minimum"),
            ("number", "maximum", "maximum"),
            ("string", "minLength", "min-length"),
            ("string", "maxLength", "max-length"),
            ("array", "minItems", "min-items"),
            ("array", "maxItems", "max-items"),
            ("object", "minProperties", "min-properties"),
            ("object", "maxProperties", "max-properties"),
        ]
    ),
    ({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 5}, B, C, {"max-length-decreased"}),
    ({"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 9}, C, B, {"max-length-increased"}),
    ({"type": "number", "minimum": 1}, {"type": "number", "minimum": 2}, B, C, {"minimum-increased"}),
    ({"type": "number", "minimum": 2}, {"type": "number"}, C, B, {"minimum-removed"}),
    ({"type": "number", "minimum": 1}, {"type": "number", "exclusiveMinimum": 1}, B, C, {"minimum-increased"}),
    ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, C, C, set()),
    ({"type": "string"}, {"type": "string", "minLength": 0}, C, C, set()),
    ({"type": "string"}, {"type": "string", "minimum": 5}, C, C, set()),
    # other assertions
    ({"type": "string"}, {"type": "string", "pattern": "^a"}, B, C, {"pattern-added"}),
    ({"pattern": "^a"}, {"pattern": "^b"}, B, B, {"pattern-changed"}),
    ({"format": "email"}, {}, C, B, {"format-removed"}),
    ({"format": "email"}, {"format": "uri"}, B, B, {"format-changed"}),
    ({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 5}, B, C, {"maximum-decreased"}),
    *(
        ({"type": kind, keyword: 5}, {"type": kind, keyword: 9}, *order, {f"{rule}-increased"})
        for kind, keyword, rule, order in [
            ("string", "minLength", "min-length", (B, C)),
            ("array", "minItems", "min-items", (B, C)),
            ("array", "maxItems", "max-items", (C, B)),
            ("object", "minProperties", "min-properties", (B, C)),
            ("object", "maxProperties", "max-properties", (C, B)),
        ]
    ),
    ({"type": "array", "prefixItems": [True]}, {"type": "array", "prefixItems": [False]}, U, C, {"undecided"}),
    ({"type": "array", "items": [{}]}, {"type": "array", "items": [{}]}, C, C, set()),
    (
        {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {}}},
        {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {}}, "title": "t"},
        C,
        C,
        set(),
    ),
    ({"multipleOf": 2}, {"multipleOf": 4}, B, C, {"multiple-of-stricter"}),
    ({"multipleOf": 4}, {"multipleOf": 2}, C, B, {"multiple-of-looser"}),
    ({"multipleOf": 2}, {"multipleOf": 3}, B, B, {"multiple-of-changed"}),
    ({"type": "array"}, {"type": "array", "uniqueItems": True}, B, C, {"unique-items-added"}),
    # objects
    (obj({"a": {}}), obj({"a": {}}, ["a"]), B, C, {"required-added"}),
    (obj({"a": {}}, ["a"]), obj({"a": {}}), C, B, {"required-removed"}),
    (obj({"a": {}}, ["a"]), obj(), B, B, {"required-property-removed"}),
    (obj({"a": {"type": "string"}}), obj(), C, C, {"property-removed"}),
    (obj(), obj({"a": {"type": "string"}}), C, C, {"property-added"}),
    (
        obj({"a": {}}, additionalProperties=False),
        obj(additionalProperties=False),
        B,
        C,
        {"property-removed", "schema-refuses-all"},
    ),
    (obj(), obj(additionalProperties=False), B, C, {"additional-properties-refused"}),
    (obj(additionalProperties=False), obj(), C, B, {"additional-properties-accepted"}),
    (obj(additionalProperties={"type": "string"}), obj(additionalProperties={"type": "null"}), B, B, {"type-changed"}),
    (
        obj(additionalProperties={"type": "string"}),
        obj({"a": {"type": "integer"}}, additionalProperties={"type": "string"}),
        B,
        B,
        {"property-added", "type-changed"},
    ),
    # nesting, arrays and references
    (obj({"a": obj({"b": {"type": "string"}})}), obj({"a": obj({"b": {"type": "null"}})}), B, B, {"type-changed"}),
    ({"type": "array", "items": {"type": "string"}}, {"type": "array"}, C, B, {"type-widened"}),
    (
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "string", "maxLength": 9}}},
        {"type": "string", "maxLength": 5},
        B,
        C,
        {"max-length-decreased"},
    ),
    (
        {"properties": {"n": {"$ref": "#"}}, "type": "object"},
        {"properties": {"n": {"$ref": "#"}}, "type": "object", "required": ["n"]},
        B,
        C,
        {"required-added"},
    ),
    # spelling: the facts differ, the proof shows that nothing breaks
    ({"enum": ["a"]}, {"type": "string"}, C, B, {"enum-removed"}),
    ({"type": "string", "x-owner": "a"}, {"type": "string", "x-owner": "b"}, C, C, set()),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["null", "string"]}, C, C, None),
    ({"anyOf": [{"const": 1}, {"const": 2}]}, {"anyOf": [{"const": 2}, {"const": 1}]}, C, C, None),
    ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, {"type": "string", "maxLength": 3}, C, C, None),
    # what is not decided is said, and does not pass
    ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "null"}]}, U, U, {"undecided"}),
    (
        {"not": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "string"}}},
        {"not": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "null"}}},
        U,
        U,
        {"undecided"},
    ),
    ({"patternProperties": {"a": {"enum": [1]}}}, {"patternProperties": {"a": {"enum": [2]}}}, U, U, {"undecided"}),
    ({"$ref": "https://example.com/a"}, {"$ref": "https://example.com/b"}, U, U, {"undecided"}),
]


@pytest.mark.parametrize(("old", "new", "backward", "forward", "rules"), CASES)
def test_verdicts_and_rules(old, new, backward, forward, rules):
    assert lint(old, new).verdict == backward
    assert lint(old, new, mode="forward").verdict == forward
    if rules is not None:
        assert {change.rule for change in lint(old, new, mode="full").changes} == rules
    worst = B if B in (backward, forward) else U if U in (backward, forward) else C
    assert lint(old, new, mode="full").verdict == worst
    assert lint(old, new, mode="none").verdict == C


@pytest.mark.parametrize(("old", "new", "backward", "forward", "rules"), CASES)
def test_the_mirrored_step_breaks_the_other_way(old, new, backward, forward, rules):
    if "required-property-removed" in (rules or ()):
        return  # deliberately one-sided: the seed calls the removal breaking, not the addition
    assert lint(new, old, mode="forward").verdict == backward
    assert lint(new, old).verdict == forward


def test_strictly_an_open_object_could_hold_anything():
    old, new = obj(), obj({"a": {"type": "string"}})
    assert lint(old, new, strict_open_objects=True).verdict == B
    assert lint(new, old, strict_open_objects=True, mode="forward").verdict == B
    removed = lint(obj({"a": {}}, ["a"]), obj(), strict_open_objects=True)
    assert removed.verdict == C


def test_pointers_name_the_place_in_both_schemas():
    old = {"properties": {"a/b": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"maxLength": 5}}}
    new = {"properties": {"a/b": {"maxLength": 3}}}
    [change] = lint(old, new).changes
    assert (change.old_pointer, change.new_pointer) == ("/$defs/x/maxLength", "/properties/a~1b/maxLength")


def test_the_bump_is_computed_and_said():
    old, new = {"type": "string"}, {"type": "integer"}
    report = lint(old, new, current_version="1.4.0", proposed_version="1.5.0")
    assert (report.required_bump, report.required_version, report.acceptable) == ("major", "2.0.0", False)
    assert report.problems == ("needs 2.0.0, you proposed 1.5.0",)
    assert lint(old, new, current_version="0.4.0", proposed_version="0.5.0").acceptable
    assert lint(old, old).required_bump is None
    assert lint(old, old | {"title": "x"}).required_bump == "patch"
    assert lint(obj(), obj({"a": {}})).required_bump == "minor"
    assert not lint(old, old, current_version="1.0.0", proposed_version="1.0.0").acceptable


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="mode"):
        lint({}, {}, mode="sideways")
    with pytest.raises(InvalidVersion):
        lint({}, {}, current_version="1", proposed_version="2")


def test_a_deep_schema_is_undecided_and_not_a_crash():
    old: dict = {"type": "string"}
    new: dict = {"type": "null"}
    for _ in range(150):
        old, new = obj({"a": old}), obj({"a": new})
    assert lint(old, new).verdict == U


def test_a_schema_nested_a_thousand_deep_is_undecided():
    old: dict = {"type": "string"}
    for _ in range(1000):
        old = {"properties": {"a": old}}
    assert lint(old, {"not": old}).verdict == U


def test_huge_enums_are_compared_by_lookup_and_not_pair_by_pair():
    values = [[number] for number in range(50_000)]
    report = lint({"enum": values}, {"enum": [*values[1:], True]}, mode="full")
    assert [change.rule for change in report.changes] == ["enum-changed"]


def test_exponential_references_are_walked_once():
    def fan(kind: str) -> dict:
        links = {f"d{n}": {"properties": {p: {"$ref": f"#/$defs/d{n + 1}"} for p in "ab"}} for n in range(60)}
        return {"$ref": "#/$defs/d0", "$defs": links | {"d60": {"type": kind}}}

    assert lint(fan("string"), fan("null")).verdict == B


def test_the_library_needs_no_django():
    code = "import sys; from linter_app import lint; lint({}, False); assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
