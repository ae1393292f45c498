"""Unions that accept everything, because one of their alternatives does."""

from __future__ import annotations

import pytest

from linter_app import diff, lint


@pytest.mark.parametrize("extension", [{}, True, {"title": "Any", "allOf": [{"$ref": "#/$defs/ext"}]}])
def test_what_is_lost_beside_an_alternative_that_accepts_everything_breaks_nothing(extension):
    """Protocols list the messages that they know, and let extensions pass."""

    def message(*kinds: dict) -> dict:
        names = [kind["required"][-1] for kind in kinds]
        known = [{"$ref": f"#/$defs/{name}"} for name in names]
        params = {"anyOf": [{"anyOf": [*known, extension]}, {"type": "null"}]}
        defs = dict(zip(names, kinds, strict=True)) | {"ext": {"description": "Whatever it is."}}
        return {"type": "object", "required": ["method"], "properties": {"params": params}, "$defs": defs}

    kinds = [{"type": "object", "required": [f"p{n}"], "properties": {f"p{n}": {"type": "string"}}} for n in range(30)]
    stricter = [{**kind, "required": ["id", *kind["required"]]} for kind in kinds]
    for old, new in ((message(*kinds), message(*stricter)), (message(*kinds), message(*kinds[5:]))):
        report = lint(old, new)
        assert report.verdict == "compatible"
        assert not [change for change in diff(old, new) if change.directions]
    other = {**message(*kinds), "required": ["method", "params"]}
    assert [change.rule for change in lint(message(*kinds), other).breaking] == ["required-added"]


def test_a_union_that_contains_itself_accepts_what_its_other_alternatives_accept():
    union = {"anyOf": [{"type": "string"}, {"$ref": "#"}, {"type": "integer"}]}
    assert lint(union, {"anyOf": union["anyOf"][:2]}).verdict != "compatible"
    everything = {"anyOf": [*union["anyOf"], {"description": "More."}]}
    assert lint(everything, {"anyOf": everything["anyOf"][1:]}).verdict == "compatible"


def test_oneof_with_an_alternative_that_accepts_everything_refuses_the_others():
    assert lint({"type": "string"}, {"oneOf": [{}, {"type": "string"}]}).verdict == "breaking"
    assert lint({"oneOf": [{}, {"type": "string"}]}, {"oneOf": [{}, {"type": "integer"}]}).verdict == "breaking"
