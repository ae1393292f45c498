"""A search for requests that give an internal error or take too long: random bodies made of hostile parts.

Set SEARCH_EXAMPLES to search longer, with other requests each time.
"""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import API, make_token
from tests.api.test_edges import CONTRACTS, EVERY

pytestmark = pytest.mark.no_cover  # it would take three times as long, and other tests cover the same
MAX_SECONDS = 15
PATTERNS = [
    "^a+$",
    "(a+)+$",
    ".{0,999}x.{0,999}y",
    "(?=a)b",
    r"\s" * 200,
    "((a{1,50}){1,50}){1,50}",
    "[",
    r"\p{L}*",
    r"(\w)\1",
]
NUMBERS = [0, -0.0, 1, 1.5, 1e308, -1e308, 5e-324, 2**53 + 1, 2**64, 10**300, 0.1]
NAMES = ["a", "b", "$ref", "type", "", "\x00", "é", "x" * 300, "a/b", "~", "__proto__"]
scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.text(max_size=20), st.sampled_from(PATTERNS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)),
    max_leaves=20,
)
references = st.sampled_from(
    ["#", "#/$defs/a", "#/$defs/b", "#/nowhere", "http://x/y", "contract:a@1", "%", "#a", "a b"]
)


def keywords(inner):
    several, named = st.lists(inner, min_size=1, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "number", ["string", "null"], "integer", "x", 5]),
            "enum": st.lists(values, max_size=5),
            "const": values,
            "pattern": st.sampled_from(PATTERNS),
            "multipleOf": st.sampled_from(NUMBERS),
            "minimum": st.sampled_from(NUMBERS),
            "maxLength": st.sampled_from([0, 1, 2**31, 2**64, -1, 1.5]),
            "uniqueItems": st.just(True),
            "format": st.sampled_from(["regex", "date-time", "uri-template", "idn-hostname", "x"]),
            "items": st.one_of(inner, several),
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=3),
            "additionalProperties": inner,
            "unevaluatedProperties": inner,
            "required": st.lists(st.sampled_from(NAMES), max_size=4),
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "dependentSchemas": named,
            "$ref": references,
            "$dynamicRef": references,
            "$dynamicAnchor": st.sampled_from(["a", "b"]),
            "$defs": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "$id": st.sampled_from(["http://x/y", "a", "#", "urn:a:b"]),
            "$schema": st.sampled_from(
                ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema", "x"]
            ),
        },
    )


schemas = st.recursive(st.one_of(st.booleans(), scalars), keywords, max_leaves=12)
texts = st.one_of(st.text(max_size=30), st.sampled_from(["{", "package a:b;", "\ud800", "\x00", "a" * 5000]))
bodies = st.fixed_dictionaries(
    {
        "name": st.one_of(st.just("a.b"), texts),
        "version": st.one_of(st.sampled_from(["1.0.0", "v1", "0.1.0-a"]), texts),
    },
    optional={
        "jsonSchema": st.one_of(schemas, texts),
        "description": st.one_of(texts, values),
        "wit": texts,
        "witPath": texts,
        "descriptor": values,
        "labels": st.one_of(st.lists(texts, max_size=3), values),
        "state": st.one_of(st.just("draft"), values),
        "override": st.one_of(st.fixed_dictionaries({"reason": texts}), values),
    },
)


@pytest.fixture
def admin(registry):
    api = API()
    api.token = make_token(*EVERY, exp=int(time.time()) + 3600)
    return api


def send(api, path, body):
    start = time.monotonic()
    response = api.post(json.dumps(body), path, Accept="application/json")
    assert response.status_code < 500 or response.status_code == 503, (path, body, response.content)
    assert time.monotonic() - start < MAX_SECONDS, (path, body)
    return response.status_code


bounded = settings(
    max_examples=int(os.environ.get("SEARCH_EXAMPLES", "150")),
    deadline=None,
    derandomize="SEARCH_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@bounded
@given(body=bodies)
def test_no_publish_is_an_internal_error(admin, body):
    send(admin, CONTRACTS + "?dryRun=true", body)
    send(admin, CONTRACTS + ":batch?dryRun=true", {"contracts": [body, body]})


@bounded
@given(old=schemas, new=schemas, wit=texts)
def test_no_comparison_is_an_internal_error(admin, old, new, wit):
    send(admin, "/registry/check", {"old": {"jsonSchema": old}, "new": {"jsonSchema": new}})
    send(admin, "/registry/check", {"old": {"wit": wit}, "new": {"jsonSchema": new, "wit": wit}})


_versions = iter(range(10**6))


@bounded
@given(schema=schemas, instance=values)
def test_no_validation_is_an_internal_error(admin, schema, instance):
    name = f"search.n{next(_versions)}"
    if send(admin, CONTRACTS, {"name": name, "version": "1.0.0", "jsonSchema": schema}) == 201:
        send(admin, f"{CONTRACTS}/{name}/1.0.0/validate", instance)
        for part in ("examples", "bundled", "schema"):
            assert admin.get(f"{CONTRACTS}/{name}/1.0.0/{part}").status_code in (200, 422, 503)
