"""Unions as real histories have them: alternatives tagged by patterns, written elsewhere, or overlapping."""

from __future__ import annotations

import pytest

from linter_app import lint

TEXT = {"type": "string"}


def closed(**properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


def task(name: str, **inputs):
    """An alternative whose tag is a pattern that one string matches, and says nothing of other types."""
    return {
        "properties": {"task": {"pattern": f"^{name}@1$"}, "inputs": closed(**inputs)},
        "required": ["task", "inputs"],
    }


def pipeline(tasks: dict):
    """Steps of a pipeline, each one of many tasks; the names are listed one by one, each with its description."""
    names = [{"enum": [f"{name}@1"], "description": f"What {name} does"} for name in tasks]
    step = {
        "type": "object",
        "properties": {"task": {"anyOf": names}},
        "anyOf": [task(name, **inputs) for name, inputs in tasks.items()],
    }
    steps = {"type": "array", "items": {"anyOf": [step, closed(script=TEXT)]}}
    return {"oneOf": [closed(steps=steps), closed(stages={"type": "array", "items": closed(steps=steps)})]}


TASKS = {f"Task{number}": {"a": TEXT, f"b{number}": TEXT} for number in range(60)}


def test_alternatives_are_paired_by_patterns_of_one_string():
    others = [task(f"Task{number}", a=TEXT) for number in range(20)]
    old = {"anyOf": [*others, task("Conda", path=TEXT)]}
    new = {"anyOf": [task("Cargo", path=TEXT), *others]}
    report = lint(old, new)
    assert {change.message for change in report.breaking} == {"alternative 'Conda@1' of anyOf was removed"}
    assert not [change.rule for change in report.changes if change.rule.startswith("pattern")]


def test_a_change_deep_in_a_large_union_has_its_example():
    changed = TASKS | {"Task30": {"a": {"type": "string", "maxLength": 2}, "b30": TEXT}}
    report = lint(pipeline(TASKS), pipeline(changed))
    assert report.verdict == "breaking"
    instance = next(change.witness.instance for change in report.breaking if change.witness)
    assert "Task30@1" in str(instance)


def test_adding_a_task_is_compatible():
    report = lint(pipeline(TASKS), pipeline(TASKS | {"Another": {"a": TEXT}}))
    assert report.verdict == "compatible"


def requires(name: str, **properties):
    return {"type": "object", "required": [name], "properties": properties}


def tagged(tag: str, **properties):
    return {"type": "object", "required": ["tag"], "properties": {"tag": {"const": tag}, **properties}}


REFERENCED = closed(task=TEXT)
STEP = {**closed(uses=TEXT, run=TEXT, name=TEXT)}
COMPATIBLE = {
    "an alternative became two, by the type of a property": (
        {"anyOf": [TEXT, {**closed(defer={"anyOf": [TEXT, REFERENCED]}), "required": ["defer"]}]},
        {
            "anyOf": [
                TEXT,
                {**closed(defer=REFERENCED), "required": ["defer"]},
                {**closed(defer=TEXT), "required": ["defer"]},
            ]
        },
    ),
    "what the alternatives said of a property is said around them": (
        {
            "allOf": [
                {
                    "oneOf": [
                        {"type": "object", "properties": {"uses": TEXT}, "required": ["uses"]},
                        {"type": "object", "properties": {"run": TEXT}, "required": ["run"]},
                    ]
                },
                STEP,
            ]
        },
        {**STEP, "oneOf": [{"required": ["uses"]}, {"required": ["run"]}]},
    ),
    "listed strings beside a pattern that none of them matches": (
        {"oneOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "string", "pattern": r"^\$\{.*\}$"}]},
        {"oneOf": [{"type": "string", "enum": ["a", "b", "c"]}, {"type": "string", "pattern": r"^\$\{.*\}$"}]},
    ),
    "a tag that is required around the alternatives": (
        {
            "required": ["type"],
            "type": "object",
            "oneOf": [closed(type={"const": "docker"}, image=TEXT), closed(type={"const": "exec"})],
        },
        {
            "required": ["type"],
            "type": "object",
            "oneOf": [closed(type={"const": "docker"}, image=TEXT, node=TEXT), closed(type={"const": "exec"})],
        },
    ),
    "closed alternatives with one optional property each": (
        {"oneOf": [closed(step=closed(name=TEXT)), closed(stage=closed(name=TEXT)), closed(parallel=TEXT)]},
        {"oneOf": [closed(step=closed(name=TEXT, image=TEXT)), closed(stage=closed(name=TEXT)), closed(parallel=TEXT)]},
    ),
    "a property of all alternatives is described around them, too": (
        {"type": "object", "anyOf": [requires("a", p=TEXT), requires("b", p=TEXT)]},
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a"), requires("b")]},
    ),
    "a property that no alternative describes is described around them": (
        {"type": "object", "anyOf": [requires("a"), requires("b")]},
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a"), requires("b")]},
    ),
    "one tagged alternative describes a property that another has": (
        {"oneOf": [tagged("x"), tagged("y", p=TEXT)]},
        {"oneOf": [tagged("x", p={"type": "integer"}), tagged("y", p=TEXT)]},
    ),
    "a tag that only one of two alternatives requires": (
        {
            "oneOf": [
                {**closed(image={"enum": ["windows"]}), "required": ["image"]},
                closed(image={"enum": ["linux"]}),
            ]
        },
        {
            "oneOf": [
                {**closed(image={"enum": ["windows", "windows-2"]}), "required": ["image"]},
                closed(image={"enum": ["linux"]}),
            ]
        },
    ),
}


def within(schema):
    """Return the schema as a part of one that contains itself: no proof about all of it at once is tried then."""
    return {"type": "object", "properties": {"value": schema, "more": {"type": "array", "items": {"$ref": "#"}}}}


@pytest.mark.parametrize(("old", "new"), COMPATIBLE.values(), ids=COMPATIBLE)
def test_nothing_breaks(old, new):
    report = lint(within(old), within(new))
    assert report.verdict == "compatible", (report.breaking, report.undecided)


BREAKING = {
    "a listed string that matches the pattern beside it": (
        {"oneOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "string", "pattern": "^x"}]},
        {"oneOf": [{"type": "string", "enum": ["a", "b", "xy"]}, {"type": "string", "pattern": "^x"}]},
    ),
    "an open alternative beside one that accepts more": (
        {"oneOf": [closed(step=closed(name=TEXT)), {"type": "object", "required": ["step"]}]},
        {"oneOf": [closed(step=closed(name=TEXT, image=TEXT)), {"type": "object", "required": ["step"]}]},
    ),
    "one of the two alternatives that were one is missing": (
        {"anyOf": [TEXT, {**closed(defer={"anyOf": [TEXT, REFERENCED]}), "required": ["defer"]}]},
        {"anyOf": [TEXT, {**closed(defer=REFERENCED), "required": ["defer"]}]},
    ),
    "an alternative restricts a property that is described around it": (
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a"), requires("b")]},
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a", p={"minLength": 5}), requires("b")]},
    ),
    "an alternative has a pattern for a property that is described around it": (
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a"), requires("b")]},
        {
            "type": "object",
            "properties": {"p": TEXT},
            "anyOf": [{**requires("a"), "patternProperties": {"^p": {"minLength": 4}}}, requires("b")],
        },
    ),
    "an alternative restricts a property for which there is a pattern around it": (
        {"type": "object", "patternProperties": {"^p": TEXT}, "anyOf": [requires("a"), requires("b")]},
        {
            "type": "object",
            "patternProperties": {"^p": TEXT},
            "anyOf": [requires("a", p={"minLength": 4}), requires("b")],
        },
    ),
    "around alternatives, there is a pattern for a property of theirs": (
        {"type": "object", "anyOf": [requires("a", p={"type": "integer"}), requires("b")]},
        {
            "type": "object",
            "patternProperties": {"^p": TEXT},
            "anyOf": [requires("a", p={"type": "integer"}), requires("b")],
        },
    ),
    "a dependency restricts a property that is described around it": (
        {"type": "object", "properties": {"p": TEXT}, "dependentSchemas": {"t": {"required": ["u"]}}},
        {
            "type": "object",
            "properties": {"p": TEXT},
            "dependentSchemas": {"t": {"required": ["u"], "properties": {"p": {"minLength": 3}}}},
        },
    ),
    "both alternatives of oneOf restrict a property that is described around them": (
        {"type": "object", "properties": {"p": TEXT}, "oneOf": [requires("a"), requires("b")]},
        {
            "type": "object",
            "properties": {"p": TEXT},
            "oneOf": [requires("a", p={"minLength": 5}), requires("b", p={"minLength": 5})],
        },
    ),
    "a condition restricts a property that is described around it": (
        {"allOf": [{"properties": {"p": TEXT}}], "if": {"required": ["t"]}, "then": {"properties": {"q": TEXT}}},
        {
            "allOf": [{"properties": {"p": TEXT}}],
            "if": {"required": ["t"]},
            "then": {"properties": {"q": TEXT, "p": {"maxLength": 3}}},
        },
    ),
    "around a dependency, a property of its own got another type": (
        {"type": "object", "dependentSchemas": {"t": {"properties": {"p": {"type": "integer"}}}}},
        {
            "type": "object",
            "properties": {"p": TEXT},
            "dependentSchemas": {"t": {"properties": {"p": {"type": "integer"}}}},
        },
    ),
    "around equal alternatives, a property of theirs got another type": (
        {"anyOf": [{"type": "object", "required": ["p"], "properties": {"p": {"type": "integer"}}}, {"type": "null"}]},
        {
            "properties": {"p": TEXT},
            "anyOf": [
                {"type": "object", "required": ["p"], "properties": {"p": {"type": "integer"}}},
                {"type": "null"},
            ],
        },
    ),
    "what the alternatives said of a property is said nowhere": (
        {"oneOf": [{"properties": {"a": TEXT}, "required": ["a"]}, {"required": ["b"]}], "type": "object"},
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
    ),
}


@pytest.mark.parametrize(("old", "new"), BREAKING.values(), ids=BREAKING)
def test_a_break_has_its_example(old, new):
    report = lint(within(old), within(new))
    assert report.verdict == "breaking", report.changes
    assert any(change.witness for change in report.breaking)


def test_a_break_in_alternatives_of_alternatives_is_not_missed():
    old, new = (
        {"type": "object", "properties": {"p": TEXT}, "anyOf": [requires("a"), {"anyOf": [inner, requires("c")]}]}
        for inner in (requires("b"), requires("b", p={"minLength": 3}))
    )
    assert lint(old, new).verdict != "compatible"
    assert lint(within(old), within(new)).verdict != "compatible"


def test_draft_4_with_a_reference_that_is_not_available_has_an_example():
    def schema(version: str):
        more = {"other": {"$ref": "http://example.com/elsewhere.json"}, "version": {"enum": [version]}}
        return {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": more}

    (change,) = lint(schema("1"), schema("2")).breaking
    assert change.witness.instance == {"version": "1"}


ANY_TEXT = {"anyOf": [TEXT, {"type": "string", "title": "A name"}]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "anyOf": [TEXT, {"type": ["string", "null"]}]}, {"type": "string", "maxLength": 3}),
        ({"type": "string", "anyOf": [{"minLength": 0}, {"title": "A name"}]}, {"type": "string", "pattern": "^a"}),
        (ANY_TEXT, {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "string", "pattern": "^a"}]}),
        (ANY_TEXT, {"type": "string", "oneOf": [{"pattern": "^Build@1$"}, {"pattern": "^Test@1$"}]}),
    ],
)
def test_alternatives_that_accept_every_string_are_no_empty_union(old, new):
    assert lint(old, new, budget_ms=0).verdict == "breaking"
    assert lint(old, new, mode="forward", budget_ms=0).verdict == "compatible"
    assert any(change.witness for change in lint(old, new).breaking)


def test_patterns_of_one_string_are_a_set_of_strings_however_many_they_are():
    names = [f"Task{number}@1" for number in range(200)]
    patterns = {"type": "string", "oneOf": [{"pattern": f"^{name}$"} for name in names]}
    assert lint(patterns, {"enum": names}, mode="full").verdict == "compatible"
    assert lint(patterns, {"enum": names[1:]}).verdict == "breaking"
    twice = {"type": "string", "oneOf": [*patterns["oneOf"], {"pattern": "^Task1@1$"}]}
    assert lint(patterns, twice).verdict == "breaking"


@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-07/schema#", None])
def test_a_change_of_a_definition_is_told_once_wherever_it_is_used(draft):
    used = {name: {"$ref": "#/definitions/name"} for name in "abc"}
    old, new = (
        {"type": "object", "properties": used, "definitions": {"name": name}}
        for name in ({"type": "string", "maxLength": 5}, {"maxLength": 5})
    )
    if draft:
        old, new = ({"$schema": draft, **schema} for schema in (old, new))
    report = lint(old, new, mode="forward")
    (change,) = report.breaking
    assert (change.old_pointer, change.new_pointer) == ("/definitions/name/type", "/definitions/name")


def test_what_is_written_beside_a_reference_is_compared_in_each_place():
    def object_of(*descriptions):
        places = {f"p{n}": {"$ref": "#/$defs/name", "description": each} for n, each in enumerate(descriptions)}
        return {"type": "object", "properties": places, "$defs": {"name": TEXT}}

    changes = lint(object_of("a", "b", "c"), object_of("a", "x", "y")).changes
    assert [change.old_pointer for change in changes] == ["/properties/p1/description", "/properties/p2/description"]


def target(**builders):
    """Targets as a build tool has them: the builder need not be named, so that open options exclude nothing."""
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "builder": {"const": name},
                    "options": {"$ref": f"#/$defs/{name}"},
                    "configurations": {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{name}"}},
                },
            }
            for name in builders
        ],
        "$defs": builders,
    }


BOOLEAN, MAP = {"type": "boolean"}, {"oneOf": [closed(scripts={"type": "boolean"}), {"type": "boolean"}]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Only one builder knows what it gained.
        (
            target(browser=closed(a=TEXT), server=closed(b=TEXT)),
            target(browser=closed(a=TEXT, c=TEXT), server=closed(b=TEXT)),
        ),
        # Both gained it, and neither accepted it before.
        (
            target(browser=closed(map=BOOLEAN), server=closed(map=BOOLEAN)),
            target(browser=closed(map=MAP), server=closed(map=MAP)),
        ),
        (
            target(browser=closed(size={"enum": ["s"]}), server=closed(size={"enum": ["m"]})),
            target(browser=closed(size={"enum": ["s", "l"]}), server=closed(size={"enum": ["m"]})),
        ),
        # Options that may be of any type.
        (
            target(browser={"properties": {"a": TEXT}, "additionalProperties": False}, server=closed(b=TEXT)),
            target(
                browser={"properties": {"a": TEXT, "c": TEXT}, "additionalProperties": False}, server=closed(b=TEXT)
            ),
        ),
    ],
)
def test_what_one_of_several_alternatives_gained_is_followed_through_maps(old, new):
    assert lint(old, new).verdict == "compatible"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The other builder knows it, too, and accepted it alone.
        (
            target(browser=closed(a=TEXT), server=closed(c=TEXT)),
            target(browser=closed(a=TEXT, c=TEXT), server=closed(c=TEXT)),
        ),
        (
            target(browser=closed(size={"enum": ["s"]}), server=closed(size={"enum": ["m"]})),
            target(browser=closed(size={"enum": ["s", "m"]}), server=closed(size={"enum": ["m"]})),
        ),
        # The map of the other one has a name of its own, for which it is open.
        (
            {"oneOf": [{"additionalProperties": closed(a=TEXT)}, closed(own=closed(c=TEXT))]},
            {"oneOf": [{"additionalProperties": closed(a=TEXT, c=TEXT)}, closed(own=closed(c=TEXT))]},
        ),
        # Two alternatives gained what a third one lost.
        (
            {"type": "string", "oneOf": [{"maxLength": 2}, {"minLength": 3, "maxLength": 3}, {"minLength": 5}]},
            {"type": "string", "oneOf": [{"maxLength": 9}, {"minLength": 3, "maxLength": 9}, {"minLength": 20}]},
        ),
    ],
)
def test_what_several_alternatives_accept_now_is_a_break_with_its_example(old, new):
    report = lint(old, new)
    assert report.verdict == "breaking"
    assert any(change.witness for change in report.breaking)


@pytest.mark.parametrize("size", [2, 40, 200])
def test_two_of_many_alternatives_that_overlap_now_are_found(size):
    tasks = [task(f"Task{number}", a=TEXT) for number in range(size)]
    old = {"type": "object", "oneOf": tasks}
    new = {"type": "object", "oneOf": [*tasks, {"properties": {"task": {"const": "Task1@1"}}, "required": ["task"]}]}
    (change,) = lint(old, new).breaking
    assert change.rule == "alternatives-changed"
    assert change.witness.instance["task"] == "Task1@1"


def test_alternatives_of_which_two_accept_everything_accept_nothing():
    # A description where a schema was meant: both alternatives know no keyword, so that each value satisfies both.
    old = {"oneOf": [{"env": {"type": "string"}}, {"file": {"type": "string"}}]}
    new = {"oneOf": [closed(env=TEXT), closed(file=TEXT)]}
    assert lint(old, new).verdict == "compatible"
    assert lint(new, old).verdict == "breaking"


@pytest.mark.parametrize("rest", [True, TEXT, {"type": "object"}])
def test_closing_a_map_is_said_so(rest):
    old = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": rest}
    (change,) = lint(old, {**old, "additionalProperties": False}).breaking
    assert (change.rule, change.new_pointer) == ("additional-properties-refused", "/additionalProperties")
    assert change.witness is not None
    (change,) = lint({**old, "additionalProperties": False}, old, mode="forward").breaking
    assert change.rule == "additional-properties-accepted"


def test_closing_a_map_that_refused_everything_breaks_nothing():
    old = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": {"type": "string", "enum": [1]}}
    assert lint(old, {**old, "additionalProperties": False}, mode="full").verdict == "compatible"


def test_an_added_union_that_every_value_satisfied_is_no_break_beside_one():
    old = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    old["additionalProperties"] = False
    new = {**old, "properties": {**old["properties"], "a": {"type": "string", "maxLength": 3}, "c": {}}}
    new["anyOf"] = [{"required": ["c"], "not": {"required": ["b"]}}, {"not": {"required": ["b", "c"]}}]
    assert {change.rule for change in lint(old, new).breaking} == {"max-length-added"}
    assert {change.rule for change in lint(new, old, mode="forward").breaking} == {"max-length-removed"}


def tagged(kind, **details):
    return {"type": "object", "properties": {"kind": {"const": kind}, **details}, "required": ["kind"]}


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_an_alternative_says_of_a_property_around_it_breaks_in_a_union_of_unions(is_alone):
    def order(**details):
        return {"type": "object", "properties": {"note": TEXT}, "anyOf": [tagged(1, **details), tagged(2)]}

    more = [] if is_alone else [{"type": "null"}]
    old = {"anyOf": [order(), {"type": "array"}]}
    new = {"anyOf": [order(note={"maxLength": 5}), {"type": "array"}, *more]}
    report = lint(old, new)
    assert report.verdict == "breaking"
    assert any(change.witness and len(change.witness.instance["note"]) > 5 for change in report.breaking)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_what_an_alternative_says_of_other_types_than_those_around_it_breaks_nothing(keyword):
    def order(**details):
        return {"type": "object", keyword: [{**tagged(1), **details}, tagged(2)]}

    assert lint(order(), order(maxLength=5)).verdict == "compatible"
    assert (
        lint({"anyOf": [order(), TEXT]}, {"anyOf": [order(maxLength=5), TEXT, {"type": "null"}]}).verdict
        == "compatible"
    )


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_alternatives_that_are_versions_break_where_one_of_them_does(keyword):
    def union(*details, **more):
        return {keyword: [tagged(n, **each) for n, each in enumerate(details)], **more}

    assert lint(union({}, {}), union({"size": {"type": "integer"}}, {})).verdict == "compatible"
    assert lint(union({"size": {"type": "integer"}}, {}), union({"size": {"maximum": 3}}, {})).verdict == "breaking"
    both = union({"note": {}}, {"note": {}}), union({"note": {"type": "string"}}, {"note": {}})
    assert lint(*both).verdict == "breaking"
    assert [change.rule for change in lint(*both).breaking] == ["type-narrowed"]
