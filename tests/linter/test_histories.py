"""Real histories of schemas: every step is decided, each break has an example, and no break is missed."""

from __future__ import annotations

import random

import pytest

from linter_app import lint
from linter_app.schema.dialects import read_schema
from linter_app.schema.documents import Document
from linter_app.schema.schema_validation import check_schema
from linter_app.schema.validators import ValidatorPair
from linter_app.witness.constraints import Contradiction, Focus
from linter_app.witness.generator import InstanceGenerator
from tests.linter.kubernetes_histories import definitions, steps, versions

pytestmark = pytest.mark.no_cover  # it would take three times as long, and other tests cover the same
KINDS = tuple(sorted(definitions(versions()[-1]))[::15])
STEPS = list(steps(KINDS))


def test_there_are_histories():
    assert len(STEPS) > 80


@pytest.mark.parametrize("step", STEPS, ids=[step.name for step in STEPS])
def test_a_step_is_decided_and_each_break_has_an_example(step):
    for schema in (step.old, step.new):
        check_schema(read_schema(schema))
    for mode in ("backward", "forward"):
        report = lint(step.old, step.new, mode=mode)
        assert report.verdict != "undecided", report.undecided
        shown = [change for change in report.breaking if change.witness]
        assert bool(shown) == (report.verdict == "breaking"), report.breaking
        for change in shown:
            sides = (step.old, step.new) if change.witness.direction == "backward" else (step.new, step.old)
            accepting, refusing = (ValidatorPair(Document(read_schema(side))) for side in sides)
            assert accepting.accepts(change.witness.instance)
            assert not refusing.accepts(change.witness.instance)


@pytest.mark.parametrize("step", STEPS[::4], ids=[step.name for step in STEPS[::4]])
def test_no_break_is_missed(step):
    if lint(step.old, step.new, strict_open_objects=True).verdict != "compatible":
        return
    old, new = (ValidatorPair(Document(read_schema(schema))) for schema in (step.old, step.new))
    keep, refuse = (Document(read_schema(schema)).root_subschema for schema in (step.old, step.new))
    rng, valid = random.Random(step.name), 0
    for attempt in range(60):
        try:
            instance = InstanceGenerator(rng, Focus()).value([keep], [refuse] if attempt % 2 else [])
        except Contradiction:
            continue
        if old.accepts(instance):
            valid += 1
            assert new.accepts(instance), instance
    assert valid
