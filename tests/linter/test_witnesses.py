"""Examples where the way to the change is narrow: through references, maps, unions and what both versions keep."""

from __future__ import annotations

import random

import pytest

from linter_app import lint
from linter_app.compare.equality import Equality
from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document
from linter_app.schema.validators import ValidatorPair
from linter_app.witness.constraints import Focus
from linter_app.witness.generator import InstanceGenerator


def shown(report):
    return [change.witness.instance for change in report.breaking if change.witness]


def test_what_both_versions_keep_is_not_tried():
    same = {f"p{n}": {"$ref": "#/$defs/name"} for n in range(40)}
    old = {"type": "object", "properties": {**same, "one": {"type": "string"}}, "$defs": {"name": {"type": "string"}}}
    new = {**old, "properties": {**same, "one": {"type": "string", "maxLength": 3}}}
    sides = [Document(read_schema(each)).root_subschema for each in (old, new)]
    focus = Focus(is_same=Equality().is_written_same)
    for attempt in range(20):
        generator = InstanceGenerator(random.Random(attempt), focus, straight=True)
        assert len(generator.value(sides[:1], sides[1:])["one"]) > 3


@pytest.mark.parametrize(
    ("kept", "refused"),
    [
        ({"minItems": 1}, {"minItems": 1, "maxItems": 4}),
        ({"maxItems": 3}, {"minItems": 1, "maxItems": 3}),
        ({"minimum": 3}, {"minimum": 2, "maximum": 9}),
        ({"exclusiveMaximum": 3}, {"minimum": 1, "maximum": 3}),
        ({"enum": [1, 2]}, {"enum": [1, 2, 3], "maximum": 1}),
    ],
)
def test_what_is_impossible_is_not_tried(kept, refused):
    kind = {"type": "array" if "Items" in str(kept) else "integer"}
    keep, refuse = (Document(read_schema({**kind, **each})).root_subschema for each in (kept, refused))
    for attempt in range(20):
        value = InstanceGenerator(random.Random(attempt), Focus(), straight=True).value([keep], [refuse])
        assert ValidatorPair(keep.document).accepts(value)
        assert not ValidatorPair(refuse.document).accepts(value)


def test_a_property_that_was_one_of_a_map_is_found_through_references():
    def schema(generator, kinds, **definitions):
        names = [f"option{n}" for n in range(30)]
        options = {name: {"type": "object", "properties": {"a": {"type": kinds}}} for name in names}
        return {
            "properties": {**options, "module": {"$ref": "#/$defs/module"}},
            "$defs": {
                "module": {"properties": {"generator": {"$ref": "#/$defs/generators"}}, "type": "object"},
                "generators": {"type": "object", "additionalProperties": {"type": "object"}, **generator},
                **definitions,
            },
        }

    closed = {"type": "object", "properties": {"minimize": {"type": "boolean"}}, "additionalProperties": False}
    html = {"properties": {"html": {"$ref": "#/$defs/html"}}}
    report = lint(schema({}, ["string"]), schema(html, ["string", "null"], html=closed), budget_ms=5)
    assert report.verdict == "breaking"
    assert [list(each["module"]["generator"]) for each in shown(report)] == [["html"]]


def test_a_property_that_all_alternatives_describe_may_be_in_an_example():
    cache = {"type": "object", "properties": {"timeout": {"type": "number"}, "id": {"type": "string"}}}
    tasks = {"tasks": {"type": "object"}}
    root = {"type": "object", "properties": {**tasks, "cache": cache}, "required": ["tasks"]}
    package = {
        "type": "object",
        "properties": {**tasks, "extends": {"type": "array"}},
        "required": ["tasks", "extends"],
    }
    whole = {**cache, "properties": {**cache["properties"], "timeout": {"type": "integer"}}}
    new = {"type": "object", "properties": {**tasks, "cache": whole, "extends": {"type": "array"}}}
    report = lint({"anyOf": [root, package]}, new)
    assert report.verdict == "breaking"
    [instance] = shown(report)
    assert instance["cache"].keys() == {"timeout"}


def test_a_property_whose_presence_decides_may_be_in_an_example_though_it_is_new():
    text = {"type": "string"}
    old = {"type": "object", "properties": {"one": text}, "required": ["one"]}
    new = {"type": "object", "properties": {"one": text, "many": {"type": "array"}}}
    report = lint(old, {**new, "oneOf": [{"required": ["one"]}, {"required": ["many"]}]})
    assert report.verdict == "breaking"
    assert shown(report) == [{"one": "", "many": []}]


def test_names_of_properties_are_strings_whatever_else_is_said_of_their_type():
    def schema(names):
        return {"type": "object", "propertyNames": {"$ref": "#/$defs/name"}, "$defs": {"name": names}}

    assert lint(schema({"pattern": "^a"}), schema({"type": "string", "pattern": "^a"})).verdict == "compatible"
    assert not any(each.rule.startswith("type") for each in lint(schema({}), schema({"type": "string"})).changes)


def catalogue(events):
    """One of many events; `kind` names each, or nothing but its own property does."""
    return {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in events], "$defs": events}


@pytest.mark.parametrize("is_tagged", [True, False])
def test_the_reason_of_an_example_is_that_of_its_own_event_and_not_of_a_hundred_others(is_tagged):
    def event(name, **details):
        tag = {"kind": {"const": name}} if is_tagged else {}
        properties = {**tag, name: {"type": "object", "properties": {"size": {"type": "integer", **details}}}}
        return {
            "type": "object",
            "properties": properties,
            "required": [*properties],
            "additionalProperties": False,
        }

    names = [f"event{n}" for n in range(100)]
    old = catalogue({name: event(name) for name in names})
    new = catalogue({name: event(name, **({"maximum": 9} if name == "event70" else {})) for name in names})
    witness = lint(old, new).breaking[0].witness
    assert witness.error.endswith("is greater than the maximum of 9 (at /event70/size)")


def test_the_way_to_a_change_does_not_lead_through_what_accepts_everything():
    def schema(*types):
        definition = {"type": "object", "properties": {"note": {"type": [*types]}}}
        near = {"anyOf": [{"$ref": "#/$defs/order"}, {}]}
        far = {"type": "object", "properties": {"order": {"$ref": "#/$defs/order"}}}
        return {"type": "object", "properties": {"a": near, "b": far}, "$defs": {"order": definition}}

    assert shown(lint(schema("string", "null"), schema("string"))) == [{"b": {"order": {"note": None}}}]


@pytest.mark.parametrize("place", ["components", "properties"])
def test_events_that_are_no_definitions_have_examples_too(place):
    def schema(**details):
        def event(name):
            size = {"type": "integer", **(details if name == "event3" else {})}
            return {"type": "object", "properties": {"kind": {"const": name}, "size": size}, "required": ["kind"]}

        names = [f"event{n}" for n in range(5)]
        return {
            "oneOf": [{"$ref": f"#/{place}/{name}"} for name in names],
            place: {name: event(name) for name in names},
        }

    report = lint(schema(), schema(maximum=9))
    assert [change.witness.instance["kind"] for change in report.breaking] == ["event3"]


def test_an_event_that_contains_events_is_explained_by_all_of_them():
    def schema(**details):
        def event(name):
            inner = {"type": "array", "items": {"$ref": "#"}}
            note = {"type": "string", **(details if name == "event3" else {})}
            properties = {"kind": {"const": name}, "inner": inner, "note": note}
            return {"type": "object", "properties": properties, "required": ["kind"], "additionalProperties": False}

        return catalogue({name: event(name) for name in (f"event{n}" for n in range(5))})

    report = lint(schema(), schema(maxLength=0))
    assert [change.witness.instance["kind"] for change in report.breaking] == ["event3"]


@pytest.mark.parametrize("place", ["definition", "root", "resource"])
def test_expressions_are_ecma_262_below_a_schema_that_names_its_dialect(place):
    dialect = {"$schema": "http://json-schema.org/draft-07/schema#"}
    resources = {}

    def schema(**name):
        kind = {"type": "string", "pattern": r"^\p{Lu}+$", **name}
        named = {"name": kind, "again": {"$ref": "#"}}
        if place == "root":
            return {**dialect, "type": "object", "properties": {**named, "value": {"allOf": [{"$ref": "#"}, name]}}}
        reference = {"$ref": "#/definitions/name" if place == "definition" else "https://example.com/name"}
        resources["https://example.com/name"] = {**dialect, "type": "string", "pattern": r"^\p{Lu}+$"}
        definitions = {"definitions": {"name": {**dialect, **kind}}}
        return {**dialect, **definitions, "type": "object", "properties": {"name": {"allOf": [reference, name]}}}

    limit = {"properties": {"name": {"maxLength": 3}}} if place == "root" else {"maxLength": 3}
    report = lint(schema(), schema(**limit), resources=resources)
    assert report.verdict == "breaking"
    assert shown(report)


def test_the_reason_is_what_the_changed_place_has_against_the_example():
    def schema(kind):
        transforms = [
            {
                "properties": {
                    "type": {"const": name},
                    "params": {"items": {"anyOf": [{"type": "null"}, {"type": kind}]}},
                }
            }
            for name in ("sum", "mean", "count")
        ]
        closed = [{**each, "required": ["type"], "additionalProperties": False} for each in transforms]
        data = [{"type": "string"}, {"properties": {"transform": {"items": {"oneOf": closed}}}, "type": "object"}]
        return {"properties": {"data": {"items": {"oneOf": data}}}}

    [witness, *_] = [change.witness for change in lint(schema("string"), schema("number")).breaking if change.witness]
    assert witness.error.endswith(" (at /data/0/transform/0/params/0)")


def test_an_example_breaks_with_all_of_many_alternatives_at_once():
    """Package kinds of a bill of materials are open objects, of which each may be taken for most of the others."""

    def kind(n: int, required: list[str]) -> dict:
        texts = {name: {"type": "string"} for name in ("name", "version", f"url{n}")}
        lists = {f"list{n}": {"type": "array", "items": {"type": "string"}}}
        return {"type": "object", "properties": texts | lists, "required": required, "additionalProperties": True}

    def schema(required: list[str]) -> dict:
        kinds = {f"k{n}": kind(n, ["name", "version"]) for n in range(8)} | {"rpm": kind(9, required)}
        return {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in kinds], "$defs": kinds}

    report = lint(schema(["name", "version", "url9"]), schema(["name", "version", "url9", "label"]))
    [change] = report.breaking
    assert change.rule == "required-added"
    assert change.witness is not None
    assert len(change.witness.instance) == 3 + 8  # one of another type for each of the others
