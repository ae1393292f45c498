"""Formats (JSON Schema Validation 7.3): since which draft validators assert them, what they imply, and examples."""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """One format."""

    since: int
    """The first draft in which validators assert it, as jsonschema_rs numbers drafts."""
    implies: frozenset[str]
    """The formats that every string of this format has too."""
    examples: tuple[str, ...]
    """Valid strings that differ in their other properties."""


_REGEX = frozenset({"uri-template", "regex"})
_HOSTNAME = _REGEX | {"idn-hostname", "uri-reference", "iri-reference"}
_LABEL = _HOSTNAME | {"hostname"}
# The relations between formats follow from RFC 1123, 3339, 3986, 3987, 4122, 5890, 6531 and 6570. `date` and `time`
# were known to draft 3 already, and stayed known.
FORMATS: dict[str, Format] = {
    "date-time": Format(4, _REGEX, ("2020-01-01T00:00:00Z", "2021-06-30T23:59:59.5+02:00")),
    "date": Format(4, _LABEL, ("2020-01-01",)),
    "time": Format(4, _REGEX, ("12:00:00Z", "23:59:59.5+02:00")),
    "duration": Format(19, _LABEL, ("P1D", "PT2H", "P1Y2M3DT4H5M6S")),
    "email": Format(
        4, frozenset({"idn-email"}), ("a@example.com", '"a b"@example.com', "a+b@example.com", "a{b@example.com")
    ),
    "idn-email": Format(4, frozenset(), ("a@example.com", "\u00e9@example.com", '"a b"@example.com')),
    "hostname": Format(4, _HOSTNAME, ("example.com", "a", "1a", "xn--nxasmq6b")),
    "idn-hostname": Format(7, frozenset(), ("example.com", "\u00e9.example", "a")),
    "ipv4": Format(4, _LABEL, ("127.0.0.1",)),
    "ipv6": Format(4, _REGEX, ("::1", "2001:db8::1", "::ffff:127.0.0.1")),
    "uri": Format(
        4,
        frozenset({"iri", "uri-reference", "iri-reference"}),
        ("https://example.com/a", "urn:a:b", "mailto:a@example.com", "http://a/?b=c#d"),
    ),
    "uri-reference": Format(6, frozenset({"iri-reference"}), ("https://example.com/a", "a/b", "", "#a", "?a", "//a")),
    "iri": Format(7, frozenset({"iri-reference"}), ("https://example.com/\u00e9", "urn:\u00e9:b")),
    "iri-reference": Format(7, frozenset(), ("https://example.com/\u00e9", "\u00e9", "", "#\u00e9")),
    "uri-template": Format(6, frozenset(), ("https://example.com/{a}", "{a}", "a", "")),
    "uuid": Format(19, _LABEL, ("123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000")),
    "json-pointer": Format(6, frozenset(), ("/a/0", "", "/ ", "/\u00e9", "/a~1b")),
    "relative-json-pointer": Format(7, frozenset(), ("1/a", "0", "0#", "1/ ")),
    "regex": Format(4, frozenset(), ("^a+$", "a b", "\u00e9", "", "(a|b)*")),
}
EXAMPLES: dict[str, list[str]] = {name: list(each.examples) for name, each in FORMATS.items()}


def is_asserted(name: str, draft: int) -> bool:
    """Return whether validators assert a format in a draft; any other is an annotation."""
    return name in FORMATS and FORMATS[name].since <= draft
