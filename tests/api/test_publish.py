"""POST /registry/contracts"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import make_token

INT = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
STR = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}


def test_a_publish_returns_status_name_and_version(api):
    body = {
        "name": "my-contract",
        "version": "1.0.0",
        "description": "My contract",
        "jsonSchema": '{"type": "object"}',
        "witPath": "/path/to/schema.wit",
        "descriptorPath": "/path/to/descriptor.json",
    }
    response = api.post(body)
    assert response.status_code == 201
    answer = response.json()
    assert list(answer) == ["status", "name", "version", "digest", "createdAt"]
    text = json.dumps(
        {key: body[key] for key in ("name", "version", "description", "jsonSchema", "witPath", "descriptorPath")},
        separators=(",", ":"),
    )
    assert answer["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert answer["createdAt"].endswith("Z")
    stored = api.get("/registry/contracts/my-contract/1.0.0").json()
    assert stored == body | {"createdAt": answer["createdAt"], "digest": answer["digest"]}


def test_a_schema_object_is_stored_as_its_text(api):
    assert api.publish("a", "v1", {"type": "object", "title": "é"}).status_code == 201
    assert api.get("/registry/contracts/a/v1").json()["jsonSchema"] == '{"type":"object","title":"é"}'


def test_descriptor_and_wit_travel_with_the_bundle(api):
    wit = "package demo:a;\n\ninterface i {\n  record r { id: string }\n}\n"
    assert api.publish("a", "v1", wit=wit, descriptor={"owner": "x"}).status_code == 201
    stored = api.get("/registry/contracts/a/v1").json()
    assert (stored["wit"], stored["descriptor"]) == (wit, {"owner": "x"})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "not JSON"),
        ("", "empty"),
        ("[]", "JSON object"),
        ('{"name":"a","version":"v1","x":1,"y":2}', "Unknown fields: 'x', 'y'"),
        ('{"version":"v1"}', "name is missing"),
        ('{"name":"a"}', "version is missing"),
        ('{"name":1,"version":"v1"}', "name must be a string"),
        ('{"name":"a","version":"v1","description":[]}', "description must be a string"),
        ('{"name":"a","version":"v1","jsonSchema":5}', "jsonSchema must be a string"),
        ('{"name":"a","name":"b","version":"v1"}', "twice"),
        ('{"name":"a","version":"v1","descriptor":NaN}', "NaN"),
        ('{"name":"a","version":"v1","descriptor":1e999}', "out of range"),
        ('{"name":"a","version":"v1","description":"\\ud800"}', "surrogate"),
        ('{"name":"a","version":"v1","descriptor":' + "[" * 5000 + "]" * 5000 + "}", "nested"),
        ('{"name":"a..b","version":"v1"}', "Invalid name"),
        ('{"name":"ritual.v1","version":"v1"}', "Invalid name"),
        ('{"name":"1a","version":"v1"}', "Invalid name"),
        ('{"name":"a\\n","version":"v1"}', "Invalid name"),
        ('{"name":"' + "a" * 201 + '","version":"v1"}', "Invalid name"),
        ('{"name":"a","version":"1.0"}', "neither SemVer"),
        ('{"name":"a","version":"v01"}', "neither SemVer"),
        ('{"name":"a","version":"1.0.0+build"}', "build metadata"),
    ],
)
def test_a_malformed_request_is_a_400_that_says_what_is_wrong(api, body, says):
    response = api.post(body)
    assert response.status_code == 400
    assert says in response.content.decode()
    assert api.get("/registry/contracts").json() == {"contracts": []}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"jsonSchema": "not json"}, "jsonSchema is not JSON"),
        ({"jsonSchema": '{"type":"strin"}'}, "at /type"),
        ({"jsonSchema": '{"properties":{"a/b":{"minLength":-1}}}'}, "at /properties/a~1b/minLength"),
        ({"jsonSchema": '{"pattern":"("}'}, "at /pattern"),
        ({"jsonSchema": '{"properties":{"a":{"$ref":"#/$defs/none"}}}'}, "at /properties/a/$ref"),
        ({"jsonSchema": '{"$schema":"https://example.com/mine"}'}, "unknown dialect"),
        (
            {"jsonSchema": '{"$schema":"http://json-schema.org/draft-04/schema#","exclusiveMinimum":1}'},
            '"minimum" is a required',
        ),
        ({"wit": "package a:b;\n\ninterface i {\n  record r {\n    from: string,\n  }\n}\n"}, "line 5 column 5"),
        ({"wit": "package a:b;\n\nrecord r {\n}\n"}, "line 3 column 1"),
        ({"descriptor": "{"}, "descriptor is not JSON"),
    ],
)
def test_refused_content_is_a_422_that_names_the_location(api, fields, says):
    response = api.post({"name": "a", "version": "v1", **fields})
    assert response.status_code == 422
    assert says in response.content.decode()
    assert api.get("/registry/contracts/a/v1").status_code == 404


@pytest.mark.parametrize("draft", ["draft-04/schema#", "draft-06/schema#", "draft-07/schema#"])
def test_older_drafts_are_accepted(api, draft):
    assert api.publish("a", "v1", {"$schema": f"http://json-schema.org/{draft}", "type": "object"}).status_code == 201


@pytest.mark.parametrize("draft", ["2019-09", "2020-12"])
def test_newer_drafts_are_accepted(api, draft):
    schema = {"$schema": f"https://json-schema.org/draft/{draft}/schema", "type": "object"}
    assert api.publish("a", "v1", schema).status_code == 201


def test_a_break_without_the_bump_lists_each_change(api):
    api.publish("a", "1.0.0", INT)
    response = api.publish("a", "1.1.0", STR)
    problem = response.json()
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert (problem["comparedWith"], problem["requiredVersion"]) == ("1.0.0", "2.0.0")
    [change] = problem["changes"]
    assert (change["rule"], change["breaking"]) == ("type-changed", True)
    assert isinstance(change["witness"]["instance"]["a"], int)
    assert "for example, " in problem["detail"]
    assert "requires version 2.0.0, but 1.1.0 is proposed" in problem["detail"]
    assert api.publish("a", "2.0.0", STR).status_code == 201


def test_a_break_of_the_wit_package_is_refused_too(api):
    old = "package demo:shop;\ninterface i { f: func(); g: func(); }\n"
    new = "package demo:shop;\ninterface i { f: func(); }\n"
    assert api.publish("a", "1.0.0", wit=old).status_code == 201
    response = api.publish("a", "1.1.0", wit=new)
    assert response.status_code == 422
    assert [change["rule"] for change in response.json()["changes"]] == ["wit-function-removed"]
    gone = api.publish("a", "1.1.0", True)
    assert [change["rule"] for change in gone.json()["changes"]] == ["wit-package-removed"]
    assert api.publish("a", "2.0.0", wit=new).status_code == 201


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("0.1.0", "0.2.0", 201),
        ("0.1.0", "0.1.1", 422),
        ("1.0.0", "2.0.0", 201),
        ("v1", "v2", 201),
        ("v1", "1.1.0", 422),
        ("1.0.0-rc.1", "1.0.0", 422),
        ("1.0.0", "2.0.0-rc.1", 201),
    ],
)
def test_a_break_needs_a_major_bump_or_a_minor_one_while_the_major_is_0(api, old, new, status):
    api.publish("a", old, INT)
    assert api.publish("a", new, STR).status_code == status


def test_a_patch_of_an_older_line_is_compared_with_its_own_line(api):
    api.publish("a", "1.0.0", INT)
    api.publish("a", "2.0.0", STR)
    assert api.publish("a", "1.0.1", INT).status_code == 201
    assert api.publish("a", "1.0.2", STR).status_code == 422


def test_a_version_below_all_others_is_refused(api):
    api.publish("a", "1.0.0", INT)
    response = api.publish("a", "0.9.0", INT)
    assert response.status_code == 422
    assert "lower than every existing version" in response.json()["detail"]


def test_a_version_must_not_turn_its_greater_neighbour_into_a_break(api):
    api.publish("a", "1.0.0", INT)
    api.publish("a", "1.2.0", {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"]}}})
    response = api.publish(
        "a", "1.1.0", {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "string"]}}}
    )
    assert response.status_code == 422
    assert response.json()["comparedWith"] == "1.2.0"


def test_a_second_publish_is_a_409_with_the_stored_digest(api):
    first = api.publish("a", "1.0.0", INT)
    again = api.publish("a", "1.0.0", INT)
    assert again.status_code == 409
    assert again.json()["digest"] == first.json()["digest"]
    assert api.publish("a", "v1", INT).status_code == 409


def test_n_parallel_publishes_give_exactly_one_201(api):
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: api.publish("race", "1.0.0", INT).status_code, range(32)))
    assert sorted(statuses) == [201] + [409] * 31


def test_a_dry_run_writes_nothing(api):
    path = "/registry/contracts?dryRun=true"
    assert api.post({"name": "a", "version": "v1", "jsonSchema": True}, path).json()["status"] == "valid"
    assert api.get("/registry/contracts").json() == {"contracts": []}
    assert api.post({"name": "a", "version": "v1", "wit": "x"}, path).status_code == 422
    assert api.post({"name": "a", "version": "v1"}, "/registry/contracts?dryRun=maybe").status_code == 400


def test_errors_are_reported_in_their_documented_order(api, settings):
    settings.CONTRACT_MAX_BYTES = 1024
    big = '{"name": "' + "x" * 2000
    bad_schema = {"name": "a", "version": "v1", "jsonSchema": "{"}
    writer = api.token
    api.token = "nonsense"
    assert api.post(big).status_code == 401
    api.token = make_token("contracts:read")
    assert api.post(big).status_code == 403
    api.token = writer
    assert api.post(big).status_code == 413
    assert api.post({"name": "a", "version": "bad", "jsonSchema": "{"}).status_code == 400
    assert api.post({"name": "a", "version": "v1", "jsonSchema": True}).status_code == 201
    assert api.post(bad_schema).status_code == 422
    assert api.post({"name": "a", "version": "v1", "jsonSchema": True}).status_code == 409


def test_a_post_with_a_trailing_slash_is_not_redirected(api):
    assert api.post({"name": "a", "version": "v1"}, "/registry/contracts/").status_code == 404
