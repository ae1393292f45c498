"""Rules, case files and the generated reference are one set."""

import json
from pathlib import Path

from linter_app import lint
from linter_app.reference import markdown
from linter_app.rules.catalogue import RULES

HERE = Path(__file__).parent
REFERENCE = HERE.parent.parent / "docs" / "rules.md"


def test_every_rule_has_a_case_file_and_no_other_is_there():
    files = {path.stem: json.loads(path.read_text()) for path in (HERE / "cases").glob("*.json")}
    assert files.keys() == {rule.id for rule in RULES.values() if not rule.id.startswith(("wit-", "bundle-"))}
    assert all(content["rule"] == name and content["cases"] for name, content in files.items())


def test_the_reference_is_what_the_rules_say():
    assert REFERENCE.read_text() == markdown(), "write it anew with `make docs`"


def test_the_example_of_a_rule_states_it():
    for rule in RULES.values():
        if not rule.id.startswith(("wit-", "bundle-")):
            stated = lint(rule.before, rule.after, strict_open_objects=rule.id.startswith("open-property")).changes
            assert rule.id in {change.rule for change in stated}
