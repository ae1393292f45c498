"""Schemas made to hang or crash the linter: it ends in time, `undecided` at worst."""

import json
import os
import signal
import time
import tracemalloc
from pathlib import Path

import pytest

from linter_app import Config, lint
from linter_app.bounded import BoundedLinter
from linter_app.patterns import matches, shortest
from linter_app.schema.dialects import InvalidSchema
from linter_app.schema.identifiers import located_schemas
from linter_app.schema.schema_validation import parse_schema
from linter_app.validation import WITHOUT_LOCATION, instance_errors
from linter_app.work_pool import MIB, WorkAborted, WorkPool

SECONDS = 20  # far beyond what any of these takes; a hang would take forever


@pytest.fixture(scope="module")
def pool():
    pool = WorkPool(1, memory_bytes=512 * MIB)
    yield pool
    pool.stop()


@pytest.fixture(scope="module")
def linter(pool):
    return BoundedLinter(pool.call, seconds=3)


@pytest.fixture(scope="module")
def patient(pool):
    """For what ends by itself, on a loaded machine too."""
    return BoundedLinter(pool.call, seconds=SECONDS)


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


@pytest.mark.parametrize("name", sorted(PAIRS.keys() - {"too deep"}))
@pytest.mark.parametrize("mode", ["backward", "forward"])
def test_it_ends_with_a_verdict(pool, name, mode):
    old, new = PAIRS[name]
    start = time.monotonic()
    found = BoundedLinter(pool.call, seconds=1).compare(
        json.dumps(old), json.dumps(new), Config(mode=mode, strict_open_objects=True)
    )
    assert found.within_limits or not found.changes[-1].decided
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
    assert any("not available" in change.message for change in report.undecided)


def fan_of_unevaluated(depth):
    links = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": links | {f"d{depth}": {}}, "items": {"$ref": "#/$defs/d0", "unevaluatedProperties": False}}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": r"\s" * 6000}, "b": {"pattern": "^a$"}}},
        fan_of_unevaluated(60),
    ],
)
def test_a_schema_that_takes_long_to_compile_is_ended_by_a_limit(pool, schema):
    with pytest.raises(WorkAborted, match="not decided within (1 seconds|512 MiB of memory)"):
        BoundedLinter(pool.call, seconds=1).check_schema(json.dumps(schema))


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


def test_a_schema_that_takes_gigabytes_to_compile_is_ended_by_a_limit(patient):
    schema = below_long_names(
        {"pattern": "a", "properties": {str(number): {"type": "string"} for number in range(20000)}}
    )
    with pytest.raises(WorkAborted):
        patient.check_schema(json.dumps(schema))
    usual = {str(number): {"type": "string", "title": "A name of usual length"} for number in range(20000)}
    patient.check_schema(json.dumps({"$defs": {"some": {"properties": {"usual": {"properties": usual}}}}}))


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


OPERATIONS = ("add", "multiply", "negate")
EXPRESSION = {
    "$ref": "#/$defs/expression",
    "$defs": {
        "expression": {
            "oneOf": [
                {"type": "number"},
                *(
                    {
                        "type": "object",
                        "required": ["op", "args"],
                        "properties": {
                            "op": {"const": operation},
                            "args": {"type": "array", "items": {"$ref": "#/$defs/expression"}},
                        },
                    }
                    for operation in OPERATIONS
                ),
            ]
        }
    },
}


def expression(depth, leaf):
    value = leaf
    for level in range(depth):
        value = {"op": OPERATIONS[level % 3], "args": [1, value]}
    return value


def test_errors_of_nested_alternatives_end_at_the_limit_of_memory_and_the_result_stays_right(linter):
    text = json.dumps(EXPRESSION)
    assert linter.instance_errors(text, json.dumps(expression(14, 2)).encode()) == []
    assert linter.instance_errors(text, json.dumps(expression(14, "x")).encode()) == [WITHOUT_LOCATION]
    located = linter.instance_errors(text, json.dumps(expression(1, "x")).encode())
    assert (len(located), located[0]["schemaPointer"]) == (1, "/$defs/expression/oneOf")


INSTANCES = {
    "large integers": ({"uniqueItems": True}, [2**70 + number for number in range(20_000)]),
    "large numbers": ({"items": {"multipleOf": 0.01}}, [1e308] * 20_000),
    "look-ahead": ({"pattern": "^(?=(.*a)*b)(?=(.*c)*d)"}, "ac" * 50_000),
    "counted repetitions": ({"items": {"pattern": ".{0,999}x.{0,999}y"}}, ["x" * 50_000] * 5),
    "a pattern as the instance": ({"format": "regex"}, "(((a{0,99}){0,99}){0,99}){0,99}"),
    "many alternatives": ({"items": {"anyOf": [{"const": [number]} for number in range(5000)]}}, [[4999]] * 20_000),
}


@pytest.mark.parametrize(("schema", "instance"), INSTANCES.values(), ids=INSTANCES)
def test_validation_ends_with_a_result_or_at_a_limit(linter, schema, instance):
    start = time.monotonic()
    try:
        errors = linter.instance_errors(json.dumps(schema), json.dumps(instance).encode())
    except WorkAborted as aborted:
        assert aborted.limit in ("time", "memory")  # noqa: PT017  either a result or this is right
    else:
        assert len(errors) <= 50
    assert time.monotonic() - start < SECONDS


def nullable(count, nullable):
    kind = ["string", "null"] if nullable else "string"
    return {"type": "object", "properties": {f"p{number}": {"type": kind} for number in range(count)}}


@pytest.mark.parametrize("count", [20, 30, 60])
def test_a_proof_that_does_not_end_leaves_the_witnesses(linter, count):
    new = nullable(count, False) | {"patternProperties": {"^x": {"type": "string"}}}
    found = linter.compare(json.dumps(nullable(count, True)), json.dumps(new), Config())
    assert sum(change.witness is not None for change in found.changes) >= 1
    assert any(change.level == "error" and change.decided for change in found.changes)


def test_equal_constants_in_large_alternatives_are_compared_at_once(patient):
    old, new = ({"oneOf": [{"const": number} for number in range(first, first + 3000)]} for first in (0, 1))
    found = patient.compare(json.dumps(old), json.dumps(new), Config())
    assert found.within_limits
    assert [change.rule for change in found.changes if change.level == "error"] == ["alternative-removed"]


def test_a_comparison_beyond_the_limits_is_undecided_and_names_the_limit(pool):
    old, new = (
        {"properties": {str(number): {"type": "string"} | more for number in range(100_000)}}
        for more in ({}, {"maxLength": 5})
    )
    found = BoundedLinter(pool.call, seconds=0.5).compare(json.dumps(old), json.dumps(new), Config())
    assert not found.within_limits
    assert (found.changes[-1].rule, found.changes[-1].decided) == ("undecided", False)
    assert found.changes[-1].message.startswith("not decided within")


def test_a_pool_goes_on_after_each_way_to_end_a_child(pool):
    for function, arguments, limit in (
        (time.sleep, (60,), "time"),
        (bytearray, (4 * 2**30,), "memory"),
        (signal.raise_signal, (signal.SIGKILL,), "memory"),
        (os.abort, (), "memory"),
    ):
        with pytest.raises(WorkAborted) as aborted:
            pool.call(function, *arguments, seconds=0.5)
        assert aborted.value.limit == limit
        assert pool.call(len, "abc", seconds=5) == 3


def test_a_kill_takes_a_moment_even_in_native_code(pool):
    """The others wait for it."""
    schema, instance = INSTANCES["large integers"]
    start = time.monotonic()
    with pytest.raises(WorkAborted):
        pool.call(instance_errors, json.dumps(schema), json.dumps(instance * 4).encode(), seconds=0.5)
    assert pool.call(len, "abc", seconds=5) == 3
    assert time.monotonic() - start < SECONDS


def test_what_a_call_leaves_behind_does_not_count_for_the_next(pool):
    for number in range(5):
        many = json.dumps({"enum": [f"{number} {each}" for each in range(400_000)]})
        assert pool.call(instance_errors, many, b'"x"', seconds=20) != []


def test_a_cancelled_call_ends_its_child(pool):
    started = time.monotonic()
    with pytest.raises(WorkAborted, match="cancelled"):
        pool.call(time.sleep, 60, seconds=60, started=lambda future: future.cancel())
    assert pool.call(len, "abc", seconds=5) == 3
    assert time.monotonic() - started < SECONDS


def test_children_are_limited_and_have_a_lower_priority(pool):
    limits = pool.call(Path.read_text, Path("/proc/self/limits"), seconds=5)
    line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    assert 512 * MIB < int(line.split()[3]) < 2048 * MIB
    assert pool.call(os.getpriority, os.PRIO_PROCESS, 0, seconds=5) >= 10


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
