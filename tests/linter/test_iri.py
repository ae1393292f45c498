"""The grammar of IRIs is compiled when it is needed, and not before."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, time
import linter_app
from linter_app import lint
assert "lark" not in sys.modules, "the grammar was compiled at the start"
old = {"properties": {"home": {"format": "iri"}, "name": {"maxLength": 5}}}
report = lint(old, {"properties": {"home": {"format": "iri"}, "name": {"maxLength": 4}}}, budget_ms=500)
assert "lark" in sys.modules
assert report.breaking[0].witness, report
import jsonschema
checker = jsonschema.FormatChecker(["iri"])
assert checker.conforms("https://example.com/\\u00e9", "iri") and not checker.conforms("not an iri", "iri")
"""


def test_a_schema_with_an_iri_is_judged_as_before():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_a_schema_without_one_starts_quickly():
    script = (
        "import sys, linter_app; linter_app.lint({'maxLength': 5}, {'maxLength': 4}); assert 'lark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
