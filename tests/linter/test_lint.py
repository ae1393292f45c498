"""The verdict as a whole: equivalent spellings, bumps, budgets, invalid arguments. Rules have their own cases."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import jsonschema_rs
import pytest

from linter_app import Config, diff, lint
from linter_app.schema.dialects import InvalidSchema, read_schema
from linter_app.schema.formats import EXAMPLES, is_asserted
from linter_app.schema.schema_validation import parse_schema
from linter_app.semver import InvalidVersion
from tests.linter.random_schemas import DIALECTS

LATEST = "https://json-schema.org/draft/2020-12/schema"
C, B, U = "compatible", "breaking", "undecided"


def obj(properties=None, required=None, **more):
    return {
        "type": "object",
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
        **more,
    }


SAME = [
    ({}, True),
    ({"enum": [1]}, {"const": 1}),
    ({"enum": [1]}, {"const": 1.0}),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ({"type": ["number", "integer"]}, {"type": "number"}),
    ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
    ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}),
    ({"type": "string"}, {"type": "string", "minLength": 0}),
    ({"type": "string"}, {"type": "string", "minimum": 5}),
    ({"type": "string", "x-owner": "a"}, {"type": "string", "x-owner": "b"}),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["null", "string"]}),
    ({"anyOf": [{"const": 1}, {"const": 2}]}, {"anyOf": [{"const": 2}, {"const": 1}]}),
    ({"oneOf": [{"const": 1}, {"const": 2}]}, {"oneOf": [{"const": 2}, {"const": 1}]}),
    ({"anyOf": [{"type": "string", "maxLength": 3}]}, {"type": "string", "maxLength": 3}),
    ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, {"type": "string", "maxLength": 3}),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}, {"type": "string"}),
    (
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}], "additionalItems": False},
        {"prefixItems": [{"type": "null"}], "items": False},
    ),
    (
        {"properties": {"n": {"$ref": "#"}}, "type": "object"},
        {"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}, "type": "object"}}},
    ),
    (
        {"$dynamicRef": "#n", "$defs": {"x": {"$dynamicAnchor": "n", "type": "string"}}},
        {"$ref": "#n", "$defs": {"x": {"$anchor": "n", "type": "string"}}},
    ),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_equivalent_spellings_are_compatible(old, new):
    for mode in ("backward", "forward", "full"):
        assert lint(old, new, mode=mode, strict_open_objects=True).verdict == C


def test_references_resolve_to_supplied_resources():
    old, new = {"$ref": "https://example.com/a"}, {"$ref": "https://example.com/b"}
    resources = {
        "https://example.com/a": {"type": "string"},
        "https://example.com/b": {"type": "string", "maxLength": 3},
    }
    report = lint(old, new, resources=resources)
    assert report.verdict == B
    [change] = report.changes
    assert change.new_pointer == "https://example.com/b#/maxLength"
    assert len(change.witness.instance) > 3
    assert lint(old, new).verdict == U


@pytest.mark.parametrize(
    ("draft", "anchor", "reference"),
    [
        ("2019-09", {"$recursiveAnchor": True}, {"$recursiveRef": "#"}),
        ("2020-12", {"$dynamicAnchor": "node"}, {"$dynamicRef": "#node"}),
    ],
)
def test_targets_of_a_dynamic_reference_are_compared(draft, anchor, reference):
    """The root has no such anchor, so only the instance decides the target."""

    def written(one=None, two=None):
        tree = {**anchor, **obj({"below": reference})}
        defs = {name: {"$id": name, **tree, **(more or {})} for name, more in (("one", one), ("two", two))}
        dialect = f"https://json-schema.org/draft/{draft}/schema"
        return {"$schema": dialect, "$id": "https://example.com/", "$ref": "one", "required": ["name"], "$defs": defs}

    assert lint(written(), written({"title": "Tree"}, {"title": "Tree"}), mode="full").verdict == C
    # The root requires the name already, but nothing below does.
    report = lint(written(), written({"required": ["name"]}))
    assert (report.verdict, [change.rule for change in report.changes]) == (U, ["undecided"])
    assert "changed: https://example.com/one" in report.changes[0].message


def test_a_change_seen_twice_breaks_what_it_breaks_at_either_location():
    dependent = {"dependentSchemas": {"a": {"type": "number"}}}
    # No object with a name that matches both patterns is valid any more; with one that matches the first only, each is.
    old = {"type": "object", "patternProperties": {"[0-9]": dependent}}
    new = {"type": "object", "patternProperties": {"^x-": {"if": {"type": "null"}, "else": {"type": "array"}}}}
    for budget in (0, 1000):
        report = lint(old, new, mode="forward", strict_open_objects=True, budget_ms=budget)
        assert [change.rule for change in report.breaking] == ["dependent-schema-removed"]
        removed = [change for change in report.changes if change.rule == "dependent-schema-removed"]
        assert [change.direction for change in removed] == ["forward"]


@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07"])
@pytest.mark.parametrize(
    "place",
    [
        lambda schema: schema,
        lambda schema: {"properties": {"a": schema}},
        lambda schema: {"allOf": [{"items": schema}]},
        lambda schema: {"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": {"x": schema}},
        lambda schema: {"anyOf": [{"type": "null"}, {"patternProperties": {"^a": schema}}]},
    ],
)
def test_equal_text_may_break_in_another_dialect(place, draft):
    def written(dialect):
        return {"$schema": dialect, **place({"type": "object", "dependentRequired": {"x": ["y"]}})}

    old, new = written(f"http://json-schema.org/{draft}/schema#"), written(LATEST)
    for mode, verdict in (("backward", B), ("forward", C)):
        report = lint(old, new, mode=mode, budget_ms=1000)
        assert (report.verdict, all(change.witness for change in report.breaking)) == (verdict, True)
    assert lint(written(LATEST), written("https://json-schema.org/draft/2019-09/schema"), mode="full").verdict == C


WITH_A = {"type": "object", "properties": {"a": {"type": "string"}}}
COUNTED = {"maxContains": 1, "minContains": 0}
CONDITION = {"if": {"required": ["kind"]}, "then": {"required": ["b"]}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"not": {"type": "object"}}, {"not": WITH_A}),
        (CONDITION, CONDITION | {"if": {"required": ["kind"], "properties": {"c": {"const": 2}}}}),
        ({"contains": {"type": "object"}, **COUNTED}, {"contains": WITH_A, **COUNTED}),
        ({"oneOf": [{"type": "object"}, {"minProperties": 1}]}, {"oneOf": [WITH_A, {"minProperties": 1}]}),
    ],
)
def test_below_a_negation_open_objects_are_not_open(old, new):
    """The new description makes values valid that were rejected, whatever their names."""
    report = lint(old, new, mode="forward", budget_ms=1000)
    assert (report.verdict, all(change.witness for change in report.breaking)) == (B, True)
    assert lint(old, new, mode="backward", budget_ms=1000).verdict == C


def test_a_witness_is_minimal_and_shows_its_own_change():
    old = obj({"a": {"type": "string"}, "b": {"type": "integer"}}, ["a", "b"])
    new = obj({"a": {"type": "string", "maxLength": 2}, "b": {"type": "integer", "minimum": 5}}, ["a", "b"])
    first, second = lint(old, new, budget_ms=2000).changes
    assert len(first.witness.instance["a"]) == 3
    assert "less than the minimum of 5" in second.witness.error


def test_a_witness_is_rejected_only_for_its_change_and_has_the_error():
    def order(required, lines, note):
        line = obj({"sku": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1}}, ["sku", "quantity"])
        lines = {"type": "array", "minItems": 1, "maxItems": lines, "items": line}
        properties = {"lines": lines, "note": {"type": "string", "maxLength": note}, "total": {"type": "number"}}
        return obj(properties, required)

    new = order(["lines", "total"], 50, 200)
    changes = {change.rule: change for change in lint(order(["lines"], 100, 500), new, budget_ms=2000).breaking}
    validator = jsonschema_rs.validator_for(new)
    for rule, keyword in (("required-added", "required"), ("max-items", "maxItems"), ("max-length", "maxLength")):
        [witness] = [change.witness for name, change in changes.items() if name.startswith(rule)]
        [error] = validator.iter_errors(witness.instance)
        assert error.schema_path[-1] == keyword
    assert changes["required-added"].witness.instance == {"lines": [{"quantity": 1, "sku": ""}]}
    assert changes["max-items-decreased"].witness.error == "this array has more than 50 items (at /lines)"
    assert len(changes["max-items-decreased"].witness.instance["lines"]) == 51
    assert len(changes["max-length-decreased"].witness.instance["note"]) == 201


def test_without_a_budget_there_are_no_witnesses():
    [change] = lint({"type": "string"}, {"type": "null"}, budget_ms=0).breaking
    assert change.witness is None


def test_compatible_additions_require_a_minor_version():
    old, new = obj(), obj({"a": {"type": "string"}})
    report = lint(old, new, current_version="1.2.3", proposed_version="1.2.4")
    assert report.acceptable
    assert report.warnings == ("compatible additions require at least 1.3.0; proposed is 1.2.4",)
    config = Config(require_minor=True)
    assert not lint(old, new, current_version="1.2.3", proposed_version="1.2.4", config=config).acceptable


def test_with_strict_open_objects_a_new_property_breaks():
    old, new = obj(), obj({"a": {"type": "string"}})
    assert lint(old, new, strict_open_objects=True).verdict == B
    assert lint(new, old, strict_open_objects=True, mode="forward").verdict == B
    removed = obj({"a": {}}, ["a"]), obj()
    assert lint(*removed, strict_open_objects=True).verdict == C
    [change] = lint(*removed, strict_open_objects=True, mode="full").breaking
    assert (change.rule, change.direction, change.witness.instance) == ("required-property-removed", "forward", {})
    [change] = lint(*removed).breaking
    assert (change.rule, change.direction) == ("required-property-removed", "both")


def test_pointers_name_the_location_in_both_schemas():
    old = {"properties": {"a/b": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"maxLength": 5}}}
    new = {"properties": {"a/b": {"maxLength": 3}}}
    [change] = lint(old, new).changes
    assert (change.old_pointer, change.new_pointer) == ("/$defs/x/maxLength", "/properties/a~1b/maxLength")


def test_the_required_bump_is_computed_and_reported():
    old, new = {"type": "string"}, {"type": "integer"}
    report = lint(old, new, current_version="1.4.0", proposed_version="1.5.0")
    assert (report.required_bump, report.required_version, report.acceptable) == ("major", "2.0.0", False)
    assert report.problems == ("requires version 2.0.0, but 1.5.0 is proposed",)
    assert lint(old, new, current_version="0.4.0", proposed_version="0.5.0").acceptable
    assert lint(old, old).required_bump is None
    assert lint(old, old | {"title": "x"}).required_bump == "patch"
    assert lint(obj(), obj({"a": {}})).required_bump == "minor"
    assert not lint(old, old, current_version="1.0.0", proposed_version="1.0.0").acceptable


def test_invalid_arguments_are_refused():
    with pytest.raises(ValueError, match="mode"):
        lint({}, {}, mode="sideways")
    with pytest.raises(InvalidVersion):
        lint({}, {}, current_version="1", proposed_version="2")


def test_a_deep_schema_is_undecided_and_not_a_crash():
    old: dict = {"type": "string"}
    new: dict = {"type": "null"}
    for _ in range(150):
        old, new = obj({"a": old}), obj({"a": new})
    assert lint(old, new, budget_ms=0).verdict == U


def test_a_schema_nested_a_thousand_deep_is_undecided():
    old: dict = {"type": "string"}
    for _ in range(1000):
        old = {"properties": {"a": old}}
    assert lint(old, {"not": old}).verdict == U


def test_huge_enums_are_compared_by_lookup_and_not_pair_by_pair():
    values = [[number] for number in range(50_000)]
    report = lint({"enum": values}, {"enum": [*values[1:], True]}, mode="full")
    assert [change.rule for change in report.changes] == ["enum-changed"]


def test_exponential_references_are_compared_once():
    def fan(kind: str) -> dict:
        links = {f"d{n}": {"properties": {p: {"$ref": f"#/$defs/d{n + 1}"} for p in "ab"}} for n in range(60)}
        return {"$ref": "#/$defs/d0", "$defs": links | {"d60": {"type": kind}}}

    assert lint(fan("string"), fan("null")).verdict == B


def test_the_library_needs_no_django():
    code = "import sys; from linter_app import lint; lint({}, False); assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("schema", "at"),
    [
        ({"type": "object", "properties": []}, "/properties"),
        ({"items": {"required": "a"}}, "/items/required"),
        ({"maxLength": "3"}, "/maxLength"),
        ({"pattern": 1}, "/pattern"),
        ([], ""),
    ],
)
def test_a_malformed_schema_is_refused_with_its_pointer(schema, at):
    for old, new in ((schema, {"type": "array", "maxLength": 3}), ({"type": "array", "maxLength": 3}, schema)):
        with pytest.raises(InvalidSchema) as caught:
            lint(old, new, mode="full")
        assert caught.value.pointer == at


def test_a_schema_without_a_dialect_is_checked_as_2020_12():
    older = {"minimum": 1, "exclusiveMinimum": True, "type": "integer"}
    with pytest.raises(InvalidSchema, match="not of type") as caught:
        parse_schema(json.dumps({"exclusiveMinimum": True}))
    assert caught.value.pointer == "/exclusiveMinimum"
    assert parse_schema(json.dumps(older | {"$schema": "http://json-schema.org/draft-04/schema#"}))
    assert lint(older, older).verdict == "compatible"


def test_a_long_chain_of_definitions_is_compared_to_its_end():
    def chain(kind: str) -> dict:
        links = {f"d{n}": obj({"next": {"$ref": f"#/$defs/d{n + 1}"}}) for n in range(120)}
        return {"$ref": "#/$defs/d0", "$defs": links | {"d120": {"type": kind}}}

    [change] = lint(chain("string"), chain("null"), budget_ms=0).changes
    assert (change.rule, change.new_pointer, change.decided) == ("type-changed", "/$defs/d120/type", True)


def test_undescribed_properties_are_compared_whatever_is_described():
    names = {"properties": {"\u2603": {}, "\u2603\u2603": {}, "a": {"type": "string"}}}
    report = lint({**names, "additionalProperties": False}, names, mode="forward")
    assert [change.rule for change in report.breaking] == ["additional-properties-accepted"]


def test_equal_properties_are_compared_if_a_pattern_or_reference_adds_to_them():
    names = {"properties": {"a": {"$ref": "#/$defs/a"}, "x": {"type": "integer"}}}
    old, new = ({**names, "$defs": {"a": {"type": kind}}} for kind in ("string", "null"))
    assert lint(old, new).verdict == "breaking"
    old, new = ({**names, "$defs": {"a": {}}, "patternProperties": {"^x": {"minimum": least}}} for least in (1, 2))
    assert lint(old, new).verdict == "breaking"


@pytest.mark.parametrize("dialect", DIALECTS.values())
def test_formats_are_assertions_in_the_dialects_that_define_them(dialect):
    odd = ["\x00 <>{", "%%", "((", "-", "xn--a-", "1:2", "\u2603 ", "a b@@", "http://["]  # each format rejects one

    def asserts(name):
        validator = jsonschema_rs.validator_for({"$schema": dialect, "format": name}, validate_formats=True)
        return not all(map(validator.is_valid, odd))

    draft = read_schema({"$schema": dialect}).draft
    assert {name for name in EXAMPLES if asserts(name)} == {name for name in EXAMPLES if is_asserted(name, draft)}
    for wide in ("hostname", "uri-reference", "regex"):
        # A label of a host name has 63 characters, a duration may have more.
        for narrow in ("uuid", "duration") if wide != "hostname" else ("uuid",):
            old, new = ({"$schema": dialect, "type": "string", "format": name} for name in (narrow, wide))
            # Every UUID is a valid host name, but where `uuid` is not checked any string is valid.
            assert (lint(old, new).verdict == B) is (asserts(wide) and not asserts(narrow))


@pytest.mark.parametrize("keyword", ["example", "examples", "default", "x-ui", "x-sample", "unknown"])
@pytest.mark.parametrize(
    "data", [{"items": [{"id": 1}]}, {"exclusiveMinimum": True}, {"dependencies": {"a": ["b"]}}, {"$id": "#x"}]
)
def test_data_and_unknown_keywords_do_not_decide_the_dialect(keyword, data):
    def schema(length):
        reference = {"$ref": "#/$defs/name", "maxLength": length}
        return {"properties": {"name": reference}, "$defs": {"name": {"type": "string"}}, keyword: data}

    if keyword == "examples":
        data = [data]
    report = lint(schema(50), schema(3))
    assert report.verdict == "breaking"
    assert report.breaking[0].witness
    assert lint(schema(3), schema(50)).verdict == "compatible"


@pytest.mark.parametrize(
    ("schema", "faults"),
    [
        ({"minimum": 0, "exclusiveMinimum": 5}, {"/exclusiveMinimum": '5 is not of type "boolean"'}),
        ({"minimum": 0, "exclusiveMinimum": True, "maxLength": "a"}, {"/maxLength": '"a" is not of type "integer"'}),
        ({"exclusiveMaximum": True}, {"": '"maximum" is a required property'}),
    ],
)
def test_faults_of_a_schema_of_draft_4_name_the_keyword(schema, faults):
    with pytest.raises(InvalidSchema) as refused:
        parse_schema(json.dumps({"$schema": "http://json-schema.org/draft-04/schema#", **schema}))
    error = refused.value
    assert {error.pointer: error.reason, **dict(error.others)} == faults


@pytest.mark.parametrize("mode", ["backward", "forward", "full"])
def test_a_required_property_that_is_removed_has_an_instance_without_it(mode):
    properties = {"a": {"type": "string"}, "b": {"type": "integer"}}
    old = {"type": "object", "properties": properties, "required": ["a", "b"]}
    new = {"type": "object", "properties": {"b": properties["b"]}, "required": ["b"]}
    (change,) = lint({"properties": {"x": old}}, {"properties": {"x": new}}, mode=mode).breaking
    assert change.rule == "required-property-removed"
    # Whatever the mode, it is what the consumers of the old version may receive.
    assert (change.witness.direction, change.witness.instance) == ("forward", {"x": {"b": 0}})


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(is_enabled):
    before = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        lint({"type": "string"}, {"type": "integer"})
        assert gc.isenabled() is is_enabled
        with pytest.raises(InvalidSchema):
            lint({"type": "string"}, {"type": "text"})
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_a_schema_made_of_the_other_one_has_its_own_places():
    old = obj(
        {"order": {"anyOf": [{"$ref": "#/$defs/order"}, {"type": "null"}]}},
        **{"$defs": {"order": obj({"note": {"type": ["string", "null"]}, "parts": {"$ref": "#/$defs/order"}})}},
    )
    new = {**old, "$defs": {"order": obj({"note": {"type": "string"}, "parts": {"$ref": "#/$defs/order"}})}}
    assert [change.witness.instance for change in lint(old, new).breaking] == [{"order": {"note": None}}]
    assert [change.rule for change in diff(old, new)] == ["type-narrowed"]


def test_a_pattern_is_spelled_anew_below_a_pattern_that_is():
    def schema(pattern):
        return {"patternProperties": {"^{a": {"type": "string", "pattern": pattern}}}

    report = lint(schema("^{"), schema("^{b"))
    assert [change.rule for change in report.breaking] == ["pattern-changed"]
    assert report.breaking[0].witness.instance == {"{a": "{"}
