"""The referee: random pairs of schemas, and a search for a witness wherever the linter says that nothing breaks."""

import copy
import random
import time
from contextlib import suppress

import pytest

from linter_app import Config, lint
from linter_app.checks import check_schema, check_shape
from linter_app.dialects import InvalidSchema, read_schema
from linter_app.diff import walk
from linter_app.documents import Document
from linter_app.lint import plainly_compatible
from linter_app.witnesses.search import open_search
from tests.linter.random_schemas import DIALECTS, INSTANCES, Schemas

PAIRS = 400
STEPS = [*((draft, draft) for draft in DIALECTS), (4, 2020), (6, 7), (7, 2020), (2019, 2020), (2020, 7)]


def drawn(dice, before, after):
    """A valid pair of schemas, of which only some words differ, and the dialect where the step is into another."""
    while True:
        old = Schemas(dice, before).document()
        # Where the dialect changes, what is written alike is what may mean something else.
        rates = [0.05, 0.1, 0.2] if before == after else [0, 0.03, 0.1]
        new = Schemas(dice, after).changed(copy.deepcopy(old), dice.choice(rates))
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = {"$schema": DIALECTS[before], **old}, {"$schema": DIALECTS[after], **new}
        if before != after and (isinstance(old, bool) or isinstance(new, bool)):
            continue  # it is of no dialect
        with suppress(InvalidSchema):
            for schema in (old, new):
                (check_shape if before == after else check_schema)(read_schema(schema))
            return old, new


@pytest.mark.parametrize(("before", "after"), STEPS)
@pytest.mark.parametrize("seed", range(2))
def test_no_break_is_missed(before, after, seed):
    dice = random.Random(f"{before} {after} {seed}")
    compatible = plainly = 0
    for _ in range(PAIRS):
        old, new = drawn(dice, before, after)
        strict = dice.random() < 0.7
        for mode in ("backward", "forward"):
            # Without witnesses the verdict is that of the walk and the proof, which is what is refereed.
            report = lint(old, new, mode=mode, strict_open_objects=strict, budget_ms=0)
            read = read_schema(old), read_schema(new)
            plain = plainly_compatible(*read, Config(mode=mode, strict_open_objects=strict), seconds=10)
            if plain is not None:
                assert plain == report.changes, f"{mode}: {old!r} -> {new!r}"
                assert report.verdict == "compatible"
                plainly += 1
            if report.verdict != "compatible":
                continue
            compatible += 1
            search = open_search(walk(*map(Document, read), strict), mode, time.monotonic() + 10, {})
            if search is None:
                continue  # a change took away what a $ref leads to
            if not strict and (True in (old, new) or any(search.walk.holes[mode].values())):
                continue  # a name that only one of them speaks of would break it, and is left out of account
            found = [each for each in INSTANCES if search.accepting.accepts(each) and not search.refusing.accepts(each)]
            found = found or search.witness(None, time.monotonic() + 0.02, 40)
            assert not found, f"{mode}: {found!r} breaks {old!r} -> {new!r}: {report.changes}"
    assert compatible > PAIRS / 2
    assert plainly > compatible / 2
