"""Levels, modes, contexts and compatibility checks."""

from __future__ import annotations

import json

import pytest

from confluent_app.settings_records import LEVELS
from tests.api.conftest import API
from tests.confluent.conftest import NAME_ONLY, Confluent

CLOSED = NAME_ONLY | {"additionalProperties": False}
WITH_EMAIL = {**CLOSED, "properties": {"name": {"type": "string"}, "email": {"type": "string"}}}
JSON_SCHEMA = {"schemaType": "JSON", "schema": json.dumps(WITH_EMAIL)}


def test_levels_are_inherited_from_the_context_and_from_all(confluent):
    assert confluent.get("/config") == (200, {"compatibilityLevel": "BACKWARD"})
    assert confluent.get("/config/orders")[1]["error_code"] == 40408
    assert confluent.get("/config/orders?defaultToGlobal=true") == (200, {"compatibilityLevel": "BACKWARD"})
    status, answer = confluent.put("/config", {"compatibility": "full_transitive"})
    assert (status, answer["compatibility"], answer["compatibilityLevel"]) == (200, *["FULL_TRANSITIVE"] * 2)
    confluent.put("/config/:.staging:", {"compatibility": "FORWARD"})
    confluent.put("/config/:.staging:orders", {"normalize": True})
    levels = {
        "orders": "FULL_TRANSITIVE",
        ":.other:orders": "FULL_TRANSITIVE",
        ":.staging:payments": "FORWARD",
        ":.staging:orders": "FORWARD",
    }
    for subject, level in levels.items():
        answer = confluent.get(f"/config/{subject}?defaultToGlobal=true")[1]
        assert answer["compatibilityLevel"] == level, subject
    assert confluent.get("/config/:.staging:orders")[1]["normalize"] is True
    assert confluent.delete("/config/:.staging:") == (200, {"compatibilityLevel": "FORWARD"})
    assert confluent.delete("/config/:.staging:none")[1]["error_code"] == 40401
    assert confluent.delete("/config")[1]["compatibilityLevel"] == "FULL_TRANSITIVE"
    assert confluent.get("/config") == (200, {"compatibilityLevel": "BACKWARD"})


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_can_be_set_for_a_subject(confluent, level):
    assert confluent.put("/config/orders", {"compatibility": level})[0] == 200
    assert confluent.get("/config/orders") == (200, {"compatibilityLevel": level})
    assert confluent.put("/config/orders", {})[1]["compatibilityLevel"] == level, "an empty body changes nothing"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/config", {"compatibility": "SOMETIMES"}, 42203),
        ("/config", {"compatibility": 1}, 42203),
        ("/config", {"normalize": "yes"}, 422),
        ("/config", [], 422),
        ("/mode", {"mode": "WRITEONLY"}, 42204),
        ("/mode", {}, 42204),
        ("/mode", [], 42204),
    ],
)
def test_bad_settings_are_refused_with_their_code(confluent, path, body, code):
    status, answer = confluent.put(path, body)
    assert (status, answer["error_code"]) == (422, code)
    assert confluent.get("/config")[1]["compatibilityLevel"] == "BACKWARD"


def test_a_policy_of_the_registry_is_the_level_where_none_is_set_here(confluent, registry):
    api = API()
    api.token = Confluent("contracts:admin", "contracts:read").headers["Authorization"].removeprefix("Bearer ")
    answer = api.client.put(
        "/registry/policies/prefixes/orders",
        json.dumps({"compatibility": "full-transitive"}),
        content_type="application/json",
        headers=api.headers({}),
    )
    assert answer.status_code == 200, answer.content
    assert confluent.get("/config/orders.created?defaultToGlobal=true")[1]["compatibilityLevel"] == "FULL_TRANSITIVE"
    confluent.put("/config/orders.created", {"compatibility": "NONE"})
    assert confluent.get("/config/orders.created")[1]["compatibilityLevel"] == "NONE"


def test_a_soft_deleted_subject_loses_its_settings(confluent):
    confluent.put("/config/orders", {"compatibility": "FULL"})
    confluent.registered("orders", CLOSED)
    confluent.delete("/subjects/orders")
    assert confluent.get("/config/orders")[1]["error_code"] == 40408


def test_read_only_modes_refuse_writes(confluent):
    confluent.registered("orders", CLOSED)
    assert confluent.put("/mode/orders", {"mode": "READONLY"}) == (200, {"mode": "READONLY"})
    assert confluent.get("/mode/orders") == (200, {"mode": "READONLY"})
    for method, path, body in (
        ("POST", "/subjects/orders/versions", {"schemaType": "JSON", "schema": "{}"}),
        ("DELETE", "/subjects/orders", None),
        ("DELETE", "/subjects/orders/versions/1", None),
        ("PUT", "/config/orders", {"compatibility": "NONE"}),
    ):
        assert confluent.call(method, path, body)[1]["error_code"] == 42205, (method, path)
    assert confluent.get("/subjects/orders/versions") == (200, [1])
    assert confluent.delete("/mode/orders") == (200, {"mode": "READONLY"})
    assert confluent.get("/mode/orders")[1]["error_code"] == 40409
    assert confluent.delete("/mode/orders")[1]["error_code"] == 40401
    assert confluent.get("/mode/orders?defaultToGlobal=true") == (200, {"mode": "READWRITE"})
    confluent.put("/mode", {"mode": "READONLY_OVERRIDE"})
    confluent.put("/mode/orders", {"mode": "READWRITE"})
    assert confluent.register("orders", WITH_EMAIL)[1]["error_code"] == 42205
    assert confluent.delete("/mode") == (200, {"mode": "READONLY_OVERRIDE"})
    assert confluent.register("orders", WITH_EMAIL)[0] == 200


def test_an_import_keeps_ids_and_numbers_in_any_order(confluent):
    confluent.registered("present", CLOSED)
    assert confluent.put("/mode", {"mode": "IMPORT"})[1]["error_code"] == 42205
    assert confluent.put("/mode?force=true", {"mode": "IMPORT"})[0] == 200
    assert confluent.put("/mode", {"mode": "IMPORT"})[0] == 200, "it is that mode already"
    assert confluent.register("late", CLOSED)[1]["error_code"] == 42205, "an import needs an id"
    assert confluent.registered("late", {"type": "string"}, id=503, version=3) == 503
    assert confluent.registered("late", {"type": "integer"}, id=501, version=1) == 501
    assert confluent.registered("late", {"type": "null"}, id=502, version=2) == 502
    assert confluent.registered("late", {"type": "null"}, id=502, version=2) == 502, "once more"
    assert confluent.registered("late", {"type": "array"}, id=504) == 504
    assert confluent.get("/subjects/late/versions") == (200, [1, 2, 3, 4])
    assert [confluent.get(f"/subjects/late/versions/{each}")[1]["id"] for each in (1, 2, 3, 4)] == [501, 502, 503, 504]
    taken = {"a used id": {"id": 501}, "a used number": {"id": 900, "version": 3}}
    for reason, members in taken.items():
        assert confluent.register("late", {"type": "boolean"}, **members)[1]["error_code"] == 42205, reason
    assert confluent.registered("other", {"type": "integer"}, id=501) == 501, "the same schema elsewhere"
    confluent.put("/mode", {"mode": "READWRITE"})
    assert confluent.registered("present", WITH_EMAIL) == 505, "ids go on after the greatest"
    confluent.put("/config/late", {"compatibility": "NONE"})
    assert confluent.register("late", CLOSED)[1]["version"] == 5


def test_contexts_have_ids_and_subjects_of_their_own(confluent):
    assert confluent.get("/contexts") == (200, ["."])
    confluent.registered("orders", CLOSED)
    assert confluent.registered(":.staging:orders", WITH_EMAIL) == 1
    assert confluent.get("/contexts") == (200, [".", ".staging"])
    assert confluent.get("/subjects") == (200, [":.staging:orders", "orders"])
    assert confluent.get("/subjects?subjectPrefix=:.staging:or") == (200, [":.staging:orders"])
    assert confluent.get("/contexts/.staging/subjects") == (200, ["orders"])
    assert json.loads(confluent.get("/contexts/.staging/schemas/ids/1")[1]["schema"]) == WITH_EMAIL
    assert json.loads(confluent.get("/schemas/ids/1")[1]["schema"]) == CLOSED
    assert json.loads(confluent.get("/schemas/ids/1?subject=:.staging:orders")[1]["schema"]) == WITH_EMAIL
    status, answer = confluent.post("/contexts/.staging/subjects/orders/versions", JSON_SCHEMA)
    assert (status, answer["id"]) == (200, 1)
    for path in ("/contexts/.bad!/subjects", "/contexts/.at@sign/subjects", "/contexts/nodot/subjects"):
        status, answer = confluent.get(path)
        assert (status, answer["error_code"]) == (422, 422)
        assert "Invalid context name" in answer["message"]


def test_an_alias_stands_for_another_subject(confluent):
    confluent.registered("orders-v2-value", CLOSED)
    confluent.put("/config/orders", {"alias": "orders-v2-value"})
    assert confluent.get("/subjects/orders/versions/latest")[1]["subject"] == "orders-v2-value"


def test_compatibility_is_checked_without_registration(confluent):
    body = {"schemaType": "JSON", "schema": json.dumps({"type": "string"})}
    assert confluent.post("/compatibility/subjects/none/versions/1", body)[1]["error_code"] == 40402
    assert confluent.post("/compatibility/subjects/none/versions/latest", body) == (200, {"is_compatible": True})
    assert confluent.post("/compatibility/subjects/none/versions", body) == (200, {"is_compatible": True})
    confluent.registered("orders", CLOSED)
    confluent.registered("orders", WITH_EMAIL)
    for version in ("/1", "/latest", ""):
        path = f"/compatibility/subjects/orders/versions{version}"
        assert confluent.post(path, body) == (200, {"is_compatible": False})
        answer = confluent.post(f"{path}?verbose=true", body)[1]
        assert answer["is_compatible"] is False
        assert "type" in answer["messages"][0]
        assert "for example" in answer["messages"][0]
    assert confluent.post("/compatibility/subjects/orders/versions/9", body)[1]["error_code"] == 40402
    confluent.put("/config/orders", {"compatibility": "BACKWARD_TRANSITIVE"})
    third = {**WITH_EMAIL, "properties": {"name": {}, "email": {"type": "string"}, "phone": {"type": "string"}}}
    answer = confluent.post(
        "/compatibility/subjects/orders/versions", {"schemaType": "JSON", "schema": json.dumps(third)}
    )
    assert answer == (200, {"is_compatible": True})


DRAFT_7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
FOO = {"properties": {"foo": {"type": "string"}}}


@pytest.mark.parametrize(
    ("old", "new", "compatible"),
    [
        (FOO | {"required": ["foo"]}, FOO | {"required": ["bar"]}, False),
        ({"dependencies": {"foo": {"type": "string"}}}, {"dependencies": {"foo": {"type": "number"}}}, True),
        ({"additionalItems": True}, {"additionalItems": False}, True),
        ({"additionalItems": {"type": "string"}}, {"additionalItems": {"type": "number"}}, True),
        (FOO, {"properties": {"bar": {"type": "string"}}}, False),
        ({"items": [{"type": "string"}]}, {"items": [{"type": "number"}]}, False),
        (FOO | {"additionalProperties": False}, {"additionalProperties": {"type": "string"}}, True),
    ],
)
def test_an_example_decides_where_rules_contradict_it(confluent, old, new, compatible):
    for dialect in ({}, DRAFT_7):
        subject = f"rules-{len(dialect)}"
        confluent.registered(subject, old | dialect)
        body = {"schemaType": "JSON", "schema": json.dumps(new | dialect)}
        answer = confluent.post(f"/compatibility/subjects/{subject}/versions/latest?verbose=true", body)[1]
        assert answer["is_compatible"] is compatible, answer
        assert compatible or "for example" in answer["messages"][0]


def test_only_versions_of_the_same_group_are_compared(confluent):
    confluent.put("/config/orders", {"compatibilityGroup": "major"})
    confluent.registered("orders", CLOSED, metadata={"properties": {"major": "1"}})
    confluent.registered("orders", {"type": "string"}, metadata={"properties": {"major": "2"}})
    status, answer = confluent.register("orders", {"type": "null"}, metadata={"properties": {"major": "2"}})
    assert (status, answer["error_code"]) == (409, 409)
    confluent.registered("orders", WITH_EMAIL, metadata={"properties": {"major": "1"}})


def test_what_is_not_there_is_said_in_the_form_of_the_api(confluent):
    assert confluent.get("/associations/resources/-/orders?resourceType=topic&associationType=value") == (200, [])
    assert confluent.get("/schemas/types") == (200, ["JSON"])
    assert confluent.get("/") == (200, {})
    assert confluent.get("/exporters") == (200, [])
    assert confluent.post("/exporters", {"name": "a"})[1]["error_code"] == 42205
    for method in ("GET", "POST", "PUT", "DELETE"):
        status, answer = confluent.call(method, "/no/such/path", {})
        assert (status, answer) == (404, {"error_code": 404, "message": "HTTP 404 Not Found"})
    assert confluent.call("PUT", "/subjects", {})[0] == 405
    confluent.headers = {}
    assert confluent.get("/subjects") == (401, {"error_code": 401, "message": "Missing Authorization header"})
