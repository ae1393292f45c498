"""Requests at the edges: odd texts, dates, numbers, encodings, paths and references get the right status and words."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import pytest

from tests.api.conftest import ALL, API, make_token

CONTRACTS = "/registry/contracts"
JSON = {"Accept": "application/json"}
EVERY = (*ALL, "contracts:admin", "contracts:override", "contracts:audit")


@pytest.fixture
def admin(api):
    api.token = make_token(*EVERY)
    return api


def raw(api: API, body: str | bytes, path: str = CONTRACTS, **headers: str):
    data = body.encode() if isinstance(body, str) else body
    return api.client.post(path, data, content_type="application/json", headers=api.headers({**JSON, **headers}))


TEXT_FIELDS = [
    "description",
    "witPath",
    "descriptorPath",
    "wit",
    "descriptor",
    "jsonSchema",
    "name",
    "version",
    "state",
]


@pytest.mark.parametrize("escape", [r"\ud800", r"\uDC00", r"\udc00", r"\udfff", r"\uDbfF", r"a\ude00b"])
def test_half_a_surrogate_is_refused_in_every_text(admin, escape):
    bodies = [
        *(f'{{"name": "a", "version": "1.0.0", "{field}": "{escape}"}}' for field in TEXT_FIELDS),
        f'{{"name": "a", "version": "1.0.0", "labels": ["{escape}"]}}',
        f'{{"name": "a", "version": "1.0.0", "{escape}": 1}}',
        f'{{"name": "a", "version": "1.0.0", "jsonSchema": {{"title": "{escape}"}}}}',
        f'{{"name": "a", "version": "1.0.0", "descriptor": {{"{escape}": []}}}}',
        f'{{"name": "a", "version": "1.0.0", "override": {{"reason": "{escape}"}}}}',
        json.dumps({"name": "a", "version": "1.0.0", "jsonSchema": f'{{"title": "{escape}"}}'}),
        json.dumps({"name": "a", "version": "1.0.0", "descriptor": f'"{escape}"'}),
    ]
    assert {raw(admin, body).status_code for body in bodies} <= {400, 422}
    assert raw(admin, f'{{"contracts": [{bodies[0]}]}}', CONTRACTS + ":batch").status_code == 400
    for side in (f'{{"jsonSchema": "{escape}"}}', f'{{"wit": "{escape}"}}', f'{{"name": "{escape}"}}'):
        assert raw(admin, f'{{"old": {side}, "new": {side}}}', "/registry/check").status_code == 400
    admin.publish("life", "1.0.0")
    for action in ("deprecate", "withdraw", "activate"):
        assert raw(admin, f'{{"reason": "{escape}"}}', f"{CONTRACTS}/life/1.0.0/{action}").status_code == 400


@pytest.mark.parametrize(
    "date",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
        "9999-12-31",
        "0000-01-01",
        "2024-02-30",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00+99:99",
        "x",
        "٢٠٢٤-01-01",
    ],
)
def test_no_date_is_an_internal_error(admin, date):
    admin.publish("dated", "1.0.0")
    for parameter in ("since", "until"):
        assert admin.get(f"/registry/audit?{parameter}={quote(date)}").status_code in (200, 400)
    for more in ({}, {"successor": "1.0.0"}):
        sent = admin.post({"sunset": date, **more}, f"{CONTRACTS}/dated/1.0.0/deprecate", **JSON)
        assert sent.status_code in (200, 400, 409, 422)
    assert admin.get(f"{CONTRACTS}/dated/1.0.0?includeWithdrawn=true").status_code == 200


@pytest.mark.parametrize("subject", ["alice", "alice ", " alice", "  ", "a  b", "ä", "a%20b"])
def test_the_audit_keeps_the_actor_exactly(admin, subject):
    admin.token = make_token(*EVERY, sub=subject)
    assert admin.publish("kept.exactly", "1.0.0").status_code == 201
    entries = admin.get("/registry/audit?contract=kept.exactly").json()["entries"]
    assert [entry["actor"] for entry in entries] == [subject]
    assert len(admin.get(f"/registry/audit?actor={quote(subject)}").json()["entries"]) == 1


NUMBERS = '{"maximum":0.12345678901234567890,"minimum":-0,"multipleOf":9007199254740993.0,"const":1.50}'


def test_a_schema_that_is_an_object_keeps_its_numbers(admin):
    spaced = NUMBERS.replace(",", " ,\n ").replace("{", "{ ")
    assert raw(admin, f'{{"name": "exact", "version": "1.0.0", "jsonSchema": {spaced}}}').status_code == 201
    assert admin.get(f"{CONTRACTS}/exact/1.0.0/schema").content.decode() == NUMBERS
    batch = f'{{"contracts": [{{"name": "exact.two", "jsonSchema": {spaced}, "version": "1.0.0"}}]}}'
    assert raw(admin, batch, CONTRACTS + ":batch").status_code == 200
    assert admin.get(f"{CONTRACTS}/exact.two/1.0.0/schema").content.decode() == NUMBERS
    assert raw(admin, '{"name": "plain", "version": "1.0.0", "jsonSchema": {"maximum": 5.5}}').status_code == 201
    assert admin.get(f"{CONTRACTS}/plain/1.0.0/schema").content == b'{"maximum":5.5}'


@pytest.mark.parametrize(
    ("number", "status"), [("9007199254740993.0", 400), ("1e400", 400), ("1e23", 200), ("0.1", 200)]
)
def test_an_instance_with_a_number_that_a_validator_cannot_see_is_refused(admin, number, status):
    admin.publish("numbers", "1.0.0", {"type": "number"})
    assert raw(admin, number, f"{CONTRACTS}/numbers/1.0.0/validate").status_code == status


def test_a_gzip_body_is_decoded_within_the_limit(admin, settings):
    settings.CONTRACT_MAX_BYTES = 4096
    body = json.dumps({"name": "zipped", "version": "1.0.0", "jsonSchema": True}).encode()
    packed = gzip.compress(body)
    assert raw(admin, packed, **{"Content-Encoding": "gzip"}).status_code == 201
    assert raw(admin, gzip.compress(b" " * 1_000_000), **{"Content-Encoding": "gzip"}).status_code == 413
    assert raw(admin, packed[:-4], **{"Content-Encoding": "gzip"}).status_code == 400
    assert raw(admin, b"no gzip", **{"Content-Encoding": "gzip"}).status_code == 400
    refused = raw(admin, body, **{"Content-Encoding": "br"})
    assert (refused.status_code, "send gzip or none" in refused.json()["detail"]) == (415, True)


def test_messages_name_what_is_wrong(admin):
    admin.publish("words", "1.0.0", {"type": "object"})
    path = f"{CONTRACTS}/words/1.0.0"
    assert "byte order mark" in raw(admin, "\ufeff{}").json()["detail"]
    assert "the instance to validate" in raw(admin, "", f"{path}/validate").json()["detail"]
    assert "ends with a slash" in admin.get(f"{path}/", **JSON).json()["detail"]
    assert "not array" in admin.publish("words.bad", "1.0.0", "[]").json()["detail"]
    weak = admin.client.post(
        f"{path}/deprecate", "{}", "application/json", headers=admin.headers({"If-Match": 'W/"x"', **JSON})
    )
    assert (weak.status_code, "never matches" in weak.json()["detail"]) == (412, True)
    hosts = admin.client.get(path, headers=admin.headers({"Host": "elsewhere.example", **JSON}))
    assert (hosts.status_code, "ALLOWED_HOSTS" in hosts.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "path",
    ["", "/schema", "/wit", "/descriptor", "/bundled", "/dependencies", "/dependents", "/examples"],
)
@pytest.mark.parametrize("query", ["?unknown=1", "?includewithdrawn=true", "?includeWithdrawn=yes"])
def test_a_wrong_parameter_is_a_400_on_every_route_of_a_version(admin, path, query):
    admin.publish("strict", "1.0.0", wit="package a:b;", descriptor={})
    assert admin.get(f"{CONTRACTS}/strict/1.0.0{path}{query}").status_code == 400


@pytest.mark.parametrize("route", ["/registry/openapi.json", "/registry/docs", "/healthz", "/readyz", "/metrics"])
def test_a_wrong_parameter_or_method_is_refused_on_the_other_routes(admin, route):
    assert admin.get(f"{route}?unknown=1").status_code == 400
    refused = admin.client.post(route, headers=admin.headers(JSON))
    assert (refused.status_code, refused["Allow"], refused.json()["code"]) == (405, "GET, HEAD", "method_not_allowed")


def test_versions_with_line_breaks_do_not_exist(admin):
    admin.publish("broken", "1.0.0")
    assert admin.get(f"{CONTRACTS}/broken/1.0.0%0a").status_code in (400, 404)
    assert admin.get(f"{CONTRACTS}/broken%0a/1.0.0").status_code in (400, 404)


def test_lists_do_not_grow_with_long_texts(admin):
    for field, length in (("description", 4001), ("witPath", 1001), ("descriptorPath", 1001)):
        refused = admin.publish("long", "1.0.0", **{field: "x" * length})
        assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert admin.publish("long", "1.0.0", description="x" * 4000).status_code == 201


UNRESOLVED = {"properties": {"a": {"$ref": "http://example.com/a.json"}, "b": {"$ref": "file:///etc/passwd"}}}


def test_references_that_nobody_resolves_are_warned_about_or_refused(admin):
    published = admin.publish("outside", "1.0.0", UNRESOLVED)
    assert published.status_code == 201
    assert [(each["rule"], each["pointer"]) for each in published.json()["warnings"]] == [
        ("unresolved-reference", "/properties/a/$ref"),
        ("unresolved-reference", "/properties/b/$ref"),
    ]
    path = f"{CONTRACTS}/outside/1.0.0"
    assert admin.get(f"{path}/bundled")["Registry-Unresolved-References"].startswith("http://example.com/a.json, file")
    refused = raw(admin, "{}", f"{path}/validate")
    assert refused.status_code == 422
    assert any(uri in refused.json()["detail"] for uri in ("http://example.com/a.json", "file:///etc/passwd"))
    policy = json.dumps({"refuseUnresolvedReferences": True})
    headers = admin.headers({})
    assert (
        admin.client.put("/registry/policies/default", policy, "application/json", headers=headers).status_code == 200
    )
    refused = admin.publish("outside.two", "1.0.0", UNRESOLVED)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/properties/a/$ref")


def test_references_in_a_circle_are_warned_about(admin):
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}
    warnings = admin.publish("circle", "1.0.0", circle).json()["warnings"]
    assert [each["rule"] for each in warnings] == ["circular-reference"]


def test_a_version_without_content_is_refused_unless_it_is_a_draft(admin):
    body = {"name": "empty", "version": "1.0.0"}
    assert admin.post(body).status_code == 422
    assert admin.post(body | {"state": "draft"}).status_code == 201
    assert admin.post(body | {"descriptor": {}}).status_code == 201


def test_when_all_is_withdrawn_the_answers_say_so(admin):
    for version in ("1.0.0", "2.0.0"):
        admin.publish("gone", version)
        body = {"reason": f"it leaks {version}"}
        assert admin.post(body, f"{CONTRACTS}/gone/{version}/withdraw").status_code == 200
    latest = admin.get(f"{CONTRACTS}/gone/latest", **JSON)
    assert (latest.status_code, "it leaks 2.0.0" in latest.json()["detail"]) == (410, True)
    items = admin.get(CONTRACTS).json()["contracts"]
    assert [item["state"] for item in items] == ["withdrawn", "withdrawn"]
    again = admin.publish("gone", "2.0.0", False)
    assert (again.status_code, "it is withdrawn" in again.json()["detail"]) == (409, True)
    assert admin.publish("gone", "1.5.0").status_code == 201
    lower = admin.publish("gone", "0.1.0")
    assert (lower.status_code, lower.json()["lowest"]) == (422, "1.0.0")


def test_a_range_that_only_a_prerelease_or_draft_would_match_says_so(admin):
    admin.publish("early", "1.0.0-rc.1")
    admin.publish("early", "2.0.0", state="draft")
    assert "1.0.0-rc.1 is a prerelease" in admin.get(f"{CONTRACTS}/early/^1").content.decode()
    assert "2.0.0 is a draft" in admin.get(f"{CONTRACTS}/early/^2").content.decode()
    assert "is a" not in admin.get(f"{CONTRACTS}/early/^3").content.decode()


def test_texts_that_would_take_many_times_their_size_in_memory_are_refused(admin):
    many = "[" + "[]," * 300_000 + "1]"
    for path in (CONTRACTS, "/registry/check", "/registry/contracts:batch"):
        assert raw(admin, many, path).status_code == 413
    assert admin.publish("many", "1.0.0", f'{{"$ref": "#", "x": {many}}}').status_code == 413


def test_dependencies_that_are_too_large_together_are_refused(admin, monkeypatch):
    monkeypatch.setattr("contracts_app.services.compound_schemas.MAX_COMPOUND_CHARACTERS", 1000)
    assert admin.publish("large.part", "1.0.0", {"title": "x" * 900}).status_code == 201
    refused = admin.publish("large.whole", "1.0.0", {"$ref": "contract:large.part@1.0.0", "title": "x" * 200})
    assert (refused.status_code, refused.json()["limit"]) == (422, 1000)
