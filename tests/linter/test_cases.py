"""Every case of every rule: the verdicts, the fact, and an instance that shows it where it breaks."""

import json
from pathlib import Path

import pytest

from linter_app import lint
from linter_app.change import MODES

FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}-{number}")
    for path in FILES
    for number, case in enumerate(json.loads(path.read_text())["cases"])
]
UNSHOWN = {"required-property-removed"}  # breaks by policy, not by an instance


def judge(case, mode, *, mirrored=False):
    old, new = (case["new"], case["old"]) if mirrored else (case["old"], case["new"])
    return lint(old, new, mode=mode, strict_open_objects=case.get("strict", False), budget_ms=2000)


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_the_verdicts_and_the_fact(rule, case):
    assert case["reason"]
    for mode in ("backward", "forward"):
        report = judge(case, mode)
        assert report.verdict == case[mode]
        assert rule in {change.rule for change in report.changes}
        for change in report.breaking:
            assert change.witness or change.rule in UNSHOWN, f"{change.rule} is not shown by an instance"
    worst = max((case["backward"], case["forward"]), key=["compatible", "undecided", "breaking"].index)
    assert judge(case, "full").verdict == worst
    assert judge(case, "none").verdict == "compatible"


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_the_mirrored_step_breaks_the_other_way(rule, case):
    stated = {
        change.rule for mode in MODES for side in (False, True) for change in judge(case, mode, mirrored=side).changes
    }
    if "required-property-removed" in stated:
        return  # deliberately one-sided: the removal breaks by policy, not the addition
    assert judge(case, "forward", mirrored=True).verdict == case["backward"]
    assert judge(case, "backward", mirrored=True).verdict == case["forward"]
