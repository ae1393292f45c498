from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def compare(current, proposed, *more):
    out = StringIO()
    call_command("lint_contracts", "compare", "--current", str(current), "--proposed", str(proposed), *more, stdout=out)
    return out.getvalue()


def versions(current, proposed):
    return ["--current-version", current, "--proposed-version", proposed]


def test_a_compatible_minor_is_fine(fixtures):
    out = compare(fixtures / "base-v1.0.0.json", fixtures / "compatible-v1.1.0.json", *versions("1.0.0", "1.1.0"))
    assert "is compatible" in out
    assert "property-added at /properties/coupon" in out


def test_a_breaking_minor_exits_with_1(fixtures):
    with pytest.raises(CommandError, match="needs 2.0.0, you proposed 1.1.0") as caught:
        compare(fixtures / "base-v1.0.0.json", fixtures / "breaking-v1.1.0.json", *versions("1.0.0", "1.1.0"))
    assert caught.value.returncode == 1


def test_a_breaking_major_is_fine(fixtures):
    out = compare(fixtures / "base-v1.0.0.json", fixtures / "breaking-v2.0.0.json", *versions("1.0.0", "2.0.0"))
    assert "type-changed" in out


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (None, [], "cannot be read"),
        ("{", [], "not JSON"),
        ('{"type": 1}', [], "not a valid JSON Schema"),
        ("{}", versions("1.0", "2.0.0"), "Invalid version"),
        ("{}", ["--current-version", "1.0.0"], "Give both"),
    ],
)
def test_unusable_input_exits_with_2(tmp_path, fixtures, text, more, says):
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CommandError, match=says) as caught:
        compare(fixtures / "base-v1.0.0.json", path, *more)
    assert caught.value.returncode == 2
