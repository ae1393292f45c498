"""Schemas made to hang or crash the linter: it ends in time, `undecided` at worst."""

import json
import time
import tracemalloc

import jsonschema_rs
import pytest

from linter_app import lint
from linter_app.patterns import matches, shortest
from linter_app.schema.complexity import is_bounded
from linter_app.schema.dialects import InvalidSchema, read_schema
from linter_app.schema.documents import Document
from linter_app.schema.identifiers import located_schemas
from linter_app.schema.schema_validation import parse_schema
from linter_app.schema.validation_errors import ErrorCollector

SECONDS = 20  # far beyond what any of these takes; a hang would take forever


def nested(kind, depth, around):
    schema = {"type": kind}
    for _ in range(depth):
        schema = around(schema)
    return schema


def fan(kind, *, width=2, depth=60):
    """References that multiply: width ** depth negations lead to the last definition."""
    links = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * width} for n in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": links | {f"d{depth}": {"type": kind}}}


def alternatives(count, extra):
    return {"allOf": [{"anyOf": [{"minimum": n, "maxLength": m} for m in range(4)]} for n in range(count)] + extra}


def dynamic(count, least):
    """As many references, each of which may resolve to either of two targets."""
    places = {name: {"$id": name, "$dynamicAnchor": "n", "minProperties": least} for name in ("one", "two")}
    properties = {f"p{n}": {"$dynamicRef": "one#n"} for n in range(count)}
    return {"$id": "https://example.com/", "properties": properties, "$defs": places}


CATASTROPHIC = "^(([a-z])+.)+[A-Z]([a-z])+$"
PAIRS = {
    "deep arrays": (nested("string", 190, lambda s: {"items": s}), nested("null", 190, lambda s: {"items": s})),
    "too deep": (nested("string", 1000, lambda s: {"items": s}), nested("null", 1000, lambda s: {"items": s})),
    "deep alternatives": (
        nested("string", 90, lambda s: {"anyOf": [s, {"type": "array"}]}),
        nested("null", 90, lambda s: {"anyOf": [{"type": "array"}, s]}),
    ),
    "deep refusals": (nested("string", 150, lambda s: {"not": s}), nested("null", 150, lambda s: {"not": s})),
    "deep conditions": (
        nested("string", 6, lambda s: {"if": s, "then": s, "else": s}),
        nested("null", 6, lambda s: {"if": s, "then": s, "else": s}),
    ),
    "fan of references": (fan("string"), fan("null")),
    "wide fan": (fan("string", width=8, depth=40), fan("integer", width=8, depth=40)),
    "many dynamic references": (dynamic(3000, 0), dynamic(3000, 1)),
    "many alternatives": (alternatives(12, []), alternatives(12, [{"multipleOf": 3}])),
    "catastrophic patterns": (
        {"type": "string", "pattern": CATASTROPHIC, "maxLength": 200},
        {"type": "string", "pattern": CATASTROPHIC + "|^(a|aa)+$", "minLength": 100},
    ),
    "patterns of many escapes": (
        {"type": "string", "enum": ["a"], "pattern": r"^\s*" + r"\S?" * 2400},
        {"type": "string", "enum": ["a"], "pattern": r"^\S" + r"\s?" * 2400},
    ),
    "many patterns that are unfolded": tuple(
        {"properties": {f"p{n}": {"enum": ["a"], "pattern": f"^.{{0,{9000 + n + more}}}$"} for n in range(500)}}
        for more in (0, 1)
    ),
    "patterns of a number without end": (
        {"type": "string", "pattern": "a{" + "9" * 4500 + "}"},
        {"type": "string", "pattern": "a{" + "8" * 4500 + "}"},
    ),
    "patterns of huge counts": (
        {"type": "string", "pattern": "^(a{1,1000}){1,1000}$"},
        {"type": "string", "pattern": "^(a{1,999}){1,1000}$"},
    ),
    "many patterns of names": tuple(
        {
            "type": "object",
            "patternProperties": {f"^{chr(97 + n)}|{chr(98 + n)}$": {"minimum": n + more} for n in range(20)},
        }
        for more in (0, 1)
    ),
    "huge lengths": ({"type": "string", "minLength": 10**9}, {"type": "string", "minLength": 10**9 + 1}),
    "huge numbers": ({"minimum": -(10**300)}, {"maximum": 1e308, "multipleOf": 1e-300}),
    "huge enumerations": ({"enum": list(range(30_000))}, {"enum": [[n] for n in range(30_000)]}),
    "a circle": ({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, {"type": "string"}),
    "mutual circles": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"if": {"$ref": "#/$defs/a"}, "then": False}}},
    ),
    "recursion through everything": tuple(
        {
            "$ref": "#/$defs/n",
            "$defs": {
                "n": {
                    "anyOf": [{"type": kind}, {"type": "array", "items": {"$ref": "#/$defs/n"}}],
                    "properties": {name: {"$ref": "#/$defs/n"} for name in "abcdef"},
                    "not": {"properties": {"z": {"$ref": "#/$defs/n"}}, "required": ["z"]},
                }
            },
        }
        for kind in ("string", "null")
    ),
}


@pytest.mark.parametrize(("old", "new"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("mode", ["backward", "forward"])
def test_it_ends_with_a_verdict(old, new, mode):
    start = time.monotonic()
    report = lint(old, new, mode=mode, strict_open_objects=True)
    assert report.verdict in ("compatible", "breaking", "undecided")
    assert time.monotonic() - start < SECONDS


def test_undefined_constructs_are_undecided():
    old, new = PAIRS["a circle"]
    report = lint(old, new)
    assert report.verdict == "undecided"
    assert any("leads back to itself" in change.message for change in report.changes)


def test_schemas_that_are_too_deep_are_undecided():
    assert lint(*PAIRS["too deep"]).verdict == "undecided"


def test_a_catastrophic_pattern_is_undecided():
    assert matches(r"^(\w+\s?)*$", "a" * 60 + "!") in (None, False)
    text, certain = shortest(frozenset({CATASTROPHIC}), frozenset({"[A-Z]"}))
    assert (text, certain) == (None, True)


def test_a_remote_reference_is_never_fetched():
    report = lint({"$ref": "http://127.0.0.1:1/schema"}, {"type": "string"})
    assert report.verdict == "undecided"
    assert "not available" in report.undecided[0].message


def fan_of_unevaluated(depth):
    links = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": links | {f"d{depth}": {}}, "items": {"$ref": "#/$defs/d0", "unevaluatedProperties": False}}


def nest_of_unevaluated(depth):
    schema = {"allOf": [{"properties": {str(number): {}}} for number in range(500)]}
    for _ in range(depth):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


COMPILE = "too long to compile"


@pytest.mark.parametrize(
    ("schema", "says", "pointer"),
    [
        ({"properties": {"a": {"pattern": r"\s" * 2000}, "b": {"pattern": "^a$"}}}, COMPILE, "/properties/a/pattern"),
        ({"patternProperties": {"a/b" + r"\d" * 2000: {}}}, COMPILE, "/patternProperties/a~1b" + r"\d" * 2000),
        ({"$defs": {str(n): {"pattern": f".{{{9000 + n}}}"} for n in range(9)}}, COMPILE, "/$defs/8/pattern"),
        (fan_of_unevaluated(60), "unevaluated here: references multiply", "/items"),
        (nest_of_unevaluated(90), "unevaluated here: references multiply", ""),
    ],
)
def test_schemas_that_take_long_to_compile_are_refused_with_their_pointer(schema, says, pointer):
    assert not is_bounded(Document(read_schema(schema)))
    with pytest.raises(InvalidSchema, match=says) as refused:
        parse_schema(json.dumps(schema))
    assert refused.value.pointer == pointer


def test_uris_that_grow_with_each_resource_around_them_are_refused():
    """A text of 200 KB has URIs of more than 100 MB."""
    schema = {"$defs": {str(number): {"$id": str(number)} for number in range(5000)}}
    for _ in range(30):
        schema = {"$id": "a" * 1000 + "/", "$defs": {"more": schema}}
    with pytest.raises(InvalidSchema, match="URIs of its embedded resources are too long") as refused:
        parse_schema(json.dumps({"$id": "https://example.com/", "$defs": {"whole": schema}}))
    assert refused.value.pointer.startswith("/$defs/whole/$defs/more/")
    usual = {str(number): {"$id": f"{number}.json"} for number in range(5000)}
    parse_schema(json.dumps({"$id": "https://example.com/schemas/", "$defs": usual}))


def test_pointers_are_rendered_only_where_they_are_reported():
    schema = {"items": [{"type": "null"}] * 5000}
    for level in range(30):
        schema = {"properties": {f"{level}" * 1000: schema}}
    tracemalloc.start()
    try:
        assert sum(1 for _ in located_schemas({"$ref": "#", **schema}, 20)) == 5031
        assert tracemalloc.get_traced_memory()[1] < 10_000_000  # all pointers together have 150 MB
    finally:
        tracemalloc.stop()


def below_long_names(inner):
    """Rendering the pointers in it takes 80 KB for each."""
    for level in range(80):
        inner = {"properties": {f"{level}" + "k" * 1000: inner}}
    return inner


@pytest.mark.parametrize("word", ["items", "additionalProperties", "dependencies"])
def test_an_invalid_schema_is_reported_at_its_innermost_pointer(word):
    """Nested alternatives of the meta-schema would make errors of gigabytes."""
    schema = {"properties": {str(number): {"type": 5} for number in range(20000)}}
    for _ in range(80):
        schema = {word: {"a": schema} if word == "dependencies" else schema}
    with pytest.raises(InvalidSchema, match="^5 is not valid") as refused:
        parse_schema(json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema}))
    assert refused.value.pointer.startswith(f"/{word}/")
    assert refused.value.pointer.endswith("/properties/0/type")


def test_pointers_that_are_too_long_are_refused():
    """Compiling it would take 5 GB."""
    schema = below_long_names({"properties": {str(number): {"type": "string"} for number in range(20000)}})
    assert not is_bounded(Document(read_schema(schema)))
    with pytest.raises(InvalidSchema, match="too many keywords are below long names"):
        parse_schema(json.dumps(schema))
    usual = {str(number): {"type": "string", "title": "A name of usual length"} for number in range(20000)}
    parse_schema(json.dumps({"$defs": {"some": {"properties": {"usual": {"properties": usual}}}}}))


def test_changes_that_are_too_long_are_reported_together():
    def schema(title, kind):
        described = {f"{number:04}": {"title": title} for number in range(2000)}
        return below_long_names({"properties": described | {"last": {"type": kind}}})

    report = lint(schema("one", "string"), schema("two", "string"), mode="full", budget_ms=0)
    assert (report.verdict, len(report.changes) < 100) == ("compatible", True)
    # What exceeded the limit is not assumed to be harmless.
    report = lint(schema("one", "string"), schema("two", "integer"), budget_ms=0)
    assert (report.verdict, len(report.changes) < 100) == ("undecided", True)
    assert report.undecided[0].message.startswith("there are more changes than can be listed")


@pytest.mark.parametrize(("around", "reported"), [(lambda schema: schema, 1), (lambda schema: {"anyOf": [schema]}, 0)])
def test_errors_that_would_take_gigabytes_are_not_all_collected(around, reported):
    schema = {"additionalProperties": around({"$ref": "#"}), "items": {"type": "string"}}
    instance = [1] * 20000
    for level in range(80):
        instance = {f"{level}" + "k" * 1000: instance}
    errors = ErrorCollector(jsonschema_rs.validator_for(schema), Document(read_schema(schema)))
    assert len(errors.errors(instance, 50)) == reported
    assert len(errors.errors({"a": [1, 2, "x", 3]}, 50)) in (1, 3)


def test_patterns_of_resources_are_counted():
    assert not is_bounded(Document(read_schema({}), {"urn:a": {"pattern": r"\s" * 2000}}))


def test_many_usual_patterns_are_compiled():
    identifier, moment = (
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$",
    )
    unread = "(?i)^[a-z]+$"  # by the linter's own parser
    usual = {f"{number}": {"pattern": (identifier, moment, unread)[number % 3]} for number in range(800)}
    parse_schema(json.dumps({"properties": usual}))


def test_unevaluated_properties_in_a_usual_number_are_compiled():
    base = {"properties": {str(number): {} for number in range(30)}}
    extended = {"allOf": [{"$ref": "#/$defs/base"}], "properties": {"more": {}}, "unevaluatedProperties": False}
    parse_schema(json.dumps({"$defs": {"base": base} | {f"e{number}": extended for number in range(300)}}))
