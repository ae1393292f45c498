"""Schemas whose `$schema` is a URI of their owner's own, with a draft by the registry's configuration."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.api.conftest import make_token
from tests.commands.serving import serving

OWN = "http://example.com/self-desc/schema?v=1#"


@pytest.fixture(scope="module")
def client(nats_server, tmp_path_factory):
    headers = {"Authorization": f"Bearer {make_token('contracts:read', 'contracts:write')}"}
    log = tmp_path_factory.mktemp("dialects") / "log"
    dialects = f"{OWN}=draft-04, urn:example:newer=2020-12"
    with (
        serving(nats_server.url, log, "registry_project.asgi", SCHEMA_DIALECTS=dialects) as (url, _),
        httpx.Client(base_url=url, headers=headers, timeout=30) as opened,
    ):
        yield opened


def publish(client, version, schema, name="own.dialect"):
    return client.post("/registry/contracts", json={"name": name, "version": version, "jsonSchema": schema})


def amount(**limits):
    return {"$schema": OWN, "type": "object", "properties": {"amount": {"type": "number", **limits}}}


def test_a_schema_of_a_configured_dialect_is_read_in_its_draft(client):
    # A boolean is draft 4's way to exclude the limit; newer drafts refuse it.
    first = amount(minimum=0, exclusiveMinimum=True)
    assert publish(client, "1.0.0", first).status_code == 201
    assert client.get("/registry/contracts/own.dialect/1.0.0").json()["jsonSchema"] == json.dumps(
        first, separators=(",", ":")
    )
    for value, valid in ((0, False), (1, True)):
        answer = client.post("/registry/contracts/own.dialect/1.0.0/validate", json={"amount": value})
        assert answer.json()["valid"] is valid
    narrower = publish(client, "1.1.0", amount(minimum=10, exclusiveMinimum=True))
    assert (narrower.status_code, "minimum" in narrower.text) == (422, True)
    assert publish(client, "1.1.0", amount(minimum=0)).status_code == 201


def test_faults_are_those_of_the_draft(client):
    refused = publish(client, "1.0.0", amount(minimum=0, exclusiveMinimum=5), "own.fault")
    assert (refused.status_code, "boolean" in refused.text) == (422, True)
    newer = {"$schema": "urn:example:newer", "prefixItems": [{"type": "string"}]}
    assert publish(client, "1.0.0", newer, "own.newer").status_code == 201


def test_another_dialect_is_refused_with_the_remedy(client):
    refused = publish(client, "1.0.0", {"$schema": "http://example.com/unknown#"}, "own.unknown")
    assert (refused.status_code, "configuration" in refused.text) == (422, True)
