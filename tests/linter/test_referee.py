"""The referee: random pairs of schemas, and a search for a witness wherever the linter says that nothing breaks."""

import random
import time

import pytest

from linter_app import Config, lint
from linter_app.dialects import read_schema
from linter_app.diff import walk
from linter_app.documents import Document
from linter_app.lint import plainly_compatible
from linter_app.witnesses.search import open_search
from tests.linter.random_schemas import INSTANCES, Schemas

DIALECTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
PAIRS = 400


@pytest.mark.parametrize("draft", DIALECTS)
@pytest.mark.parametrize("seed", range(2))
def test_no_break_is_missed(draft, seed):
    dice = random.Random(f"{draft} {seed}")
    schemas = Schemas(dice, draft)
    compatible = plainly = 0
    for _ in range(PAIRS):
        old = schemas.document()
        new = schemas.changed(old, dice.choice([0.05, 0.1, 0.2]))
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = ({"$schema": DIALECTS[draft], **each} for each in (old, new))
        for mode in ("backward", "forward"):
            # Without witnesses the verdict is that of the walk and the proof, which is what is refereed.
            report = lint(old, new, mode=mode, strict_open_objects=True, budget_ms=0)
            read = read_schema(old), read_schema(new)
            plain = plainly_compatible(*read, Config(mode=mode, strict_open_objects=True), seconds=10)
            if plain is not None:
                assert plain == report.changes, f"{mode}: {old!r} -> {new!r}"
                assert report.verdict == "compatible"
                plainly += 1
            if report.verdict != "compatible":
                continue
            compatible += 1
            search = open_search(walk(*map(Document, read), True), mode, time.monotonic() + 10, {})
            if search is None:
                continue  # a change took away what a $ref leads to
            found = [each for each in INSTANCES if search.accepting.accepts(each) and not search.refusing.accepts(each)]
            found = found or search.witness(None, time.monotonic() + 0.02, 40)
            assert not found, f"{mode}: {found!r} breaks {old!r} -> {new!r}: {report.changes}"
    assert compatible > PAIRS / 2
    assert plainly > compatible / 2
