"""Proofs of inclusion by canonical forms, and what is not tried."""

from __future__ import annotations

import jsonschema_rs
import pytest

from linter_app import lint
from linter_app.prove.inclusion import is_proven_inclusion
from linter_app.schema.dialects import read_schema


def optional(count: int, *names: str, **keywords) -> dict:
    properties = {name: {"type": "string"} for name in [*(f"p{n}" for n in range(count)), *names]}
    return {"type": "object", "properties": properties, **keywords}


ONE_OF_TWO = [{"required": ["a"]}, {"required": ["b"]}]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (optional(40, "a", "b", anyOf=ONE_OF_TWO), optional(40, "b", additionalProperties=False)),
        (
            {"allOf": [{"$ref": "#/$defs/a"}, {"anyOf": ONE_OF_TWO}], "$defs": {"a": optional(40, "a", "b")}},
            optional(40, "b", additionalProperties=False),
        ),
        (
            {"anyOf": [optional(10, f"x{n}", required=["p1"]) for n in range(16)]},
            {"anyOf": [optional(10, f"x{n}", required=["p2"]) for n in range(16)]},
        ),
    ],
)
def test_a_proof_that_would_go_through_all_sets_of_properties_is_not_tried(old, new, monkeypatch):
    """The library tries an object with and without each of its properties where alternatives are beside them."""
    monkeypatch.setattr(jsonschema_rs, "canonicalize", lambda *_, **__: pytest.fail("it is tried"))
    assert not is_proven_inclusion(read_schema(new), read_schema(old))
    assert lint(old, new).verdict == "breaking"


def test_what_only_a_proof_shows_is_compatible():
    """Two alternatives that together accept what one did."""
    old = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    halves = [{"properties": {"a": {"maximum": 4}}}, {"properties": {"a": {"minimum": 5}}}]
    new = {**old, "anyOf": halves}
    assert is_proven_inclusion(read_schema(new), read_schema(old))
    assert lint(old, new).verdict == "compatible"
    assert lint(old, {**old, "anyOf": [halves[0], {"properties": {"a": {"minimum": 6}}}]}).verdict == "breaking"
