"""Formats (JSON Schema Validation 7.3): since which draft validators assert them, and examples of each."""

# As jsonschema_rs numbers drafts. `date` and `time` were known to draft 3 already, and stayed known.
_SINCE = dict.fromkeys(
    ("date-time", "date", "time", "email", "idn-email", "hostname", "ipv4", "ipv6", "uri", "regex"), 4
)
_SINCE |= dict.fromkeys(("uri-reference", "uri-template", "json-pointer"), 6)
_SINCE |= dict.fromkeys(("iri", "iri-reference", "idn-hostname", "relative-json-pointer"), 7)
_SINCE |= {"duration": 19, "uuid": 19}


def asserted(name: str, draft: int) -> bool:
    """Whether validators know the format in this draft; any other is a mere annotation."""
    return _SINCE.get(name, 99) <= draft


# Valid ones that differ in what else they are.
EXAMPLES: dict[str, list[str]] = {
    "date-time": ["2020-01-01T00:00:00Z", "2021-06-30T23:59:59.5+02:00"],
    "date": ["2020-01-01"],
    "time": ["12:00:00Z", "23:59:59.5+02:00"],
    "duration": ["P1D", "PT2H", "P1Y2M3DT4H5M6S"],
    "email": ["a@example.com", '"a b"@example.com', "a+b@example.com", "a{b@example.com"],
    "idn-email": ["a@example.com", "\u00e9@example.com", '"a b"@example.com'],
    "hostname": ["example.com", "a", "1a", "xn--nxasmq6b"],
    "idn-hostname": ["example.com", "\u00e9.example", "a"],
    "ipv4": ["127.0.0.1"],
    "ipv6": ["::1", "2001:db8::1", "::ffff:127.0.0.1"],
    "uri": ["https://example.com/a", "urn:a:b", "mailto:a@example.com", "http://a/?b=c#d"],
    "uri-reference": ["https://example.com/a", "a/b", "", "#a", "?a", "//a"],
    "iri": ["https://example.com/\u00e9", "urn:\u00e9:b"],
    "iri-reference": ["https://example.com/\u00e9", "\u00e9", "", "#\u00e9"],
    "uri-template": ["https://example.com/{a}", "{a}", "a", ""],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
    "json-pointer": ["/a/0", "", "/ ", "/\u00e9", "/a~1b"],
    "relative-json-pointer": ["1/a", "0", "0#", "1/ "],
    "regex": ["^a+$", "a b", "\u00e9", "", "(a|b)*"],
}
