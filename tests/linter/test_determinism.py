"""The same input gives the same report, with the same work, whatever PYTHONHASHSEED is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.linter.test_conditions import binding, body, chain, closed

PAIRS = [
    (chain(["1"], ["2"], ["3"]), chain(["1"], ["2"], ["3"], type="object")),
    (binding("1", {"1": body("1", delay={"maximum": 15})}), binding("2", {"2": body("2"), "1": body("1")})),
    (
        {"oneOf": [closed(["a", "b"], a={"enum": ["x", "y"]}, b={}), closed(["c"], c={}), {"type": "null"}]},
        {"oneOf": [closed(["c"], c={"type": "string"}), closed(["a"], a={"const": "x"}), {"type": "boolean"}]},
    ),
]
SCRIPT = """
import json, sys
from linter_app import lint

visited = 0
def count(frame, event, argument):
    global visited
    visited += event == "call" and "/linter_app/compare/" in frame.f_code.co_filename

for old, new in json.load(sys.stdin):
    sys.setprofile(count)
    report = lint(old, new)
    sys.setprofile(None)
    print(visited, report)
"""


def test_reports_and_work_do_not_depend_on_the_seed_of_hashes():
    def reports(seed: int) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(PAIRS),
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout

    first, *others = [reports(seed) for seed in (1, 2, 3, 4)]
    assert len(first.splitlines()) == len(PAIRS)
    assert all(each == first for each in others)
