"""Formats (JSON Schema Validation 7.3): examples of each, valid ones that differ in what else they are."""

EXAMPLES: dict[str, list[str]] = {
    "date-time": ["2020-01-01T00:00:00Z", "2021-06-30T23:59:59.5+02:00"],
    "date": ["2020-01-01"],
    "time": ["12:00:00Z"],
    "duration": ["P1D", "PT2H"],
    "email": ["a@example.com"],
    "idn-email": ["a@example.com", "\u00e9@example.com"],
    "hostname": ["example.com", "a"],
    "idn-hostname": ["example.com", "\u00e9.example"],
    "ipv4": ["127.0.0.1"],
    "ipv6": ["::1"],
    "uri": ["https://example.com/a", "urn:a:b"],
    "uri-reference": ["https://example.com/a", "a/b"],
    "iri": ["https://example.com/\u00e9"],
    "iri-reference": ["https://example.com/\u00e9", "\u00e9"],
    "uri-template": ["https://example.com/{a}"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
    "json-pointer": ["/a/0", ""],
    "relative-json-pointer": ["1/a"],
    "regex": ["^a+$"],
}
