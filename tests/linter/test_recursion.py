"""Definitions that refer to each other: what breaks in one breaks in all that contain it, whatever comes first."""

from __future__ import annotations

import random

import pytest

from linter_app import lint

pytestmark = pytest.mark.no_cover  # it would take three times as long, and other tests cover the same
LATEST = "https://json-schema.org/draft/2020-12/schema"
NULLABLE, TEXT = {"type": ["string", "null"]}, {"type": "string"}
DEFINITIONS = ("A", "B", "C", "D")


def closed(**properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


def ref(name: str):
    return {"$ref": f"#/$defs/{name}"}


def schema(definitions, **places):
    """A schema with these definitions; each place is one of them or null, or anything at all."""
    return {"$schema": LATEST, **closed(**places), "$defs": definitions}


def step(rng: random.Random):
    """Definitions that refer to each other at random, some of them narrower or wider in the new version."""
    old, new, edges, directions = {}, {}, {}, {}
    for name in DEFINITIONS:
        edges[name] = rng.sample(DEFINITIONS, rng.randint(1, 3))
        below = {f"to{other}": ref(other) for other in edges[name]}
        kind = rng.choice(["same", "same", "backward", "forward"])
        directions[name] = {kind} - {"same"}
        before, after = {"same": (TEXT, TEXT), "backward": (NULLABLE, TEXT), "forward": (TEXT, NULLABLE)}[kind]
        old[name], new[name] = closed(x=before, **below), closed(x=after, **below)
    return old, new, edges, directions


def reachable(start: str, edges) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += edges[each]
    return found


@pytest.mark.parametrize("number", range(150))
def test_a_definition_breaks_as_all_that_it_leads_to(number):
    rng = random.Random(number)
    old, new, edges, directions = step(rng)
    asked = rng.choice(DEFINITIONS)
    # Everything is accepted in the first places, so that nothing breaks there, though it is compared.
    anything = {f"a{n}": {"anyOf": [ref(name), {}]} for n, name in enumerate(rng.sample(DEFINITIONS, 3))}
    places = {**anything, "z": {"anyOf": [ref(asked), {"type": "null"}]}}
    expected = set().union(*(directions[each] for each in reachable(asked, edges)))
    for mode in ("backward", "forward"):
        verdict = lint(schema(old, **places), schema(new, **places), mode=mode, budget_ms=0).verdict
        assert (verdict != "compatible") is (mode in expected), (mode, edges, directions, asked)


def test_what_was_found_while_a_pair_was_assumed_to_be_equal_is_not_kept_if_it_is_not():
    def definitions(x, y):
        return {"P": closed(r=ref("R"), x=x), "R": closed(p=ref("P"), y=y)}

    places = {"first": {"anyOf": [ref("P"), {}]}, "second": {"anyOf": [ref("R"), {"type": "null"}]}}
    old = schema(definitions(NULLABLE, {"enum": [1]}), **places)
    new = schema(definitions(TEXT, {"enum": [1, 2]}), **places)
    report = lint(old, new)
    assert report.verdict == "breaking"
    assert [change.witness.instance for change in report.breaking] == [{"second": {"p": {"x": None}}}]


@pytest.mark.parametrize("mode", ["backward", "forward"])
@pytest.mark.parametrize(("before", "after"), [(NULLABLE, TEXT), (TEXT, NULLABLE)])
def test_below_a_negation_a_definition_that_contains_itself_breaks_the_other_way_too(before, after, mode):
    def definitions(x):
        return {"P": {**closed(a={}, x=x), "not": {"properties": {"a": ref("P")}, "required": ["a"]}}}

    places = {"first": {"anyOf": [ref("P"), {}]}, "second": {"anyOf": [ref("P"), {"type": "null"}]}}
    report = lint(schema(definitions(before), **places), schema(definitions(after), **places), mode=mode)
    assert report.verdict == "breaking"
    assert any(change.witness for change in report.breaking)
