"""Random pairs of schemas, and a search for a witness wherever the linter reports no break."""

import copy
import random
from contextlib import suppress

import jsonschema_rs
import pytest

from linter_app import lint
from linter_app.compare.comparer import compare_documents
from linter_app.schema.dialects import InvalidSchema, read_schema
from linter_app.schema.documents import Document
from linter_app.schema.references import unavailable_references
from linter_app.schema.schema_validation import check_schema, check_shape
from linter_app.witness.constraints import Steps
from linter_app.witness.search import open_search
from tests.linter.random_schemas import DIALECTS, INSTANCES, Schemas

pytestmark = pytest.mark.no_cover  # it would take three times as long, and other tests cover the same
PAIRS = 400
STEPS = [*((draft, draft) for draft in DIALECTS), (4, 2020), (6, 7), (7, 2020), (2019, 2020), (2020, 7)]


def random_pair(rng, before, after):
    """A valid pair of schemas that differ in a few keywords, each naming its dialect."""
    while True:
        old = Schemas(rng, before).document()
        # If the dialect changes, equal keywords may have another meaning.
        rates = [0.05, 0.1, 0.2] if before == after else [0, 0.03, 0.1]
        new = Schemas(rng, after).changed(copy.deepcopy(old), rng.choice(rates))
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = {"$schema": DIALECTS[before], **old}, {"$schema": DIALECTS[after], **new}
        if before != after and (isinstance(old, bool) or isinstance(new, bool)):
            continue  # a boolean names no dialect
        with suppress(InvalidSchema):
            for schema in (old, new):
                (check_shape if before == after else check_schema)(read_schema(schema))
            return old, new


def assert_not_missed(old, new, mode, strict, accepts):
    """Return whether the linter reports no break; then no witness may exist."""
    # Without witnesses the verdict is that of comparison and proof, which is tested here.
    report = lint(old, new, mode=mode, strict_open_objects=strict, budget_ms=0)
    if report.verdict != "compatible":
        return False
    documents = [Document(read_schema(schema)) for schema in (old, new)]
    comparison = compare_documents(*documents, strict_open_objects=strict)
    search = open_search(comparison, mode, Steps(10_000_000))
    if search is None or any(map(unavailable_references, documents)):
        return True  # a change removed the target of a $ref
    names = comparison.ignored_names[mode], comparison.tried_names[mode]
    ignored = [name for each in (*names, comparison.ignored_items[mode]) for name in each.values()]
    if not strict and (True in (old, new) or any(ignored)):
        return True  # a name that only one of them describes would break it, and is ignored by policy
    accepting, refusing = (old, new) if mode == "backward" else (new, old)
    found = [each for each in INSTANCES if accepts(accepting, each) and not accepts(refusing, each)]
    found = found or search.witness(None, 6000, 40)
    assert not found, f"{mode}: {found!r} breaks {old!r} -> {new!r}: {report.changes}"
    return True


@pytest.mark.parametrize(("before", "after"), STEPS)
@pytest.mark.parametrize("number", range(2))
def test_no_break_is_missed(before, after, number):
    rng = random.Random(f"{before} {after} {number}")
    compatible = 0
    validators = {}

    def accepts(schema, instance):
        key = id(schema)
        if key not in validators:
            validators[key] = schema, jsonschema_rs.validator_for(schema, validate_formats=True)
        return validators[key][1].is_valid(instance)

    for _ in range(PAIRS):
        old, new = random_pair(rng, before, after)
        strict = rng.random() < 0.7
        compatible += sum(assert_not_missed(old, new, mode, strict, accepts) for mode in ("backward", "forward"))
    assert compatible > PAIRS / 2


@pytest.mark.parametrize("number", range(2))
def test_no_break_is_missed_without_a_dialect_and_with_unknown_keywords(number):
    """Validators read a schema without $schema as 2020-12, whatever its data and unknown keywords look like."""
    rng = random.Random(f"unnamed {number}")
    compatible = 0

    def accepts(schema, instance):
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(instance)

    for _ in range(PAIRS):
        schemas = Schemas(rng, 2020)
        old, new = (each for each in random_pair(rng, 2020, 2020))
        if isinstance(old, bool) or isinstance(new, bool):
            continue
        old, new = ({**schema, **schemas.data_keywords()} for schema in (old, new))
        del old["$schema"], new["$schema"]
        strict = rng.random() < 0.7
        compatible += sum(assert_not_missed(old, new, mode, strict, accepts) for mode in ("backward", "forward"))
    assert compatible > PAIRS / 3
