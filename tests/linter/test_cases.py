"""Every case of every rule: its verdicts, its change, and a witness where it breaks."""

import json
from pathlib import Path

import pytest

from linter_app import check_bundle, lint, lint_wit
from linter_app.changes import MODES

CASES = {"schema": [], "wit": [], "bundle": []}
for path in sorted((Path(__file__).parent / "cases").glob("*.json")):
    kind = path.stem.partition("-")[0]
    for number, case in enumerate(json.loads(path.read_text())["cases"]):
        case_id = f"{path.stem}-{number}"
        CASES[kind if kind in CASES else "schema"].append(pytest.param(path.stem, case, id=case_id))


def lint_case(case, mode, *, mirrored=False):
    old, new = (case["new"], case["old"]) if mirrored else (case["old"], case["new"])
    if isinstance(old, str):
        return lint_wit(old, new, mode=mode)
    return lint(old, new, mode=mode, strict_open_objects=case.get("strict", False), budget_ms=1000)


def worst(case):
    return max((case["backward"], case["forward"]), key=["compatible", "undecided", "breaking"].index)


@pytest.mark.parametrize(("rule", "case"), CASES["schema"])
def test_each_case_has_its_verdicts_and_change(rule, case):
    assert case["reason"]
    for mode in ("backward", "forward"):
        report = lint_case(case, mode)
        assert report.verdict == case[mode]
        assert rule in {change.rule for change in report.changes}
        for change in report.breaking:
            assert change.witness, f"{change.rule} is not shown by an instance"
    assert lint_case(case, "full").verdict == worst(case)
    assert lint_case(case, "none").verdict == "compatible"


@pytest.mark.parametrize(("rule", "case"), CASES["schema"])
def test_the_reversed_step_breaks_in_the_other_direction(rule, case):
    stated = {
        change.rule
        for mode in MODES
        for direction in (False, True)
        for change in lint_case(case, mode, mirrored=direction).changes
    }
    if "required-property-removed" in stated:
        return  # deliberately one-sided: the removal breaks by policy, the addition does not
    assert lint_case(case, "forward", mirrored=True).verdict == case["backward"]
    assert lint_case(case, "backward", mirrored=True).verdict == case["forward"]


@pytest.mark.parametrize(("rule", "case"), CASES["wit"])
def test_each_wit_case_has_its_verdicts(rule, case):
    assert case["reason"]
    for mode in ("backward", "forward"):
        report = lint_case(case, mode)
        assert report.verdict == case[mode], report.changes
        assert rule in {change.rule for change in report.changes}
    assert lint_case(case, "full").verdict == worst(case)
    assert lint_case(case, "none").verdict == "compatible"


@pytest.mark.parametrize(("rule", "case"), CASES["bundle"])
def test_incoherent_bundles_are_reported(rule, case):
    found = {change.rule: change for change in check_bundle(case["schema"], case["wit"])}
    assert case["reason"]
    assert found[rule].level == "warning"
    assert found[rule].direction == "none"
