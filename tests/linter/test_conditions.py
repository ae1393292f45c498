"""Conditions, exclusive alternatives and unknown references, as real histories have them."""

from __future__ import annotations

import pytest

from linter_app import diff, lint
from linter_app.compare import comparison

TEXT = {"type": "string"}
NOT_VERSIONED = {"not": {"required": ["version"]}}


def closed(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def versioned(version: str) -> dict:
    return {"required": ["version"], "properties": {"version": {"const": version}}}


def binding(latest: str, versions: dict[str, dict]):
    """An object that is described by the schema of its version, or of the latest one if it names none."""
    conditions = [{"if": NOT_VERSIONED, "then": versions[latest]}]
    conditions += [{"if": versioned(name), "then": schema} for name, schema in versions.items()]
    return {"properties": {"version": {"enum": list(versions)}}, "allOf": conditions}


def body(version: str, **properties) -> dict:
    return closed(version={"enum": [version]}, **properties)


def breaks(old, new) -> set[str]:
    """The rules that break backward by the comparison alone, as for schemas that are too large for a proof."""
    return {change.rule for change in diff(old, new) if "backward" in change.directions}


def rules(report) -> set[str]:
    return {change.rule for change in report.breaking}


def test_a_new_version_of_a_binding_is_compatible():
    """The new condition holds for no value that was accepted, and where no version is named its list does not count."""
    old = binding("1", {"1": body("1", delay={"maximum": 15})})
    new = binding("2", {"2": body("2", delay={"maximum": 900}, topic=TEXT), "1": body("1", delay={"maximum": 15})})
    assert not breaks(old, new)


def test_what_breaks_below_one_of_many_conditions_is_said_there():
    old = binding("2", {"2": body("2", delay=TEXT), "1": body("1", delay=TEXT)})
    new = binding("2", {"2": body("2", delay=TEXT), "1": body("1", delay={"type": "string", "maxLength": 3})})
    report = lint(old, new)
    assert rules(report) == {"max-length-added"}
    [change] = report.breaking
    assert change.new_pointer == "/allOf/2/then/properties/delay/maxLength"
    assert change.witness is not None
    assert change.witness.instance == {"version": "1", "delay": change.witness.instance["delay"]}


def test_widening_what_follows_from_two_conditions_is_compatible():
    old = binding("1", {"1": body("1", delay={"maximum": 15})})
    new = binding("1", {"1": body("1", delay={"maximum": 900})})
    assert not breaks(old, new)
    assert breaks(new, old)


def test_a_condition_that_may_hold_breaks_with_an_example():
    old = {"oneOf": [closed(["ref"], ref=TEXT), {**closed(format=TEXT, payload={}, note=TEXT)}]}
    conditions = [{"if": {"not": {"required": ["format"]}}, "then": {"properties": {"payload": {"type": "object"}}}}]
    old["oneOf"][1]["allOf"] = conditions
    more = {
        "if": {"required": ["format"], "properties": {"format": {"const": "avro"}}},
        "then": {"properties": {"payload": {"type": "array"}}},
    }
    new = {"oneOf": [old["oneOf"][0], {**old["oneOf"][1], "allOf": [*conditions, more]}]}
    report = lint({"properties": {"a": old}}, {"properties": {"a": new}})
    [change] = report.breaking
    assert change.rule == "condition-added"
    assert change.witness is not None
    assert change.witness.instance["a"]["format"] == "avro"


def test_a_negated_negation_says_what_is_negated_twice():
    assert not breaks({"not": {"not": {"maxLength": 5}}}, {"maxLength": 5})
    assert breaks({"not": {"not": {"maxLength": 5}}}, {"maxLength": 4})


def test_what_accepts_all_other_types_leaves_one_type_where_it_is_negated():
    assert not breaks({"not": {"required": ["a"]}}, {"type": "object", "not": {"required": ["a"]}})
    assert breaks({"not": {"required": ["a"], "type": "object"}}, {"type": "object", "not": {"required": ["a"]}})


def test_alternatives_that_the_old_version_cannot_satisfy_together_are_compatible():
    old = closed(["topics"], topics={"type": "object"})
    new = closed([], topics={"type": "object"}, stream={"type": "object"})
    new["oneOf"] = [{"required": ["topics"]}, {"required": ["stream"]}]
    assert not breaks(old, new)
    assert breaks({**old, "additionalProperties": True}, {**new, "additionalProperties": True})


def event(action: str, **properties) -> dict:
    return closed(["action", *properties], action={"enum": [action]}, **properties)


def test_unions_within_a_union_exclude_each_other_by_what_they_require():
    alert = closed(["state"], state={"enum": ["open", "fixed"]})
    wider = closed(["state"], state={"enum": ["open", "fixed", "ignored"]})
    rule = {"oneOf": [event("created", rule=TEXT), event("edited", rule=TEXT)]}
    scan = {"oneOf": [event("created", alert=alert), event("resolved", alert=alert)]}
    later = {"oneOf": [event("created", alert=wider), event("resolved", alert=wider)]}
    assert not breaks({"oneOf": [rule, scan]}, {"oneOf": [rule, later]})


def test_alternatives_exclude_each_other_by_what_they_gain_deep_within():
    def kinds(**more):
        return {
            "oneOf": [
                {"type": "object", "properties": {"options": closed(a=TEXT, **more)}},
                {"type": "object", "properties": {"options": closed(b=TEXT)}},
            ]
        }

    assert not breaks(kinds(), kinds(c=TEXT))
    # One that the other alternative has, too, satisfies both now.
    report = lint(kinds(), kinds(b=TEXT))
    assert report.verdict == "breaking"
    assert any(change.witness for change in report.breaking)


def test_types_are_seen_through_unions_within_unions():
    listed = {"oneOf": [{"const": "a"}, {"const": "b"}]}
    old = {"anyOf": [listed, {"type": "null"}]}
    new = {"anyOf": [{"type": "string", "enum": ["a", "b", "c"]}, {"type": "null"}]}
    changes = diff({"properties": {"a": old}}, {"properties": {"a": new}})
    assert not [change for change in changes if change.rule.startswith("type-")]


@pytest.mark.parametrize("extra", [{}, {"more": {"$ref": "https://example.com/c"}}])
def test_a_value_that_needs_an_unknown_schema_of_both_versions_is_assumed(extra):
    template = {"$ref": "https://example.com/template"}
    old = {"type": "object", "required": ["template"], "properties": {"template": template}}
    new = {**closed(["template"], template=template), "properties": {"template": template, **extra}}
    [change] = [change for change in lint(old, new).breaking if change.rule == "additional-properties-refused"]
    assert change.witness is not None
    assert "https://example.com/template accepts" in change.witness.error


def test_a_value_that_unknown_alternatives_refuse_is_assumed():
    known = [{"$ref": "https://example.com/a"}, {"$ref": "https://example.com/b"}]
    old = {"items": {"oneOf": [*known, {"type": "array"}]}}
    report = lint(old, {"items": {"oneOf": known}})
    [change] = report.breaking
    assert change.witness is not None
    assert "refuses" in change.witness.error


def test_what_is_only_tried_does_not_use_up_the_room_for_changes(monkeypatch):
    def alternatives(limit: int) -> dict:
        each = [closed([f"p{n}"], **{f"p{n}": TEXT, f"q{n}": {"maximum": limit + n}}) for n in range(12)]
        return {"properties": {"union": {"anyOf": [*each, {"maxItems": limit}]}, "name": {"maxLength": limit}}}

    monkeypatch.setattr(comparison, "MAX_CHANGE_CHARACTERS", 3000)
    report = lint(alternatives(9), alternatives(8))
    assert "max-length-decreased" in rules(report)
    assert "undecided" not in rules(report)


def test_an_embedded_schema_of_an_unknown_dialect_is_read_in_the_draft_around_it():
    def bundle(limit):
        embedded = {"$id": "https://example.com/x", "$schema": "http://example.com/custom", "maxLength": limit}
        return {"properties": {"a": {"$ref": "https://example.com/x"}}, "$defs": {"x": embedded}}

    assert rules(lint(bundle(5), bundle(4))) == {"max-length-decreased"}
    assert lint(bundle(4), bundle(5)).verdict == "compatible"


def default_of(kind: str) -> dict:
    return {"properties": {"default": {"type": kind}}}


def when(kind: str, then: dict, **more) -> dict:
    return {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": then, **more}


def inputs(*conditions, kinds=("text", "flag", "number")) -> dict:
    return {**closed(type={"enum": list(kinds)}, default={}), "allOf": list(conditions)}


FLAG = when("flag", default_of("boolean"))
FLAG_OR_TEXT = {**FLAG, "else": default_of("string")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # What was said of all others is said of one of them now.
        (inputs(FLAG_OR_TEXT), inputs(FLAG, when("text", default_of("string")))),
        (
            inputs(FLAG_OR_TEXT, kinds=["text", "flag"]),
            inputs(FLAG, when("text", default_of("string")), when("number", default_of("number"))),
        ),
        ({**TEXT, "minLength": 3}, {**TEXT, "minLength": 3, "if": {"pattern": "^a"}, "then": {"minLength": 2}}),
        ({**TEXT, "minLength": 3}, {**TEXT, "minLength": 3, "if": {"pattern": "^a"}, "else": {"minLength": 2}}),
    ],
)
def test_conditions_whose_consequences_held_before_break_nothing(old, new):
    assert not breaks(old, new)
    assert lint(old, new).verdict == "compatible"


@pytest.mark.parametrize(
    ("old", "new", "example"),
    [
        (inputs(FLAG_OR_TEXT), inputs(FLAG, when("number", default_of("number"))), {"default": "", "type": "number"}),
        (inputs(FLAG), inputs(FLAG, when("text", {"required": ["default"]})), {"type": "text"}),
        ({**TEXT, "minLength": 3}, {**TEXT, "minLength": 3, "if": {"pattern": "^a"}, "else": {"minLength": 4}}, None),
    ],
)
def test_conditions_whose_consequences_are_new_break(old, new, example):
    (change,) = lint(old, new).breaking
    assert change.rule == "condition-added"
    assert change.witness.instance == example if example else change.witness


def of_versions(versions: list[str], then: dict, otherwise: dict | None = None, **condition) -> dict:
    """What follows for some versions of a document, and for the others."""
    when = {**condition, "properties": {"version": {"enum": versions}}}
    return {"if": when, "then": then, **({"else": otherwise} if otherwise is not None else {})}


def chain(*links: list[str], **condition) -> dict:
    """A document that is described by its version, in `else` after `else`; nothing is known of its metadata."""
    described: dict = {"additionalProperties": False, "properties": {"version": {"const": "0"}}}
    for versions in links:
        metadata = {"$ref": f"../metadata.json#/definitions/{versions[-1]}"}
        described = of_versions(versions, closed(version={"enum": versions}, metadata=metadata), described, **condition)
    return {"type": "object", "required": ["version"], **described}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (chain(["1"], ["2"]), chain(["1"], ["4", "3", "2"])),
        (chain(["1"], ["2"]), chain(["1"], ["2"], ["3"])),
        (chain(["1"], ["2"]), chain(["1"], ["2"], type="object")),
        (chain(["1"], ["2"], type="object"), chain(["1"], ["2"])),
        (chain(*[[str(n)] for n in range(1, 10)]), chain(*[[str(n)] for n in range(1, 10)], type="object")),
    ],
)
def test_versions_that_join_a_condition_are_compatible(old, new):
    assert not breaks(old, new)


@pytest.mark.parametrize(
    "other", [{"$ref": "other.json"}, {"required": ["name"]}, {"properties": {"name": {"maxLength": 3}}}]
)
def test_versions_that_were_not_accepted_may_follow_any_branch(other):
    def document(*versions: str, then: list[str]) -> dict:
        described = of_versions(then, {"$ref": "then.json"}, other)
        return {
            "type": "object",
            "required": ["version"],
            "properties": {"version": {"enum": [*versions]}},
            **described,
        }

    assert not breaks(document("2", "1", then=["2"]), document("3", "2", "1", then=["3", "2"]))


def test_a_version_that_moves_to_a_stricter_branch_breaks_with_an_example():
    strict, lenient = closed(version={}, name={"type": "string", "maxLength": 3}), closed(version={}, name=TEXT)
    old, new = of_versions(["2"], strict, lenient), of_versions(["2", "1"], strict, lenient)
    report = lint(old, new)
    assert report.verdict == "breaking"
    [change] = report.breaking
    assert change.witness is not None
    assert change.witness.instance["version"] == "1"
    assert lint(new, old, mode="forward").verdict == "breaking"
    assert lint(new, old).verdict == "compatible"


def test_a_condition_about_another_unknown_schema_is_not_decided():
    old, new = (of_versions(list(versions), {"$ref": f"{versions}.json"}) for versions in ("1", "21"))
    assert lint(old, new).verdict == "undecided"


@pytest.mark.parametrize(
    "keyword",
    [
        {"dependentRequired": {"b": ["a"]}},
        {"dependentSchemas": {"b": {"required": ["a"]}}},
        {"dependencies": {"b": ["a"]}},
    ],
)
def test_what_a_property_requires_that_was_refused_before_breaks_nothing(keyword):
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"} if "dependencies" in keyword else {}
    old = {**draft, "type": "object", "properties": {"a": {}}, "additionalProperties": False}
    new = {**old, "properties": {"a": {}, "b": {}}, **keyword}
    assert lint(old, new).verdict == "compatible"
    assert lint(new, old, mode="forward").verdict == "compatible"
    assert not [each for each in diff(old, new) if "backward" in each.directions]
    assert lint({**new, **{each: {} for each in keyword}}, new).verdict == "breaking"
