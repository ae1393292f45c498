"""Edits as they are made to real schemas: the verdict, the facts that are reported, and the example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linter_app import lint
from linter_app.config import InvalidConfig, parse
from linter_app.report.changelog import describe_witness
from linter_app.schema.dialects import InvalidSchema, read_schema
from linter_app.schema.schema_validation import check_schema

EDITS = json.loads((Path(__file__).parent / "edits.json").read_text(encoding="utf-8"))
DRAFT7 = "http://json-schema.org/draft-07/schema#"
STRING = {"type": "string"}
FORMATS = ("date-time", "uri", "email", "hostname", "ipv4", "date", "uuid", "time")


@pytest.mark.parametrize("edit", EDITS, ids=[edit["name"] for edit in EDITS])
def test_an_edit_has_its_verdict(edit):
    report = lint(edit["old"], edit["new"], mode=edit["mode"], strict_open_objects=edit["strict"])
    assert report.verdict == edit["verdict"], report.changes
    if "bump" in edit:
        assert report.required_bump == edit["bump"]
    assert set(edit.get("rules", ())) <= {change.rule for change in report.changes}
    if "only" in edit:
        assert {change.rule for change in report.breaking} == set(edit["only"])
    if edit.get("witness"):
        assert any(change.witness for change in report.breaking)


# Unions


def tagged(kind, **properties):
    return {
        "type": "object",
        "properties": {"type": {"const": kind}, "id": STRING, **properties},
        "required": ["type", "id"],
    }


def union(keyword, count, *more, described=""):
    defs = {f"e{number}": tagged(f"e{number}") for number in range(count)} | {kind: tagged(kind) for kind in more}
    if described:
        defs["e3"] = {**defs["e3"], "description": described}
    return {keyword: [{"$ref": f"#/$defs/{name}"} for name in defs], "$defs": defs}


@pytest.mark.parametrize(("keyword", "count"), [("oneOf", 80), ("oneOf", 400), ("anyOf", 200)])
@pytest.mark.parametrize("mode", ["backward", "full"])
def test_a_description_in_a_large_union_is_a_patch(keyword, count, mode):
    report = lint(union(keyword, count, described="one"), union(keyword, count, described="another"), mode=mode)
    assert (report.verdict, report.required_bump) == ("compatible", "patch")
    assert [change.rule for change in report.changes] == ["documentation-changed"]


@pytest.mark.parametrize(("mode", "verdict"), [("backward", "compatible"), ("forward", "breaking")])
def test_an_alternative_that_is_added_is_one_fact_with_its_tag_and_an_instance_of_it(mode, verdict):
    report = lint(union("oneOf", 200), union("oneOf", 200, "moved"), mode=mode)
    assert report.verdict == verdict
    (change,) = report.changes
    assert change.message == "alternative 'moved' of oneOf was added"
    if mode == "forward":
        assert change.witness.instance["type"] == "moved"


def test_one_change_in_one_of_many_tagged_alternatives_is_one_fact():
    old, new = union("oneOf", 400), union("oneOf", 400)
    new["$defs"]["e7"] = tagged("e7", id={"type": "string", "maxLength": 3})
    new["oneOf"].reverse()
    report = lint(old, new)
    assert [change.rule for change in report.changes] == ["max-length-added"]
    assert report.changes[0].witness.instance["type"] == "e7"


@pytest.mark.parametrize("count", [8, 20])
def test_recursive_alternatives_are_compared_once(count):
    def schema(text):
        branches = [
            {"type": "object", "properties": {f"r{n}": {"$ref": "#/definitions/P"}}, "required": [f"r{n}"]}
            for n in range(count)
        ]
        definitions = {"P": {"description": text, "oneOf": branches}}
        return {"$schema": DRAFT7, "$ref": "#/definitions/P", "definitions": definitions}

    report = lint(schema("x"), schema("y"), mode="full")
    assert (report.verdict, report.required_bump) == ("compatible", "patch")


def test_an_extensible_union_and_enum_may_grow():
    for extensible, verdict in ((True, "compatible"), (False, "breaking")):
        mark = {"x-extensible": True} if extensible else {}
        old, new = ({"oneOf": [tagged("a"), *more], **mark} for more in ([tagged("b")], [tagged("b"), tagged("c")]))
        report = lint(old, new, mode="full")
        assert (report.verdict, [change.rule for change in report.changes]) == (verdict, ["alternative-added"])
        old, new = ({"enum": ["a", *more], **mark} for more in ([], ["b"]))
        report = lint(old, new, mode="full")
        assert (report.verdict, [change.rule for change in report.changes]) == (verdict, ["enum-value-added"])
        assert lint(new, old, mode="backward").verdict == "breaking"


def test_values_of_an_extensible_enum_are_reported():
    old, new = ({"type": "string", "x-extensible-enum": values} for values in (["a"], ["a", "b"]))
    report = lint(old, new, mode="full")
    assert (report.verdict, [change.rule for change in report.changes]) == ("compatible", ["extensible-enum-changed"])


# Objects and arrays


def test_what_became_nullable_is_said_once():
    old = {"properties": {"r": {"$ref": "#/$defs/r"}}, "$defs": {"r": tagged("r")}}
    new = {**old, "properties": {"r": {"oneOf": [{"$ref": "#/$defs/r"}, {"type": "null"}]}}}
    for one, other, message in ((old, new, "it became nullable"), (new, old, "it is no longer nullable")):
        assert [change.message for change in lint(one, other, mode="full").changes] == [message]


def test_a_property_that_a_closed_object_loses_or_gains_is_one_fact():
    closed = {"type": "object", "properties": {"a": STRING}, "additionalProperties": False}
    more = {**closed, "properties": {"a": STRING, "opField": STRING}}
    (change,) = lint(more, closed).breaking
    assert change.message == "property 'opField' is no longer accepted"
    assert change.witness.instance == {"opField": ""}
    (change,) = lint(closed, more, mode="forward").breaking
    assert (change.rule, "opField" in change.witness.instance) == ("property-added", True)
    assert len(lint(more, closed).changes) == len(lint(closed, more).changes) == 1


def test_readers_that_ignore_unknown_properties():
    closed = {"type": "object", "properties": {"a": STRING}, "additionalProperties": False}
    more = {**closed, "properties": {"a": STRING, "b": STRING}}
    policy = parse({"mode": "full", "readers-ignore-unknown": True})
    assert lint(closed, more, config=policy).verdict == lint(more, closed, config=policy).verdict == "compatible"
    required = {**more, "required": ["b"]}
    assert [change.rule for change in lint(closed, required, config=policy).breaking] == ["required-added"]
    assert lint(more, {**more, "properties": {"a": STRING, "b": {"type": "integer"}}}, config=policy).breaking


def test_an_open_tuple_may_describe_more_items():
    old, new = ({"type": "array", "prefixItems": items} for items in ([STRING], [STRING, {"type": "integer"}]))
    assert lint(old, new, mode="full").verdict == lint(new, old, mode="full").verdict == "compatible"
    assert lint(old, new, strict_open_objects=True).breaking[0].witness
    assert lint({**old, "items": False}, {**new, "items": False}, mode="forward").verdict == "breaking"


def test_what_a_new_property_requires_breaks_nothing():
    old = {"type": "object", "properties": {"a": STRING}}
    new = {"type": "object", "properties": {"a": STRING, "card": STRING}, "dependentRequired": {"card": ["a"]}}
    assert lint(old, new).verdict == "compatible"
    assert lint(old, new, strict_open_objects=True).verdict == "breaking"


# Witnesses and proofs


def test_forty_required_formatted_strings_are_generated():
    properties = {f"f{n}": {"type": "string", "format": FORMATS[n % len(FORMATS)]} for n in range(40)}
    old = {"$schema": DRAFT7, "type": "object", "properties": properties, "required": sorted(properties)}
    report = lint(old, {**old, "required": [*sorted(properties), "zz"]})
    assert report.breaking[0].witness.instance.keys() == properties.keys()


@pytest.mark.parametrize("name", ["uri", "email", "hostname", "date-time", "iri", "uri-reference", "regex"])
def test_a_longer_string_of_a_format_is_generated(name):
    old = {"type": "string", "format": name}
    (change,) = lint(old, {**old, "maxLength": 60}).breaking
    assert len(change.witness.instance) > 60


def test_no_proof_goes_through_exponentially_many_combinations():
    names = [f"p{number}" for number in range(60)]
    old = {
        "type": "object",
        "properties": {name: {"type": ["string", "null"]} for name in names},
        "additionalProperties": False,
    }
    new = {**old, "properties": dict.fromkeys(names, STRING), "patternProperties": {"^x_.*": STRING}}
    report = lint(old, new)
    assert (report.verdict, len(report.breaking)) == ("breaking", 60)
    assert report.breaking[0].witness


def test_the_same_input_gives_the_same_report():
    old, new = union("oneOf", 30), union("oneOf", 30, "moved")
    new["$defs"]["e7"] = tagged("e7", id={"type": "string", "pattern": "^a+$"})
    assert lint(old, new, mode="full") == lint(old, new, mode="full")


# Spellings


@pytest.mark.parametrize(
    "pattern",
    [r"^[\w-.]+$", "a{,5}", "^{", "x{", "]", "}", r"\a", r"\Z", r"\c", r"\8", r"[\d-x]", "[[:alpha:]]", "[a-z&&[^b]]"],
)
def test_expressions_of_javascript_without_the_flag_u_are_read(pattern):
    schema = {"$schema": DRAFT7, "type": "string", "pattern": pattern}
    check_schema(read_schema(schema))
    assert lint(schema, {"$schema": DRAFT7, "type": "string"}).verdict == "compatible"


@pytest.mark.parametrize("pattern", ["(", "[", "a**", "(?<n", "\\"])
def test_what_is_no_expression_is_refused(pattern):
    with pytest.raises(InvalidSchema):
        check_schema(read_schema({"pattern": pattern}))


def test_references_to_other_documents_are_no_fault():
    schema = {"$schema": DRAFT7, "$id": "https://example.com/a#b", "$ref": "./other.json#/definitions/x"}
    check_schema(read_schema(schema))
    with pytest.raises(InvalidSchema, match="unresolvable"):
        check_schema(read_schema({"$schema": DRAFT7, "$ref": "#/definitions/x"}))


def test_an_unknown_dialect_can_be_given_a_draft():
    dialect = "http://example.com/self-desc/schema/jsonschema/1-0-0#"
    old, new = ({"$schema": dialect, "maximum": 5, "exclusiveMaximum": strict} for strict in (False, True))
    with pytest.raises(InvalidSchema, match="old schema is invalid: unknown dialect"):
        lint(old, new)
    assert lint(old, new, config=parse({"dialects": {dialect: "draft-04"}})).breaking[0].witness.instance == 5
    with pytest.raises(InvalidConfig, match="draft-04"):
        parse({"dialects": {dialect: "draft-99"}})


def test_an_invalid_schema_names_its_side():
    with pytest.raises(InvalidSchema) as refused:
        lint({}, {"type": 5})
    assert (refused.value.side, refused.value.pointer) == ("new", "/type")


def test_one_object_in_several_places_is_several_places():
    old, new = (dict.fromkeys("abc", value) for value in (STRING, {**STRING, "maxLength": 3}))
    report = lint({"properties": old}, {"properties": new})
    assert [change.new_pointer for change in report.breaking] == [f"/properties/{name}/maxLength" for name in "abc"]
    assert report.breaking == lint(json.loads(json.dumps({"properties": old})), {"properties": new}).breaking


def test_long_values_are_shown_shortened():
    (change,) = lint(STRING, {**STRING, "maxLength": 65535}).breaking
    assert len(change.witness.instance) == 65536
    assert "... (65536 characters)" in describe_witness(change)
    assert len(describe_witness(change)) < 500
