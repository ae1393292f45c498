"""Rules, documented ids and ids held by a case are one set."""

import re
from pathlib import Path

from linter_app.rules.catalogue import RULES
from tests.linter.test_lint import CASES

DOCS = Path(__file__).parent.parent.parent / "docs" / "linter.md"
# Stated in tests of their own: they need strict open objects.
ELSEWHERE = {"open-property-constrained", "open-property-freed"}


def test_every_rule_is_documented_and_no_other():
    rows = set(re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", DOCS.read_text(), re.MULTILINE))
    assert rows == {(rule.id, rule.direction, rule.purpose) for rule in RULES.values()}


def test_every_rule_has_a_case():
    stated = set().union(*(rules or () for *_, rules in CASES)) | ELSEWHERE
    # A mirrored step of each case is judged as well, and states the opposite rule.
    opposite = {"added": "removed", "removed": "added", "decreased": "increased", "increased": "decreased"}
    opposite |= {"narrowed": "widened", "widened": "narrowed", "stricter": "looser", "looser": "stricter"}
    for rule in list(stated):
        head, _, tail = rule.rpartition("-")
        stated.add(f"{head}-{opposite.get(tail, tail)}")
    assert set(RULES) - stated == set()
