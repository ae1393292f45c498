"""Names and values of other people in reports for people: no line, colour or workflow command of theirs."""

from __future__ import annotations

import json

import pytest

from linter_app.changes import Change, Report
from linter_app.cli import main
from linter_app.printable import printable
from linter_app.report.changelog import markdown

HOSTILE = [
    "a\x1b[31mred",
    "a\nb::error::b",
    "::add-mask::x",
    " ::error file=x::y",
    "##[command]x",
    "a\u202eb",
    "a\u2028b",
    "a\x85b",
    "a\rb",
    "a\x9bb",
    "```",
    "`` ` ``",
    "<script>",
    "[a](b)",
    "\u2066x",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_printable_text_is_one_line_without_controls_or_commands(text):
    shown = printable(text)
    assert len(shown.splitlines()) == 1
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown
    assert all(letter.isprintable() for letter in shown)


@pytest.mark.parametrize("format_", ["text", "junit", "markdown", "github", "sarif", "json"])
def test_reports_carry_no_lines_or_commands_of_a_schema(tmp_path, capsys, format_):
    names = {name: {"type": "string"} for name in HOSTILE}
    old, new = {"properties": names}, {"properties": {name: {"type": "integer"} for name in HOSTILE}}
    folder = tmp_path / "::error::contract"
    folder.mkdir()
    (folder / "1.0.0.json").write_text(json.dumps(old))
    (folder / "1.1.0.json").write_text(json.dumps(new))
    with pytest.raises(SystemExit):
        main(["check", str(tmp_path), "--format", format_])
    shown = "".join(capsys.readouterr())
    lines = [line.strip() for line in shown.split("\n")]
    allowed = ("::error file=", "::notice file=", "::warning file=")
    assert not [line for line in lines if line.startswith("::") and not line.startswith(allowed)]
    assert not [line for line in lines if "##[" in line and format_ not in ("json", "sarif")]
    if format_ not in ("json", "sarif"):  # programs read these, and JSON has its own escapes
        assert not any(letter in shown for letter in "\x1b\x85\x9b\r\u2028\u202e\u2066")


def test_code_spans_survive_backticks():
    change = Change("type-changed", "/a``b`", "/a``b`", "both", "x", level="error")
    assert "``` /a``b` ```" in markdown(Report("breaking", (change,)), "t")


def test_links_out_of_the_folder_are_not_followed(tmp_path, capsys):
    outside, folder = tmp_path / "outside", tmp_path / "contracts"
    for each in (outside / "secret", folder / "a"):
        each.mkdir(parents=True)
        (each / "1.0.0.json").write_text("{}")
    (folder / "linked").symlink_to(outside / "secret")
    (folder / "a" / "1.1.0.json").symlink_to(outside / "secret" / "1.0.0.json")
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "a" / "1.2.0.json").symlink_to(folder / "a" / "1.0.0.json")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(folder)])
    errors = capsys.readouterr().err
    assert ended.value.code == 0
    assert errors.count("it leads out of the folder") == 2
    assert "1 steps checked" in errors
