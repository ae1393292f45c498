"""Formats (JSON Schema Validation 7.3): since which draft validators assert them, what they imply, and examples."""

from __future__ import annotations

import math
from typing import NamedTuple


class Format(NamedTuple):
    """One format."""

    since: int
    """The first draft in which validators assert it, as jsonschema_rs numbers drafts."""
    implies: frozenset[str]
    """The formats that every string of this format has too."""
    examples: tuple[str, ...]
    """Valid strings that differ in their other properties."""
    shortest: int = 0
    """Characters of the shortest and of the longest string, where that is limited."""
    longest: float = math.inf
    pieces: tuple[str, str, str] | None = None
    """The beginning of a long string, what may be repeated in it, and its end."""


_REGEX = frozenset({"uri-template", "regex"})
_HOSTNAME = _REGEX | {"idn-hostname", "uri-reference", "iri-reference"}
_LABEL = _HOSTNAME | {"hostname"}
# The relations between formats follow from RFC 1123, 3339, 3986, 3987, 4122, 5890, 6531 and 6570. `date` and `time`
# were known to draft 3 already, and stayed known.
FORMATS: dict[str, Format] = {
    "date-time": Format(
        4,
        _REGEX,
        ("2020-01-01T00:00:00Z", "2021-06-30T23:59:59.5+02:00"),
        20,
        pieces=("2020-01-01T00:00:00.", "0", "Z"),
    ),
    "date": Format(4, _LABEL, ("2020-01-01",), 10, 10),
    "time": Format(4, _REGEX, ("12:00:00Z", "23:59:59.5+02:00"), 9, pieces=("00:00:00.", "0", "Z")),
    "duration": Format(
        19, _REGEX | {"uri-reference", "iri-reference"}, ("P1D", "PT2H", "P1Y2M3DT4H5M6S"), pieces=("P1", "0", "D")
    ),
    "email": Format(
        4,
        frozenset({"idn-email"}),
        ("a@example.com", "a+b@example.com", "a{b@example.com"),
        pieces=("a@", "aaaaaaaaa.", "com"),
    ),
    "idn-email": Format(4, frozenset(), ("a@example.com", "\u00e9@example.com"), pieces=("a@", "aaaaaaaaa.", "com")),
    "hostname": Format(4, _HOSTNAME, ("example.com", "a", "1a", "xn--nxasmq6b"), 1, 253, ("a", ".aaaaaaaaa", "")),
    "idn-hostname": Format(7, frozenset(), ("example.com", "\u00e9.example", "a"), pieces=("a", ".aaaaaaaaa", "")),
    "ipv4": Format(4, _LABEL, ("127.0.0.1", "1.1.1.1", "255.255.255.255"), 7, 15),
    "ipv6": Format(4, _REGEX, ("::1", "2001:db8::1", "::ffff:127.0.0.1"), 2, 45),
    "uri": Format(
        4,
        frozenset({"iri", "uri-reference", "iri-reference"}),
        ("https://example.com/a", "urn:a:b", "mailto:a@example.com", "http://a/?b=c#d"),
        pieces=("https://example.com/", "a", ""),
    ),
    "uri-reference": Format(
        6,
        frozenset({"iri-reference"}),
        ("https://example.com/a", "a/b", "", "#a", "?a", "//a"),
        pieces=("", "a", ""),
    ),
    "iri": Format(
        7, frozenset({"iri-reference"}), ("https://example.com/\u00e9", "urn:\u00e9:b"), pieces=("https://a/", "a", "")
    ),
    "iri-reference": Format(
        7, frozenset(), ("https://example.com/\u00e9", "\u00e9", "", "#\u00e9"), pieces=("", "a", "")
    ),
    "uri-template": Format(6, frozenset(), ("https://example.com/{a}", "{a}", "a", ""), pieces=("", "a", "")),
    "uuid": Format(
        19, _LABEL, ("123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"), 36, 36
    ),
    "json-pointer": Format(6, frozenset(), ("/a/0", "", "/ ", "/\u00e9", "/a~1b"), pieces=("/", "a", "")),
    "relative-json-pointer": Format(7, frozenset(), ("1/a", "0", "0#", "1/ "), pieces=("0/", "a", "")),
    "regex": Format(4, frozenset(), ("^a+$", "a b", "\u00e9", "", "(a|b)*"), pieces=("", "a", "")),
}


def made(name: str, least: int) -> str | None:
    """Return a string of a format of about so many characters or more; None where none is known."""
    pieces = FORMATS[name].pieces if name in FORMATS else None
    if pieces is None:
        return None
    times = -(-(least - len(pieces[0]) - len(pieces[2])) // len(pieces[1]))
    return pieces[0] + pieces[1] * max(times, 0) + pieces[2]


EXAMPLES: dict[str, list[str]] = {name: list(each.examples) for name, each in FORMATS.items()}


def is_asserted(name: str, draft: int) -> bool:
    """Return whether validators assert a format in a draft; any other is an annotation."""
    return name in FORMATS and FORMATS[name].since <= draft
