"""Registration, lookup, versions and deletion of subjects."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import API
from tests.confluent.conftest import NAME_ONLY, Confluent

CLOSED = NAME_ONLY | {"additionalProperties": False}
WITH_EMAIL = {**CLOSED, "properties": {"name": {"type": "string"}, "email": {"type": "string"}}}


def test_a_schema_is_registered_once_and_has_one_id_in_all_subjects(confluent):
    status, first = confluent.register("orders-value", CLOSED)
    assert status == 200
    assert (first["id"], first["version"], first["schemaType"]) == (1, 1, "JSON")
    assert confluent.registered("orders-value", CLOSED) == 1
    assert confluent.registered("orders-value", json.dumps(CLOSED, indent=4)) == 1, "blanks do not matter"
    assert confluent.registered("payments-value", CLOSED) == 1
    assert confluent.registered("payments-value", WITH_EMAIL) == 2
    assert confluent.get("/subjects/payments-value/versions") == (200, [1, 2])
    assert confluent.get("/subjects") == (200, ["orders-value", "payments-value"])
    assert confluent.get("/schemas/ids/1/subjects") == (200, ["orders-value", "payments-value"])
    assert confluent.get("/schemas/ids/2/versions") == (200, [{"subject": "payments-value", "version": 2}])


def test_a_version_has_its_schema_and_the_contracts_version_among_its_metadata(confluent):
    confluent.registered("orders-value", CLOSED)
    confluent.registered("orders-value", WITH_EMAIL)
    status, found = confluent.get("/subjects/orders-value/versions/latest")
    assert status == 200
    assert (found["subject"], found["version"], found["id"]) == ("orders-value", 2, 2)
    assert json.loads(found["schema"]) == WITH_EMAIL
    assert found["metadata"]["properties"] == {"confluent:version": "2", "contract:version": "1.1.0"}
    assert confluent.get("/subjects/orders-value/versions/-1") == (200, found)
    assert confluent.get("/subjects/orders-value/versions/2/schema") == (200, WITH_EMAIL)
    status, by_id = confluent.get("/schemas/ids/2?fetchMaxId=true")
    assert (status, by_id["maxId"], json.loads(by_id["schema"])) == (200, 2, WITH_EMAIL)
    assert confluent.get(f"/schemas/guids/{by_id['guid']}")[1]["schema"] == by_id["schema"]
    assert confluent.get(f"/schemas/guids/{by_id['guid']}/ids") == (200, [{"context": ".", "id": 2}])


def test_the_contract_is_the_same_one_in_the_registrys_own_api(confluent, registry):
    """A version that is published there has a number here, and the other way round."""
    api = API()
    confluent.registered("orders-value", CLOSED)
    assert api.get("/registry/contracts/orders-value/1.0.0").json()["jsonSchema"] == json.dumps(
        CLOSED, separators=(",", ":")
    )
    assert api.publish("orders-value", "1.1.0", WITH_EMAIL).status_code == 201
    assert api.publish("plain.contract", "2.0.0", CLOSED).status_code == 201
    assert confluent.get("/subjects/orders-value/versions") == (200, [1, 2])
    assert confluent.get("/subjects") == (200, ["orders-value", "plain.contract"])
    found = confluent.get("/subjects/plain.contract/versions/latest")[1]
    assert (found["version"], found["id"]) == (1, 1), "the same schema has the same id"


def test_a_native_reference_is_a_reference_here(confluent, registry):
    api = API()
    api.publish("address", "1.0.0", CLOSED)
    schema = {"properties": {"to": {"$ref": "contract:address@^1"}}}
    assert api.publish("order", "1.0.0", schema).status_code == 201
    found = confluent.get("/subjects/order/versions/1")[1]
    assert found["references"] == [{"name": "contract:address@^1", "subject": "address", "version": 1}]


def test_an_incompatible_schema_is_refused_with_a_witness(confluent):
    confluent.registered("orders-value", NAME_ONLY)
    open_object = {**NAME_ONLY, "properties": {"name": {"type": "string"}, "email": {"type": "string"}}}
    status, answer = confluent.register("orders-value", open_object)
    assert (status, answer["error_code"]) == (409, 409)
    assert '"email":' in answer["message"].replace('\\"', '"'), answer["message"]
    assert "version 1" in answer["message"]
    assert confluent.put("/config/orders-value", {"compatibility": "NONE"})[0] == 200
    assert confluent.register("orders-value", {"type": "string"})[1]["version"] == 2
    found = confluent.get("/subjects/orders-value/versions/2")[1]
    assert found["metadata"]["properties"]["contract:version"] == "2.0.0"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 42201),
        ({"schema": '{"type":"record"}'}, 42201),
        ({"schema": '{"type":"record"}', "schemaType": "AVRO"}, 42201),
        ({"schema": "syntax", "schemaType": "PROTOBUF"}, 42201),
        ({"schema": "", "schemaType": "JSON"}, 42201),
        ({"schema": "{nothing", "schemaType": "JSON"}, 42201),
        ({"schema": '{"type":"text"}', "schemaType": "JSON"}, 42201),
        ({"schema": "{}", "schemaType": "json"}, 42201),
        ({"schema": "{}", "schemaType": "JSON", "id": 4}, 42205),
        ({"schema": "{}", "schemaType": "JSON", "id": "4"}, 422),
        ({"schema": "{}", "schemaType": "JSON", "references": {}}, 422),
        ({"schema": "{}", "schemaType": "JSON", "references": [{"name": "a"}]}, 42201),
        ({"schema": "{}", "schemaType": "JSON", "references": [{"name": "a", "subject": "b", "version": 1}]}, 42201),
        ({"schema": "{}", "schemaType": "JSON", "metadata": {"properties": {"a": 1}}}, 422),
        ({"schema": "{}", "schemaType": "JSON", "ruleSet": {"domainRules": [1]}}, 422),
        ([], 422),
        ("text", 422),
    ],
)
def test_a_bad_registration_is_refused_with_its_code(confluent, body, code):
    status, answer = confluent.post("/subjects/bad/versions", body)
    assert (status, answer["error_code"]) == (int(str(code)[:3]), code), answer
    assert confluent.get("/subjects") == (200, [])


def test_a_schema_that_only_draft_7_accepts_is_one_of_draft_7(confluent, registry):
    schema = {"type": "array", "items": [{"type": "string"}]}
    id_ = confluent.registered("tuples", schema)
    assert json.loads(confluent.get(f"/schemas/ids/{id_}")[1]["schema"]) == schema
    stored = json.loads(API().get("/registry/contracts/tuples/1.0.0").json()["jsonSchema"])
    assert stored == {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    assert confluent.registered("tuples", schema) == id_
    assert confluent.post("/subjects/tuples", {"schemaType": "JSON", "schema": json.dumps(schema)})[1]["id"] == id_
    assert confluent.register("tuples", {"type": "array", "items": [{"type": "number"}]})[0] == 409
    assert confluent.register("tuples", {"type": "array", "items": [{"type": "text"}]})[1]["error_code"] == 42201


def test_lookup_finds_the_version_with_a_schema(confluent):
    confluent.registered("orders-value", CLOSED)
    body = {"schemaType": "JSON", "schema": json.dumps(CLOSED)}
    assert confluent.post("/subjects/orders-value", body)[1]["version"] == 1
    assert confluent.post("/subjects/none", body)[1]["error_code"] == 40401
    other = {"schemaType": "JSON", "schema": json.dumps(WITH_EMAIL)}
    assert confluent.post("/subjects/orders-value", other)[1]["error_code"] == 40403
    sorted_text = json.dumps(CLOSED, sort_keys=True)
    assert confluent.post("/subjects/orders-value", body | {"schema": sorted_text})[1]["error_code"] == 40403
    confluent.post("/subjects/normal/versions?normalize=true", body)
    assert confluent.post("/subjects/normal?normalize=true", body | {"schema": sorted_text})[0] == 200


def test_references_are_other_subjects_and_keep_them_from_deletion(confluent):
    confluent.registered("address", CLOSED)
    order = {"properties": {"to": {"$ref": "address.json"}}, "required": ["to"]}
    references = [{"name": "address.json", "subject": "address", "version": 1}]
    id_ = confluent.registered("order", order, references=references)
    found = confluent.get(f"/schemas/ids/{id_}")[1]
    assert (found["references"], json.loads(found["schema"])) == (references, order)
    assert confluent.get("/subjects/address/versions/1/referencedby") == (200, [id_])
    for path in ("/subjects/address", "/subjects/address/versions/1"):
        status, answer = confluent.delete(path)
        assert (status, answer["error_code"]) == (422, 42206)
    assert "reference" in answer["message"]
    # The reference takes part in verdicts.
    assert confluent.put("/config/address", {"compatibility": "NONE"})[0] == 200
    confluent.registered("address", {"type": "string"})
    status, answer = confluent.register("order", order, references=[references[0] | {"version": 2}])
    assert (status, answer["error_code"]) == (409, 409), "what it refers to is another type now"


def test_deletion_takes_two_steps(confluent):
    for schema in (CLOSED, WITH_EMAIL):
        confluent.registered("orders-value", schema)
    codes = [
        ("DELETE", "/subjects/orders-value?permanent=true", 40405),
        ("DELETE", "/subjects/orders-value/versions/1?permanent=true", 40407),
        ("DELETE", "/subjects/none", 40401),
        ("DELETE", "/subjects/orders-value/versions/9", 40402),
        ("DELETE", "/subjects/orders-value/versions/0", 42202),
    ]
    for method, path, code in codes:
        assert confluent.call(method, path)[1]["error_code"] == code, path
    assert confluent.delete("/subjects/orders-value/versions/latest") == (200, 2)
    assert confluent.delete("/subjects/orders-value/versions/2")[1]["error_code"] == 40406
    assert confluent.get("/subjects/orders-value/versions/2")[1]["error_code"] == 40402
    assert confluent.get("/subjects/orders-value/versions/2?deleted=true")[1]["deleted"] is True
    assert confluent.get("/subjects/orders-value/versions") == (200, [1])
    assert confluent.get("/subjects/orders-value/versions?deleted=true") == (200, [1, 2])
    assert confluent.get("/subjects/orders-value/versions?deletedOnly=true") == (200, [2])
    assert confluent.get("/schemas/ids/2")[0] == 200, "consumers still read old messages"
    assert confluent.delete("/subjects/orders-value") == (200, [1])
    assert confluent.delete("/subjects/orders-value")[1]["error_code"] == 40404
    assert confluent.get("/subjects/orders-value/versions")[1]["error_code"] == 40401
    assert confluent.get("/subjects") == (200, [])
    assert confluent.get("/subjects?deleted=true") == (200, ["orders-value"])
    assert confluent.get("/subjects?deletedOnly=true") == (200, ["orders-value"])
    assert confluent.delete("/subjects/orders-value?permanent=true") == (200, [1, 2])
    assert confluent.get("/subjects?deleted=true") == (200, [])
    assert confluent.get("/schemas/ids/2")[1]["error_code"] == 40403


def test_numbers_go_on_after_a_soft_deletion_and_ids_are_never_given_to_another_schema(confluent):
    confluent.put("/config", {"compatibility": "NONE"})
    first = confluent.registered("a", CLOSED)
    confluent.delete("/subjects/a")
    assert confluent.register("a", CLOSED)[1] | {"schema": "", "metadata": "", "guid": ""} == {
        **{"id": first, "version": 2, "schemaType": "JSON", "schema": "", "metadata": "", "guid": ""}
    }
    confluent.registered("a", WITH_EMAIL)
    assert confluent.delete("/subjects/a/versions/3") == (200, 3)
    assert confluent.delete("/subjects/a/versions/3?permanent=true") == (200, 3)
    assert confluent.register("a", {"type": "string"})[1]["version"] == 4
    confluent.delete("/subjects/a")
    confluent.delete("/subjects/a?permanent=true")
    status, again = confluent.register("a", WITH_EMAIL)
    assert (status, again["version"], again["id"]) == (200, 1, 2), "the subject is new, the schema is not"
    assert confluent.registered("a", {"type": "integer"}) == 4


def test_metadata_and_rules_are_inherited_and_merged(confluent):
    rule = {"name": "check", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "true"}
    confluent.put(
        "/config/m",
        {
            "compatibility": "NONE",
            "defaultMetadata": {"properties": {"team": "platform", "tier": "bronze"}},
            "overrideMetadata": {"properties": {"tier": "gold"}},
        },
    )
    confluent.registered("m", CLOSED, metadata={"properties": {"tier": "silver"}}, ruleSet={"domainRules": [rule]})
    confluent.registered("m", WITH_EMAIL)
    found = confluent.get("/subjects/m/versions/2")[1]
    assert found["ruleSet"] == {"domainRules": [rule]}
    properties = found["metadata"]["properties"]
    assert {name: properties[name] for name in ("team", "tier")} == {"team": "platform", "tier": "gold"}
    assert confluent.get("/subjects/m/metadata?key=tier&value=gold")[1]["version"] == 2
    assert confluent.get("/subjects/m/metadata?key=tier&value=tin")[1]["error_code"] == 40403
    wanted = {"metadata": {"properties": {"contract:version": "7.0.0"}}}
    confluent.registered("m", {"type": "string"}, **wanted)
    assert confluent.get("/subjects/m/versions/3")[1]["metadata"]["properties"]["contract:version"] == "7.0.0"


@pytest.mark.parametrize(
    ("subject", "contract"),
    [
        ("com.acme.Order-value", "com.acme.Order-value"),
        ("orders%2Feu", "orders_x2F_eu"),
        ("9lives", "_x39_lives"),
        ("über", "_xC3__xBC_ber"),
        ("a..b", "a._x2E_b"),
        ("orders.v1", "orders._x76_1"),
        (":.staging:orders", "_context.staging.orders"),
        ("_x2F_", "_x5F_x2F_"),
        ("_context.a", "_x5F_context.a"),
    ],
)
def test_a_subject_is_the_contract_with_its_name_as_far_as_possible(confluent, registry, subject, contract):
    confluent.registered(subject, CLOSED)
    assert API().get(f"/registry/contracts/{contract}").status_code == 200
    assert confluent.get("/subjects") == (200, [subject.replace("%2F", "/")])


def test_a_long_subject_has_a_contract_too(confluent):
    subject = "s" * 250
    confluent.registered(subject, CLOSED)
    assert confluent.get("/subjects") == (200, [subject])
    assert confluent.get(f"/subjects/{subject}/versions/1")[1]["subject"] == subject
    assert confluent.register("s" * 1001, CLOSED)[1]["error_code"] == 42208


def test_a_limited_token_sees_only_its_subjects(confluent):
    confluent.registered("orders-value", CLOSED)
    confluent.registered("secret-value", WITH_EMAIL)
    limited = Confluent("contracts:read:orders-value")
    assert limited.get("/subjects") == (200, ["orders-value"])
    assert limited.get("/schemas/ids/1")[0] == 200
    assert limited.get("/schemas/ids/2")[1]["error_code"] == 40403
    for path in ("/subjects/secret-value/versions", "/config/secret-value", "/mode/secret-value"):
        assert limited.get(path)[0] == 403, path
    assert limited.register("orders-value", WITH_EMAIL)[0] == 403
    assert limited.put("/config", {"compatibility": "NONE"})[0] == 403
    assert [each["id"] for each in limited.get("/schemas")[1]] == [1]
