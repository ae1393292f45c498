"""A corpus of pairs with their verdicts, and a proving instance for each break: no miss, few false alarms."""

import json
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest

from linter_app import lint

pytestmark = pytest.mark.no_cover  # it would take three times as long, and other tests cover the same
CORPUS = sorted((Path(__file__).parent / "pairs").glob("*.json"))


def accepts(schema, instance):
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(instance)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_has_the_expected_verdicts(path):
    counted = Counter()
    for pair in json.loads(path.read_text()):
        for mode in ("backward", "forward"):
            expected = pair[mode]
            accepting, refusing = (pair["old"], pair["new"]) if mode == "backward" else (pair["new"], pair["old"])
            report = lint(pair["old"], pair["new"], mode=mode, strict_open_objects=True)
            if expected["verdict"] == "breaking":
                assert accepts(accepting, expected["witness"])
                assert not accepts(refusing, expected["witness"])
                assert report.verdict != "compatible", f"{mode}: a break was missed in {pair}"
                counted["breaks"] += 1
                counted["shown"] += any(change.witness for change in report.breaking)
            else:
                counted["compatible"] += 1
                counted["false alarms"] += report.verdict != "compatible"
    print(dict(counted))
    assert counted["breaks"] > 100
    assert counted["compatible"] > 100
    assert counted["shown"] > 0.95 * counted["breaks"]
    assert counted["false alarms"] < 0.01 * counted["compatible"]
