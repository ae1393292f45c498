"""The configuration: what is refused, and which breaks are accepted until when."""

from datetime import date

import pytest

from linter_app import Config, lint
from linter_app.config import Accepted, InvalidConfig, find, load, parse
from linter_app.schema.dialects import InvalidSchema

OLD, NEW = {"type": "string", "maxLength": 20}, {"type": "string", "maxLength": 10}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"mod": "full"}, "did you mean 'mode'"),
        ({"mode": "sideways"}, "mode is one of"),
        ({"undecided": "maybe"}, "'error' or 'pass'"),
        ({"require-minor": "yes"}, "must be a bool"),
        ({"budget-ms": True}, "must be a int or float"),
        ({"levels": {"max-length-decrease": "info"}}, "did you mean 'max-length-decreased'"),
        ({"levels": {"max-length-decreased": "loud"}}, "is one of error, warning, info, off"),
        ({"paths": [1]}, "must be a str"),
        ({"accepted": [1]}, r"write \[\[accepted\]\]"),
        ({"accepted": [{"rule": "x", "reason": "y"}]}, "lacks 'expires'"),
        ({"accepted": [{"rule": "x", "reason": "y", "expires": date.max}]}, "unknown rule 'x'"),
        ({"accepted": [{"rule": "enum-added", "reason": " ", "expires": date.max}]}, "is empty"),
        ({"accepted": [{"rule": "enum-added", "reason": "y", "expires": "2030"}]}, "must be a date"),
        ({"accepted": [{"rule": "enum-added", "point": "/"}]}, "did you mean 'pointer'"),
    ],
)
def test_an_invalid_configuration_names_the_remedy(found, says):
    with pytest.raises(InvalidConfig, match=says):
        parse(found)


def test_both_configuration_files_are_found(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.contracts-lint]\nmode = "full"\n')
    assert load(find(below)).mode == "full"
    (tmp_path / "a" / ".contracts-lint.toml").write_text('mode = "forward"\n')
    assert load(find(below)).mode == "forward"
    (below / ".git").mkdir()
    assert find(below) is None
    (below / ".contracts-lint.toml").write_text("mode = ")
    with pytest.raises(InvalidConfig, match="is not TOML"):
        load(find(below))


def test_levels_replace_those_of_the_rules():
    assert lint(OLD, NEW, config=Config(levels={"max-length-decreased": "warning"})).verdict == "compatible"
    assert lint(OLD, NEW, config=Config(levels={"max-length-decreased": "off"})).changes == ()
    added = {"type": "object"}, {"type": "object", "properties": {"a": {}}}
    assert lint(*added, config=Config(levels={"property-added": "error"})).verdict == "breaking"


def test_a_break_is_accepted_until_the_end_of_its_date():
    accepted = Accepted("max-length-decreased", "agreed", date(2030, 1, 31), pointer="/maxLength")

    def on(day):
        return lint(OLD, NEW, config=Config(accepted=(accepted,), today=lambda: day))

    report = on(date(2030, 1, 31))
    assert report.verdict == "compatible"
    assert report.changes[0].accepted == "agreed"
    assert on(date(2030, 2, 1)).verdict == "breaking"
    elsewhere = {"items": OLD}, {"items": NEW}
    assert lint(*elsewhere, config=Config(accepted=(accepted,), today=lambda: date(2030, 1, 1))).verdict == "breaking"


def test_undecided_may_pass():
    old, new = {"$ref": "https://example.com/a"}, {"$ref": "https://example.com/b"}
    assert not lint(old, new).acceptable
    report = lint(old, new, config=Config(undecided_passes=True))
    assert report.verdict == "undecided"
    assert report.acceptable


def test_a_repaired_schema_is_a_warning_for_the_library_too():
    with pytest.raises(InvalidSchema, match="the old schema is invalid"):
        lint({"type": 1}, {"type": "string"})
    config = parse({"invalid-old": "pass"})
    report = lint({"type": 1}, {"type": "string"}, config=config)
    assert (report.verdict, report.acceptable, report.changes) == ("compatible", True, ())
    assert report.warnings[0].startswith("the old schema is invalid: 1 ")
    with pytest.raises(InvalidSchema, match="the new schema is invalid"):
        lint({"type": 1}, {"type": 2}, config=config)
    with pytest.raises(InvalidConfig, match="invalid-old is 'error' or 'pass'"):
        parse({"invalid-old": "ignore"})
