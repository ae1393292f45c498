"""Maps whose names are listed, and closed objects: two ways to write the same."""

from __future__ import annotations

import pytest

from linter_app import lint

TEXT = {"type": "string"}


def map_of(names, value=TEXT, **more):
    return {"type": "object", "additionalProperties": value, "propertyNames": names, **more}


def closed(**properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


LISTED = {"enum": ["a", "b"]}


@pytest.mark.parametrize(
    "names",
    [
        LISTED,
        {"oneOf": [{"const": "a", "description": "The first"}, {"const": "b"}]},
        {"anyOf": [{"const": "a"}, {"enum": ["b", "a"]}]},
        {"pattern": "^a$"},
    ],
)
def test_a_map_of_listed_names_is_a_closed_object(names):
    other = closed(a=TEXT) if "pattern" in names else closed(a=TEXT, b=TEXT)
    for old, new in ((map_of(names), other), (other, map_of(names))):
        report = lint(old, new, mode="full")
        assert (report.verdict, list(report.changes)) == ("compatible", [])


@pytest.mark.parametrize(
    ("old", "new", "rule", "direction"),
    [
        (map_of(LISTED), closed(a=TEXT), "property-removed", "backward"),
        (closed(a=TEXT), map_of(LISTED), "property-added", "forward"),
        (map_of(LISTED), closed(a=TEXT, b=TEXT, c=TEXT), "property-added", "forward"),
        (map_of(LISTED), closed(a=TEXT, b={"type": "integer"}), "type-changed", "both"),
        (map_of(LISTED), map_of(LISTED, {**TEXT, "maxLength": 3}), "max-length-added", "backward"),
        (map_of(LISTED), map_of({"enum": ["a"]}), "enum-value-removed", "backward"),
    ],
)
def test_each_name_is_compared(old, new, rule, direction):
    (change,) = lint(old, new, mode="full").breaking
    assert (change.rule, change.direction) == (rule, direction)
    for mode in ("backward", "forward"):
        expected = "breaking" if direction in (mode, "both") else "compatible"
        assert lint(old, new, mode=mode).verdict == expected
    if direction != "both":
        assert lint(old, new, mode=direction).breaking[0].witness is not None


def test_names_that_exclude_each_other_are_not_taken_for_possible():
    twice = {"oneOf": [{"const": "a"}, {"const": "b"}, {"const": "b"}]}
    assert lint(map_of(twice), closed(a=TEXT, b=TEXT), mode="forward").verdict == "breaking"
