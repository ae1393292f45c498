import itertools

import pytest

from linter_app.semver import InvalidVersion, Version, allows_breaking, smallest_breaking
from linter_app.version_ranges import VersionRange

# The order of SemVer 2.0.0 section 11, with vN among them.
ASCENDING = [
    "0.0.1",
    "0.1.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "v1",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "v2",
    "2.1.0",
    "v10",
]


def test_versions_order_by_precedence():
    versions = [Version.parse(text) for text in ASCENDING]
    assert sorted(versions, key=lambda version: version) == versions
    assert all(low < high for low, high in itertools.pairwise(versions))
    assert Version.parse("v1") == Version.parse("1.0.0")
    assert hash(Version.parse("v1")) == hash(Version.parse("1.0.0"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.0",
        "01.0.0",
        "1.0.0-",
        "1.0.0-01",
        "1.0.0-a..b",
        "V1",
        "v01",
        "v",
        "1.0.0\n",
        "١.0.0",
        "v1.0",
        "9" * 300,
    ],
)
def test_invalid_versions_are_refused(text):
    with pytest.raises(InvalidVersion):
        Version.parse(text)


def test_build_metadata_is_refused_with_the_remedy():
    with pytest.raises(InvalidVersion, match="publish '1.0.0' without it"):
        Version.parse("1.0.0+linux")


@pytest.mark.parametrize(
    ("current", "proposed", "may"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.0.0", "1.9.0", False),
        ("1.0.0", "2.0.0", True),
        ("v0", "v1", True),
        ("2.0.0", "1.0.0", False),
    ],
)
def test_a_break_needs_a_major_bump_or_a_minor_one_while_the_major_is_0(current, proposed, may):
    assert allows_breaking(Version.parse(current), Version.parse(proposed)) is may


@pytest.mark.parametrize(("current", "lowest"), [("0.3.4", "0.4.0"), ("1.2.3", "2.0.0"), ("v3", "v4"), ("v0", "v1")])
def test_the_smallest_breaking_version(current, lowest):
    assert smallest_breaking(Version.parse(current)) == lowest


@pytest.mark.parametrize(
    ("text", "version", "admitted"),
    [
        # As in node-semver, the reference for such ranges: prereleases match only if one of their versions is named.
        ("<=1.3.0-alpha", "1.3.0-0", True),
        ("<1.3.0-rc.2", "1.3.0-alpha", True),
        ("<1.3.0-rc.2", "1.3.0-rc.2", False),
        ("<1.3.0", "1.3.0-alpha", False),
        ("<1.3.0-alpha", "1.2.0-alpha", False),
        ("1.0.0 - 1.3.0-alpha", "1.3.0-0", True),
        ("^1.3.0-alpha", "1.3.0-beta", True),
        ("^1.3.0-alpha", "1.4.0-beta", False),
        (">1.3.0-alpha", "1.3.0-alpha.0", True),
    ],
)
def test_a_range_admits_prereleases_of_what_it_names(text, version, admitted):
    assert VersionRange.parse(text).admits(Version.parse(version)) is admitted
