"""`oneOf` refuses what two alternatives accept: what was refused so cannot break, and what is refused now may."""

from __future__ import annotations

import pytest

from linter_app import lint
from linter_app.api import diff

TEXT = {"type": "string"}


def is_compatible(old, new):
    """Return whether the comparison alone shows it: small schemas like these would be proven as a whole."""
    return lint(old, new).verdict == "compatible" and not any("backward" in each.directions for each in diff(old, new))


def closed(*names, required=(), **properties):
    described = dict.fromkeys(names, TEXT) | properties
    schema = {"type": "object", "properties": described, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def test_alternatives_whose_patterns_share_no_string_stay_apart():
    percent = {**TEXT, "pattern": "^\\d+%$"}
    old = {"oneOf": [{"type": "integer"}, percent, {**TEXT, "pattern": "^\\{\\{\\w+\\}\\}$"}]}
    new = {"oneOf": [{"type": "integer"}, percent, {**TEXT, "pattern": "^\\{\\{[\\w ]+\\}\\}$"}]}
    assert is_compatible(old, new)
    new["oneOf"][2]["pattern"] = "^[\\d%{}]+$"
    assert lint(old, new).verdict == "breaking"


def test_an_added_alternative_that_shares_only_what_two_shared_before_breaks_nothing():
    old = {"oneOf": [closed("files"), closed("runtime")]}
    new = {"oneOf": [*old["oneOf"], closed("env")]}
    assert is_compatible(old, new)


def test_an_added_alternative_that_shares_what_one_accepted_breaks():
    old = {"oneOf": [closed("files"), closed("runtime", required=["runtime"])]}
    report = lint(old, {"oneOf": [*old["oneOf"], closed("env")]})
    assert report.verdict == "breaking"
    assert [change.witness.instance for change in report.breaking if change.witness] == [{}]


def test_what_two_alternatives_accepted_may_be_required_to_differ():
    old = {"oneOf": [closed("files"), closed("runtime")]}
    new = {"oneOf": [closed("files", "always", required=["files"]), closed("runtime")]}
    assert is_compatible(old, new)
    old["oneOf"][1] = closed("runtime", required=["runtime"])
    assert lint(old, {"oneOf": [new["oneOf"][0], old["oneOf"][1]]}).verdict == "breaking"


def test_what_an_alternative_refuses_now_may_have_been_accepted_by_two():
    both = {"type": "object", "properties": {"input": TEXT, "projects": TEXT, "more": TEXT}}
    old = {**both, "oneOf": [{"required": ["input", "projects"]}, {"required": ["input", "more"]}]}
    second = {"required": ["input", "more"], "not": {"required": ["projects"]}}
    assert is_compatible(old, {**both, "oneOf": [old["oneOf"][0], second]})
    report = lint({**both, "oneOf": [old["oneOf"][1]]}, {**both, "oneOf": [second]})
    assert report.verdict == "breaking"
    assert any(change.witness for change in report.breaking)


def test_a_type_may_be_added_where_other_values_satisfied_two_alternatives():
    old = {"oneOf": [{"required": ["file"]}, {"required": ["text"]}]}
    new = {"oneOf": [TEXT, *({**each, "type": "object"} for each in old["oneOf"])]}
    assert is_compatible(old, new)
    old = {"oneOf": [{"required": ["file"]}, {"type": "object", "required": ["text"]}]}
    assert lint(old, {"oneOf": new["oneOf"][1:]}).verdict == "breaking"


def test_a_choice_that_moves_into_its_alternatives_stays_the_same():
    secret = {"oneOf": [TEXT, {"type": "object", "required": ["secure"]}]}
    old = {
        "type": "object",
        "properties": {"email": secret, "key": secret, "token": secret},
        "oneOf": [{"required": ["email", "key"]}, {"required": ["email", "token"]}],
    }
    new = {
        "type": "object",
        "properties": {"email": secret},
        "required": ["email"],
        "oneOf": [{"properties": {name: secret}, "required": [name]} for name in ("key", "token")],
    }
    assert is_compatible(old, new)


def tagged(base, build, *names):
    return closed("name", *names, base=base, build=build, required=["name", "base", "build"])


def test_an_enum_is_split_into_tagged_alternatives_beside_a_nested_union():
    bare = {"oneOf": [tagged({"const": "bare"}, {"const": text}) for text in ("old", "devel")]}
    one = tagged({"const": "one"}, TEXT)
    old = {"oneOf": [one, tagged({"enum": ["two", "devel"]}, {"const": "devel"}), bare]}
    new = {"oneOf": [one, tagged({"const": "two"}, TEXT), tagged({"const": "devel"}, {"const": "devel"}), bare]}
    assert is_compatible(old, new)
    report = lint(old, {"oneOf": [one, new["oneOf"][1], bare]})
    assert report.verdict == "breaking"


@pytest.mark.parametrize("count", [2, 40])
def test_unions_of_closed_objects_are_apart_by_the_names_that_all_of_one_require(count):
    def event(subject, *more):
        names = (subject, "action", *more)
        return {"oneOf": [closed(f"n{n}", *names, required=[*names, f"n{n}"]) for n in range(count)]}

    old = {"oneOf": [event("issue"), event("release")]}
    new = {"oneOf": [event("issue"), {"oneOf": [closed("url", *each["properties"], required=each["required"])
                                                for each in event("release")["oneOf"]]}]}  # fmt: skip
    assert is_compatible(old, new)


@pytest.mark.parametrize("within", [False, True])
def test_a_change_that_is_excluded_around_a_union_does_not_explain_what_the_union_refuses(within):
    """All values satisfied one alternative, by what is around them, and satisfy both now."""

    def schema(alternative: dict, **around) -> dict:
        if within:
            alternative = {"anyOf": [alternative, {"required": ["other"]}]}
        return {**around, "oneOf": [alternative, {}]}

    old = schema({"properties": {"a": {"type": "string"}}}, properties={"v": {"enum": ["2"]}})
    new = schema({"properties": {"v": {"type": "string"}}})
    report = lint(old, new, strict_open_objects=True)
    assert report.verdict == "breaking"
    assert any(change.witness for change in report.breaking)


def test_alternatives_exclude_each_other_by_the_patterns_that_one_refuses():
    def source(name: dict, **more) -> dict:
        return {"properties": {"source": {"type": "string", **name}}, "required": ["source"], **more}

    known = [source({"pattern": f"^{name}$"}, maxProperties=n) for n, name in enumerate(("cve", "capec"), start=2)]
    others = source({"not": {"pattern": "^(cve)|(capec)$"}})
    old = {"type": "object", "anyOf": [*known, others]}
    assert is_compatible(old, {"type": "object", "oneOf": [*known, others]})
    assert not is_compatible(old, {"type": "object", "oneOf": [*known, source({"not": {"pattern": "^(cve)$"}})]})


def test_anyof_of_exclusive_alternatives_that_becomes_oneof_is_no_break_beside_what_is_undecided():
    branches = [{"properties": {"kind": {"const": n}}, "required": ["kind"]} for n in range(3)]
    old = {"type": "object", "properties": {"url": {"$ref": "url.json"}}, "anyOf": branches}
    new = {"type": "object", "properties": {"url": {"$ref": "url-2.json"}}, "oneOf": branches}
    report = lint(old, new)
    assert report.verdict == "undecided"
    assert not report.breaking
