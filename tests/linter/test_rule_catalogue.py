"""Rules, case files and the generated reference agree."""

import json
from pathlib import Path

import pytest

from linter_app import check_bundle, lint, lint_wit
from linter_app.report.rule_reference import explain, markdown
from linter_app.rules import all_rules

HERE = Path(__file__).parent
REFERENCE = HERE.parent.parent / "docs" / "rules.md"


def test_every_rule_has_a_case_file_and_every_case_file_a_rule():
    files = {path.stem: json.loads(path.read_text()) for path in (HERE / "cases").glob("*.json")}
    assert files.keys() == all_rules().keys()
    assert all(content["rule"] == name and content["cases"] for name, content in files.items())


def test_the_reference_is_generated_from_the_rules():
    assert REFERENCE.read_text() == markdown(), "run `make docs` and commit the result"


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.id)
def test_the_example_of_a_rule_reports_it(rule):
    if rule.id.startswith("bundle-"):
        stated = check_bundle(rule.after, rule.before)
    elif rule.id.startswith("wit-"):
        stated = lint_wit(rule.before, rule.after).changes
    else:
        stated = lint(rule.before, rule.after, strict_open_objects=rule.id.startswith("open-property")).changes
    assert rule.id in {change.rule for change in stated}
    assert rule.purpose in explain(rule)
