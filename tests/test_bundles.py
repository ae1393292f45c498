"""Names, dates and records."""

import re

import pytest

from contracts_app.bundles import ContractBundle, compact, valid_name
from contracts_app.timestamps import normal_timestamp, utc_now


@pytest.mark.parametrize("name", ["a", "my-contract", "ritual.started", "_x", "-a", "v", "va1", "v1a.b", "a" * 200])
def test_valid_names_are_accepted(name):
    assert valid_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "a.", ".a", "a..b", "v1", "a.v1", "v1.a", "1a", "a.1", "a b", "a/b", "é", "a\n", "a*", "a" * 201, 5],
)
def test_invalid_names_are_refused(name):
    assert not valid_name(name)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2024-11-03T12:00:00Z", "2024-11-03T12:00:00Z"),
        ("2024-11-03T12:00:00.123456789+00:00", "2024-11-03T12:00:00.123456789Z"),
        ("2024-11-03T01:00:00+02:00", "2024-11-02T23:00:00Z"),
    ],
)
def test_dates_are_normalized_to_utc(text, normal):
    assert normal_timestamp(text) == normal


@pytest.mark.parametrize("text", ["", "2024-11-03", "2024-13-03T12:00:00Z", "2024-11-03T12:00:00"])
def test_invalid_dates_are_refused(text):
    with pytest.raises(ValueError, match="."):
        normal_timestamp(text)


def test_now_is_in_utc_to_the_second():
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())
    assert normal_timestamp(utc_now()) == utc_now()


@pytest.mark.parametrize("descriptor", [None, {"a": [1e16, 1e-7, 10**40, -0.0, True]}])
def test_both_encoders_write_the_same_bytes(descriptor):
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10400), 0x10FFFF]))
    bundle = ContractBundle(name="a", version="1.0.0", json_schema=every, descriptor=descriptor, labels=("\u2603",))
    assert bundle.to_record() == compact(bundle.to_json())
