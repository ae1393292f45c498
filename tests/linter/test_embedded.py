"""Embedded schemas that name a draft of their own are judged by it."""

from __future__ import annotations

import json

import pytest

from linter_app import lint
from linter_app.schema.dialects import InvalidSchema, read_schema
from linter_app.schema.documents import Document
from linter_app.schema.references import schema_warnings
from linter_app.schema.schema_validation import parse_schema

DRAFT4, DRAFT7 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"
NEWEST = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
INNER, OUTER = "https://example.com/inner", "https://example.com/outer"


def bundle(around: str, dialect: str, reference: str = INNER, **inner):
    """A schema that refers to one of another draft within it."""
    embedded = {"$schema": dialect, ("id" if dialect == DRAFT4 else "$id"): INNER, **inner}
    return {"$schema": around, "properties": {"a": {"$ref": reference}}, "definitions": {"inner": embedded}}


@pytest.mark.parametrize(
    ("around", "dialect", "old", "new", "pointer"),
    [
        (NEWEST, DRAFT7, {"dependencies": {"a": ["b"]}}, {"dependencies": {"a": ["b", "c"]}}, "/dependencies"),
        (NEWEST, DRAFT7, {"items": [TEXT]}, {"items": [{**TEXT, "maxLength": 3}]}, "/items/0/maxLength"),
        (DRAFT7, DRAFT4, {"minimum": 0}, {"minimum": 0, "exclusiveMinimum": True}, "/minimum"),
        (
            DRAFT7,
            NEWEST,
            {"prefixItems": [TEXT]},
            {"prefixItems": [{**TEXT, "maxLength": 3}]},
            "/prefixItems/0/maxLength",
        ),
        (
            DRAFT7,
            NEWEST,
            {"$ref": "#/$defs/s", "$defs": {"s": {"type": "string"}}},
            {"$ref": "#/$defs/s", "$defs": {"s": {"type": "string", "maxLength": 5}}},
            "/$defs/s/maxLength",
        ),
    ],
)
def test_a_break_within_it_is_found_with_its_place_and_example(around, dialect, old, new, pointer):
    old, new = bundle(around, dialect, **old), bundle(around, dialect, **new)
    (change,) = lint(old, new).breaking
    assert change.new_pointer == f"/definitions/inner{pointer}"
    assert lint(old, old).verdict == lint(new, old).verdict == "compatible"
    assert change.witness is not None or "$defs" in pointer  # one validator does not find what it refers to


def test_what_its_own_draft_ignores_is_ignored():
    old, new = (bundle(NEWEST, DRAFT7, items={}, prefixItems=[{"maxLength": limit}]) for limit in (5, 4))
    assert lint(old, new, mode="full").verdict == "compatible"
    # Draft 7 ignores what is written beside a reference, though the draft around it does not.
    old, new = (bundle(NEWEST, DRAFT7, **{"$ref": "#/definitions/t", "maxLength": limit}) for limit in (5, 4))
    assert "max-length-decreased" not in {change.rule for change in lint(old, new).breaking}


@pytest.mark.parametrize("reference", [f"{INNER}#/definitions/t", "#/definitions/inner/definitions/t"])
def test_references_lead_into_it(reference):
    old, new = (
        bundle(DRAFT7, DRAFT4, reference, definitions={"t": {"minimum": 0, "exclusiveMinimum": strict}})
        for strict in (False, True)
    )
    assert [change.new_pointer for change in lint(old, new).breaking] == ["/definitions/inner/definitions/t/minimum"]
    assert not schema_warnings(json.dumps(old))


def test_references_lead_out_of_it_and_back():
    def recursive(limit):
        inner = {"$schema": NEWEST, "$id": INNER, "prefixItems": [{"$ref": OUTER}, {"maxLength": limit}]}
        return {"$schema": DRAFT7, "$id": OUTER, "properties": {"x": {"$ref": INNER}}, "definitions": {"inner": inner}}

    (change,) = lint(recursive(5), recursive(4)).breaking
    assert change.new_pointer == "/definitions/inner/prefixItems/1/maxLength"
    assert lint(recursive(4), recursive(5)).verdict == "compatible"


def test_one_within_another():
    def nested(limit):
        innermost = {"$schema": DRAFT4, "id": "https://example.com/4", "maximum": 5, "exclusiveMaximum": limit}
        middle = {"$schema": NEWEST, "$id": "https://example.com/20", "prefixItems": [innermost]}
        return {"$schema": DRAFT7, "properties": {"a": middle}}

    assert lint(nested(False), nested(True)).verdict == "breaking"
    assert lint(nested(True), nested(False)).verdict == "compatible"
    inside = Document(read_schema(nested(True))).root_subschema.at("properties", "a", "prefixItems", 0)
    assert (inside.document.draft, inside.pointer) == (4, "/properties/a/prefixItems/0")


def test_its_faults_are_those_of_its_draft():
    with pytest.raises(InvalidSchema) as refused:
        parse_schema(json.dumps(bundle(DRAFT7, DRAFT4, minimum=1, exclusiveMinimum=3)))
    assert refused.value.pointer == "/definitions/inner/exclusiveMinimum"
    assert parse_schema(json.dumps(bundle(DRAFT7, DRAFT4, minimum=1, exclusiveMinimum=True)))


def test_a_schema_that_moves_to_the_draft_around_it_stays_the_same():
    old = bundle(NEWEST, DRAFT7, items=[{"type": "string"}])
    new = bundle(NEWEST, NEWEST, prefixItems=[{"type": "string"}])
    assert lint(old, new, mode="full").verdict == "compatible"


@pytest.mark.parametrize("keyword", ["$id", "id"])
def test_what_is_no_identifier_is_left_as_it_is(keyword):
    schema = {"type": "object", "properties": {"a": {keyword: {"$ref": "#/definitions/a"}}}, "definitions": {"a": {}}}
    assert read_schema(schema).root == schema
