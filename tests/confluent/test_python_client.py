"""Confluent's own Python client, unchanged, against a real server on the port of this API."""

from __future__ import annotations

import json

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from tests.api.conftest import make_token
from tests.confluent.conftest import NAME_ONLY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SCHEMA = json.dumps(NAME_ONLY | {"title": "Person", "additionalProperties": False})
VALUE = SerializationContext("people", MessageField.VALUE)


@pytest.fixture(scope="module")
def client(url):
    return SchemaRegistryClient({"url": url, "basic.auth.user.info": "kafka:a secret"})


def new_client(url: str, **more: str) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": url} | (more or {"basic.auth.user.info": "kafka:a secret"}))


def test_messages_are_serialized_and_deserialized_with_registration(url, client):
    message = JSONSerializer(SCHEMA, client)({"name": "Ada"}, VALUE)
    assert message[0] == 0
    assert client.get_latest_version("people-value").schema_id == int.from_bytes(message[1:5], "big")
    reader = JSONDeserializer(None, schema_registry_client=new_client(url))
    assert reader(message, VALUE) == {"name": "Ada"}
    with pytest.raises(SerializationError):
        JSONSerializer(SCHEMA, client)({"name": 5}, VALUE)


def test_registration_may_be_off_and_the_latest_version_used(url, client):
    context = SerializationContext("fixed", MessageField.VALUE)
    client.register_schema("fixed-value", Schema(SCHEMA, "JSON"))
    for settings in ({"auto.register.schemas": False}, {"auto.register.schemas": False, "use.latest.version": True}):
        message = JSONSerializer(SCHEMA, new_client(url), conf=settings)({"name": "Ada"}, context)
        assert JSONDeserializer(None, schema_registry_client=new_client(url))(message, context) == {"name": "Ada"}
    unknown = SerializationContext("unknown", MessageField.VALUE)
    with pytest.raises(SchemaRegistryError) as refused:
        JSONSerializer(SCHEMA, new_client(url), conf={"auto.register.schemas": False})({"name": "Ada"}, unknown)
    assert refused.value.error_code == 40401


def test_schemas_may_refer_to_others(url, client):
    person = Schema(SCHEMA, "JSON")
    client.register_schema("person", person)
    order = Schema(
        json.dumps({"title": "Order", "type": "object", "properties": {"by": {"$ref": "person.json"}}}),
        "JSON",
        [SchemaReference("person.json", "person", 1)],
    )
    context = SerializationContext("referring", MessageField.VALUE)
    message = JSONSerializer(order, client)({"by": {"name": "Ada"}}, context)
    reader = JSONDeserializer(None, schema_registry_client=new_client(url))
    assert reader(message, context) == {"by": {"name": "Ada"}}
    with pytest.raises(SerializationError):
        JSONSerializer(order, client)({"by": {"name": 1}}, context)


def test_the_rest_of_the_clients_surface_works(client):
    subject, schema = "surface-value", Schema(SCHEMA, "JSON")
    id_ = client.register_schema(subject, schema)
    full = client.register_schema_full_response(subject, schema)
    assert (full.schema_id, full.subject or subject) == (id_, subject)
    found = client.lookup_schema(subject, schema)
    assert (found.schema_id, found.version, found.subject) == (id_, 1, subject)
    for same in (client.get_schema(id_), client.get_version(subject, 1).schema, client.get_schema_by_guid(found.guid)):
        assert json.loads(same.schema_str) == json.loads(SCHEMA)
    assert client.get_schema_types() == ["JSON"]
    assert subject in client.get_subjects()
    assert subject in client.get_subjects_by_schema_id(id_)
    assert subject in [each.subject for each in client.get_schema_versions(id_)]
    assert client.get_versions(subject) == [1]
    assert client.get_referenced_by(subject, 1) == []
    assert client.get_contexts() == ["."]
    other = Schema(json.dumps({"type": "string"}), "JSON")
    assert client.test_compatibility(subject, schema)
    assert not client.test_compatibility(subject, other)
    assert not client.test_compatibility_all_versions(subject, other)
    client.set_compatibility(subject, "FULL")
    assert client.get_compatibility(subject) == "FULL"
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    assert client.get_config(subject).compatibility_level == "NONE"
    client.delete_config(subject)
    assert client.get_global_mode() == "READWRITE"
    assert client.update_mode(subject, "READONLY", force=False) == "READONLY"
    assert client.get_mode(subject) == "READONLY"
    client.update_mode(subject, "READWRITE", force=False)
    marked = Schema(SCHEMA, "JSON", metadata=Metadata(None, MetadataProperties({"tier": "gold"}), None))
    client.register_schema(subject, marked)
    assert client.get_latest_with_metadata(subject, {"tier": "gold"}).version == 2
    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    assert client.delete_subject(subject, permanent=True) == [1, 2]


def test_an_incompatible_schema_is_refused_with_its_reason(client):
    client.register_schema("strict-value", Schema(SCHEMA, "JSON"))
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema("strict-value", Schema(json.dumps({"type": "string"}), "JSON"))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 409)
    assert "for example" in refused.value.error_message


def test_credentials_decide_what_a_client_may(url):
    wrong = {"basic.auth.user.info": "kafka:guess"}
    reader = {"basic.auth.user.info": "reader:other"}
    token = {"basic.auth.user.info": f"anyone:{make_token('contracts:read')}"}
    bearer = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": make_token("contracts:read"),
        "bearer.auth.logical.cluster": "any",
        "bearer.auth.identity.pool.id": "any",
    }
    with pytest.raises(SchemaRegistryError) as refused:
        new_client(url, **wrong).get_subjects()
    assert refused.value.http_status_code == 401
    for settings in (reader, token, bearer):
        limited = new_client(url, **settings)
        assert isinstance(limited.get_subjects(), list)
        with pytest.raises(SchemaRegistryError) as refused:
            limited.register_schema("forbidden-value", Schema(SCHEMA, "JSON"))
        assert refused.value.http_status_code == 403
