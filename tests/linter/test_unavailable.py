"""References to schemas that are not available: what is the same in both versions, and what may differ."""

from __future__ import annotations

import json

import pytest

from linter_app import lint
from linter_app.validation import instance_errors

DRAFT7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
CORE, OTHER = {"$ref": "../common/core.json"}, {"$ref": "../common/other.json"}


def schema(identifier: str = "", least: int = 0, reference=CORE, **keywords) -> dict:
    phases = {"type": "array", **({"minItems": least} if least else {})}
    named = {"$id": identifier} if identifier else {}
    return {**DRAFT7, **named, "allOf": [reference, {"properties": {"phases": phases}}], **keywords}


def test_a_relative_reference_leads_elsewhere_from_another_absolute_base():
    old, new = schema("https://example.com/v1/a.json"), schema("https://example.com/v2/a.json")
    report = lint(old, new)
    assert report.verdict == "compatible"  # it leads out of both folders, to one place

    old, new = (schema(f"https://example.com/{each}/x/a.json") for each in ("v1", "v2"))
    report = lint(old, new)
    assert report.verdict == "undecided"
    [change] = report.undecided
    assert "https://example.com/v1/common/core.json, https://example.com/v2/common/core.json" in change.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "https://example.com/v1/a.json"),
        ("", "../sdos/a.json"),
        ("urn:example:a", "urn:example:b"),
        ("https://example.com/v1/a.json", "https://example.com/v1/b.json"),
    ],
)
def test_a_reference_is_the_same_where_no_absolute_base_tells_them_apart(before, after):
    assert lint(schema(before), schema(after)).verdict == "compatible"
    report = lint(schema(before), schema(after, least=1))
    assert [change.rule for change in report.breaking] == ["min-items-added"]
    [witness] = [change.witness for change in report.breaking]
    assert witness is not None
    assert witness.instance == {"phases": []}
    assert witness.error.endswith("common/core.json accepts in its place)")


def test_a_reference_is_the_same_whether_written_relative_or_absolute():
    base = "https://example.com/v1/a.json"
    absolute = {"$ref": "https://example.com/common/core.json"}
    old, new = schema(base), schema(base, reference=absolute, title="A")
    assert lint(old, new).verdict == "compatible"
    assert lint(old, schema(base, reference=absolute, minProperties=1)).verdict == "breaking"


def test_references_that_lead_nowhere_within_known_resources_are_the_same_if_written_alike():
    """Generators give each definition a URI with the version, and leave references that are then relative to it."""

    def generated(version: str) -> dict:
        info = {
            "id": f"https://example.com/{version}/info.json",
            "properties": {"a": {"$ref": "#/definitions/contact"}},
        }
        return {"$schema": "http://json-schema.org/draft-04/schema#", "definitions": {"info": info}, **DRAFT4_ROOT}

    assert lint(generated("1.0"), generated("1.1")).verdict == "compatible"


DRAFT4_ROOT = {"properties": {"info": {"$ref": "#/definitions/info"}}}


@pytest.mark.parametrize(
    ("old", "new", "backward", "forward"),
    [
        (schema(), schema(reference=True), "compatible", "undecided"),
        (schema(reference=True), schema(), "undecided", "compatible"),
        (schema(), schema(reference=OTHER), "undecided", "undecided"),
    ],
)
def test_a_reference_that_is_only_added_or_only_removed_is_in_doubt_in_one_direction(old, new, backward, forward):
    assert lint(old, new, mode="backward").verdict == backward
    assert lint(old, new, mode="forward").verdict == forward


def test_what_an_unknown_schema_describes_may_matter_to_unevaluated_properties():
    old = {"allOf": [{"$ref": "core.json"}], "unevaluatedProperties": False}
    assert lint(old, {"unevaluatedProperties": False}).verdict == "undecided"


@pytest.mark.parametrize(
    "meta", ["http://json-schema.org/draft-04/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
@pytest.mark.parametrize("draft", [7, 20])
def test_the_meta_schemas_of_all_drafts_are_available(meta, draft):
    """Descriptions of APIs refer to those of the draft that they describe schemas in."""
    dialect = DRAFT7 if draft == 7 else {}

    def schema(**keywords) -> dict:
        return {
            **dialect,
            "type": "object",
            "properties": {"schema": {"$ref": meta}, "name": {"type": "string"}},
            **keywords,
        }

    report = lint(schema(), schema(required=["name"]))
    [change] = report.breaking
    assert change.witness is not None
    assert change.witness.instance == {}
    assert not instance_errors(json.dumps(schema()), b'{"schema": {"type": "string"}}')
    assert instance_errors(json.dumps(schema()), b'{"schema": {"type": "text"}}')
