import pytest

from linter_app import wit
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit


def test_good_wit_passes():
    check_wit("package demo:a@1.0.0;\n\nworld w {\n  export run: func();\n}\n")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("package a:b;\ninterface i {\n  record r { from: string }\n}\n", 3, 14),
        ("package a:b;\nrecord r { a: string }\n", 2, 1),
        ("package a:b;\ninterface i {\n  use other:pkg/types.{a};\n}\n", 3, 7),
        ("package a:b;\ninterface i { record r { a: strin } }\n", 2, 29),
    ],
)
def test_bad_wit_names_line_and_column(text, line, column):
    with pytest.raises(InvalidWIT) as caught:
        check_wit(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "/tmp" not in str(caught.value)


def test_a_slow_or_missing_tool_is_a_clear_error(monkeypatch):
    with pytest.raises(WITToolFailed, match="did not finish"):
        check_wit("package a:b;\n", timeout=0.0001)
    monkeypatch.setattr(wit, "tool", lambda: "/bin/false")
    with pytest.raises(WITToolFailed, match="status 1"):
        check_wit("package a:b;\n")
