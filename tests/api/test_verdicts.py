"""Check, diff, changelog, validate and examples; policies and overrides; and the equality of dry run and publish."""

from __future__ import annotations

import json
import random

import pytest

from tests.api.conftest import make_token
from tests.linter.random_schemas import Schemas

JSON = {"Accept": "application/json"}
OLD = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
WIDER = {**OLD, "properties": {"id": {"type": "string"}, "note": {"type": "string"}}}
BROKEN = {**OLD, "properties": {"id": {"type": "integer"}}}


def check(api, **body):
    return api.post(body, "/registry/check", **JSON)


def put(api, path, policy, **headers):
    return api.client.put(f"/registry/policies/{path}", json.dumps(policy), headers=api.headers({**JSON, **headers}))


@pytest.fixture
def admin(api):
    api.token = make_token("contracts:read", "contracts:write", "contracts:admin", "contracts:override")
    return api


@pytest.fixture
def stocked(admin):
    for version, schema in (("1.0.0", OLD), ("1.1.0", WIDER), ("2.0.0", BROKEN)):
        assert admin.publish("verdict.x", version, schema).status_code == 201
    return admin


def test_check_compares_versions_and_texts(stocked):
    answer = check(stocked, old={"name": "verdict.x", "version": "^1"}, new={"jsonSchema": BROKEN}).json()
    assert (answer["verdict"], answer["acceptable"], answer["requiredBump"]) == ("breaking", False, "major")
    assert answer["changes"][0]["witness"]["direction"] == "backward"
    assert answer["dependents"] == {"broken": [], "unchecked": 0}
    answer = check(stocked, old={"jsonSchema": OLD}, new={"jsonSchema": json.dumps(WIDER)}, compatibility="full")
    assert answer.json()["compatibility"] == "full"
    pair = ({"name": "verdict.x", "version": "1.1.0"}, {"name": "verdict.x", "version": "2.0.0"})
    answer = check(stocked, old=pair[0], new=pair[1]).json()
    assert (answer["verdict"], answer["acceptable"], answer["requiredVersion"]) == ("breaking", True, "2.0.0")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "old and new"),
        ({"old": {}, "new": {"jsonSchema": {}}}, 400, "old must be"),
        ({"old": {"jsonSchema": {"type": "strin"}}, "new": {"jsonSchema": {}}}, 422, "old.jsonSchema"),
        ({"old": {"name": "no.such", "version": "1.0.0"}, "new": {"jsonSchema": {}}}, 404, "not found"),
        ({"old": {"name": "a", "version": 1}, "new": {"jsonSchema": {}}}, 400, "old.version"),
        ({"old": {"jsonSchema": {}}, "new": {"jsonSchema": {}}, "compatibility": "none-transitive"}, 400, "one of"),
        ({"old": {"jsonSchema": {}}, "new": {"wit": "nonsense"}}, 422, "new.wit"),
    ],
)
def test_an_invalid_check_is_refused(api, body, status, said):
    answer = check(api, **body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.content


def test_diff_and_changelog_report_the_steps(stocked):
    path = "/registry/contracts/verdict.x"
    diff = stocked.get(f"{path}/diff?from=1.0.0&to=latest").json()
    assert (diff["from"], diff["to"], diff["verdict"]) == ("1.0.0", "2.0.0", "breaking")
    assert stocked.get(f"{path}/diff?from=1.0.0").status_code == 400
    log = stocked.get(f"{path}/changelog", **JSON).json()
    assert [version["version"] for version in log["versions"]] == ["2.0.0", "1.1.0", "1.0.0"]
    assert "Breaking" in log["versions"][0]["sections"]
    text = stocked.get(f"{path}/changelog", Accept="text/markdown")
    assert text["Content-Type"] == "text/markdown; charset=utf-8"
    assert text.content.decode().startswith("# verdict.x\n\n## 2.0.0 - ")
    assert stocked.get("/registry/contracts/no.such/changelog").status_code == 404


def test_a_changelog_that_is_too_long_is_refused(stocked, monkeypatch):
    monkeypatch.setattr("contracts_app.services.comparison.MAX_CHANGELOG_CHARACTERS", 10)
    refused = stocked.get("/registry/contracts/verdict.x/changelog")
    assert (refused.status_code, "request a diff" in refused.content.decode()) == (422, True)


def test_instances_are_validated_one_or_many(stocked):
    path = "/registry/contracts/verdict.x/1.1.0/validate"
    assert stocked.post({"id": "a"}, path).json() == {
        "name": "verdict.x",
        "version": "1.1.0",
        "valid": True,
        "errors": [],
    }
    answer = stocked.post({"id": 1}, path).json()
    assert answer["errors"] == [
        {"instancePointer": "/id", "schemaPointer": "/properties/id/type", "reason": '1 is not of type "string"'}
    ]
    answer = stocked.post({"id": list(range(1000))}, path).json()
    assert answer["errors"][0]["reason"] == 'this array is not of type "string"'
    lines = b'{"id": "a"}\n\nnot json\n{}\n'
    answer = stocked.client.post(path, lines, content_type="application/x-ndjson", headers=stocked.headers({})).json()
    assert [(result["line"], result["valid"]) for result in answer["results"]] == [(1, True), (3, False), (4, False)]
    assert answer["validLines"] == 1
    assert stocked.post(b"{", path, **JSON).status_code == 400
    assert (
        stocked.client.post(path, b"", content_type="application/json", headers=stocked.headers({})).status_code == 400
    )
    many = b"1\n" * 10_002
    answer = stocked.client.post(path, many, content_type="application/x-ndjson", headers=stocked.headers(JSON))
    assert answer.status_code == 400


def test_an_instance_that_would_take_too_long_is_refused(admin):
    schema = {"items": {"anyOf": [{"const": number} for number in range(5000)]}}
    assert admin.publish("verdict.many", "1.0.0", schema).status_code == 201
    path = "/registry/contracts/verdict.many/1.0.0/validate"
    assert admin.post([4999] * 100, path).json()["valid"] is True
    refused = admin.post([4999] * 50_000, path, **JSON)
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (422, "too_expensive", "time")
    assert "not decided within 4 seconds" in refused.json()["detail"]


def test_examples_are_valid_and_invalid_as_labelled(stocked):
    path = "/registry/contracts/verdict.x/1.1.0"
    answer = stocked.get(f"{path}/examples?count=5").json()
    assert len(answer["valid"]) == 5
    assert answer["invalid"]
    for kind in ("valid", "invalid"):
        for instance in answer[kind]:
            assert stocked.post(json.dumps(instance), f"{path}/validate").json()["valid"] is (kind == "valid")
    assert stocked.get(f"{path}/examples?count=21").status_code == 400


def test_the_nearest_policy_wins(admin):
    assert admin.publish("rule.a.b", "1.0.0", OLD).status_code == 201
    assert put(admin, "default", {"compatibility": "full"}).status_code == 200
    # An open object that gains a property breaks nothing; a closed one breaks old readers.
    closed, wider = {**OLD, "additionalProperties": False}, {**WIDER, "additionalProperties": False}
    assert admin.publish("rule.a.c", "1.0.0", closed).status_code == 201
    refused = admin.publish("rule.a.c", "1.1.0", wider)
    assert (refused.status_code, refused.json()["compatibility"]) == (422, "full")
    assert put(admin, "prefixes/rule.a", {"compatibility": "backward"}).status_code == 200
    assert admin.publish("rule.a.c", "1.1.0", wider).status_code == 201
    assert put(admin, "contracts/rule.a.b", {"compatibility": "none"}).status_code == 200
    assert admin.publish("rule.a.b", "1.1.0", BROKEN).status_code == 201
    shown = admin.get("/registry/policies/contracts/rule.a.c").json()
    assert (shown["policy"], shown["effective"]["compatibility"]) == (None, "backward")
    listed = admin.get("/registry/policies").json()["policies"]
    assert [(each["level"], each["name"]) for each in listed] == [
        ("contract", "rule.a.b"),
        ("default", None),
        ("prefix", "rule.a"),
    ]
    delete = admin.client.delete("/registry/policies/default", headers=admin.headers(JSON))
    assert delete.status_code == 204
    assert admin.client.delete("/registry/policies/default", headers=admin.headers(JSON)).status_code == 404


@pytest.mark.parametrize(
    "policy", [[], {"mode": "full"}, {"compatibility": "x"}, {"allowOverride": 1}, {"minimumNoticeDays": True}]
)
def test_an_invalid_policy_is_refused(admin, policy):
    assert put(admin, "default", policy).status_code == 400
    assert put(admin, "prefixes/1bad", {}).status_code == 400


def test_a_policy_is_set_by_compare_and_set(admin):
    etag = put(admin, "default", {"compatibility": "full"})["ETag"]
    assert admin.get("/registry/policies/default")["ETag"] == etag
    assert put(admin, "default", {}, **{"If-Match": '"99"'}).status_code == 412
    assert put(admin, "default", {}, **{"If-Match": etag}).status_code == 200


def test_transitive_modes_compare_with_all_versions(admin):
    for name, last in (("trans.x", 422), ("trans.y", 201)):
        # 1.1.0 breaks 1.0.0 while nothing is compared; 1.2.0 is compatible with 1.1.0, and still breaks 1.0.0.
        assert admin.publish(name, "1.0.0", {"type": "integer"}).status_code == 201
        put(admin, f"contracts/{name}", {"compatibility": "none"})
        assert admin.publish(name, "1.1.0", {"type": "null"}).status_code == 201
        put(admin, f"contracts/{name}", {"compatibility": "backward-transitive" if last == 422 else "backward"})
        answer = admin.publish(name, "1.2.0", {"type": ["null", "string"]})
        assert answer.status_code == last, answer.content
        if last == 422:
            assert answer.json()["comparedWith"] == "1.0.0"


def test_a_break_is_published_with_a_reason_where_the_policy_allows_it(admin):
    admin.publish("over.ride", "1.0.0", OLD)
    override = {"reason": "every consumer agreed"}
    refused = admin.publish("over.ride", "1.1.0", BROKEN, override=override)
    assert (refused.status_code, "allowOverride" in refused.json()["detail"]) == (422, True)
    put(admin, "prefixes/over", {"allowOverride": True})
    assert admin.publish("over.ride", "1.1.0", BROKEN).status_code == 422
    assert admin.publish("over.ride", "1.1.0", BROKEN, override={"reason": ""}).status_code == 400
    full = admin.token
    admin.token = make_token("contracts:read", "contracts:write")
    assert admin.publish("over.ride", "1.1.0", BROKEN, override=override).status_code == 403
    admin.token = full
    assert admin.publish("over.ride", "1.1.0", BROKEN, override=override).status_code == 201
    assert admin.publish("over.ride", "1.1.1", BROKEN, override=override).status_code == 201
    admin.token = make_token("contracts:audit")
    entries = admin.get("/registry/audit?contract=over.ride").json()["entries"]
    assert [(entry["action"], entry["reason"]) for entry in entries] == [
        ("publish", None),
        ("publish-override", "every consumer agreed"),
        ("publish", None),
    ]


def test_dry_run_and_publish_give_the_same_verdict_on_hundreds_of_pairs(api):
    dice = random.Random(4)
    schemas, seen = Schemas(dice), set()
    for number in range(150):
        old = schemas.document()
        new = schemas.changed(old)
        name = f"same.n{number}"
        for version, schema in (("1.0.0", old), (dice.choice(["1.1.0", "2.0.0", "1.0.1"]), new)):
            body = {"name": name, "version": version, "jsonSchema": schema}
            dry = api.post(body, "/registry/contracts?dryRun=true", **JSON)
            wet = api.post(body, **JSON)
            if wet.status_code == 201:
                assert (dry.status_code, dry.json()["digest"]) == (200, wet.json()["digest"])
            else:
                assert (dry.status_code, dry.json()) == (wet.status_code, wet.json())
            seen.add(wet.status_code)
    assert seen == {201, 422}


@pytest.mark.parametrize(("ignore", "status"), [(False, 422), (True, 201)])
def test_readers_that_ignore_unknown_properties_accept_more_in_closed_objects(admin, ignore, status):
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    more = {**closed, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    policy = {"compatibility": "full", "readersIgnoreUnknown": ignore}
    assert put(admin, "contracts/readers.closed", policy).status_code == 200
    assert admin.publish("readers.closed", "1.0.0", closed).status_code == 201
    assert admin.publish("readers.closed", "1.1.0", more).status_code == status
