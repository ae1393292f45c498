"""Schemas as people write them, and validators refuse them."""

from __future__ import annotations

import pytest

from linter_app import lint


@pytest.mark.parametrize("identifier", ["https://example.com/{{ name }}/a.json", "a b.json", "größe"])
@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
def test_identifiers_are_read_in_their_encoded_form(draft, identifier):
    schema = {"$schema": draft, "$id": identifier, "$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}
    report = lint(schema, schema | {"definitions": {"a": {"type": "string", "maxLength": 3}}})
    assert [change.rule for change in report.breaking] == ["max-length-added"]
    assert report.breaking[0].witness is not None


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
def test_named_groups_are_read_as_in_python_and_go_too(draft):
    def schema(pattern: str) -> dict:
        return {"$schema": draft, "type": "string", "pattern": pattern}

    assert lint(schema("^v(?P<major>[0-9]+)$"), schema("^v(?<major>[0-9]+)$")).verdict == "compatible"
    report = lint(schema("^v(?P<major>[0-9]+)$"), schema("^v(?P<major>[0-8]+)$"))
    [change] = report.breaking
    assert change.witness is not None
    assert change.witness.instance == "v9"
