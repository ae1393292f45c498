"""JUnit XML: a test case for each step, which fails where the step is not acceptable."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from linter_app.printable import printable
from linter_app.report.formats.text import lines_of
from linter_app.report.step import Step

_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(steps: Sequence[Step]) -> str:
    """Return one test suite."""
    failures = sum(not step.report.acceptable for step in steps)
    attributes = {"name": "contracts", "tests": str(len(steps)), "failures": str(failures), "errors": "0"}
    suite = ElementTree.Element("testsuite", attributes)
    for step in steps:
        names = {"classname": step.contract or step.new_path.stem, "name": step.title, "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", {key: printable(name) for key, name in names.items()})
        body = "\n".join(lines_of(step))
        if step.report.acceptable:
            ElementTree.SubElement(case, "system-out").text = _in_xml(body)
        else:
            message = "; ".join(map(printable, step.report.problems))
            failure = ElementTree.SubElement(case, "failure", {"message": message, "type": step.report.verdict})
            failure.text = _in_xml(body)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _in_xml(value: str) -> str:
    """Replace the characters that XML 1.0 cannot carry."""
    return _NOT_IN_XML.sub("?", value)
