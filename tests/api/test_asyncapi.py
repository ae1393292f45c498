"""The bindings as an AsyncAPI document: whether its schemas mean what those of the registry mean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import jsonschema_rs
import pytest
from django.core.management import call_command

from contracts_app.services.asyncapi import NotPortable, relocate
from contracts_app.services.references import dialect_of
from tests.api.conftest import make_token
from tests.api.test_bindings import ADMIN, put

MONEY = {"type": "object", "properties": {"amount": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"minimum": 0}}}
ORDER = {
    "$id": "https://example.org/order",
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"$ref": "contract:pay.money@^1"}, "lines": {"$ref": "#lines"}},
    "$defs": {"lines": {"$anchor": "lines", "type": "array", "items": {"$ref": "/order#/$defs/line"}}, "line": {}},
}


@pytest.fixture
def exported(api):
    api.token = make_token(*ADMIN)
    assert api.publish("pay.money", "1.0.0", MONEY).status_code == 201
    assert api.publish("pay.order", "1.0.0", ORDER).status_code == 201
    assert api.post({"name": "pay.wit", "version": "1.0.0", "descriptor": {"a": 1}}).status_code == 201
    for name, binding in {
        "body": {"subject": "orders.*.created", "contract": "pay.order", "range": "^1"},
        "event": {"subject": "events.>", "contract": "pay.order", "location": "cloudevents"},
        "binary": {"subject": "binary", "contract": "pay.order", "location": "cloudevents-binary"},
        "inner": {"subject": "inner", "contract": "pay.money", "location": "pointer", "pointer": "/a~1b/data"},
        "bare": {"subject": "bare", "contract": "pay.wit"},
    }.items():
        assert put(api, name, **binding).status_code == 200
    return api


def validator(document, message):
    """Return a validator of a message's payload as a tool sees it that resolves `$ref` from the document's root."""
    payload = document["components"]["messages"][message]["payload"]
    at = f"{payload['$ref']}/schema" if "$ref" in payload else f"#/components/messages/{message}/payload/schema"
    return jsonschema_rs.Draft202012Validator({"$ref": at, "components": document["components"]})


def test_channels_have_the_address_and_the_parameters_of_their_subjects(exported):
    channels = exported.get("/registry/asyncapi").json()["channels"]
    assert {name: each["address"] for name, each in channels.items()} == {
        "bare": "bare",
        "binary": "binary",
        "body": "orders.{token2}.created",
        "event": "events.{rest}",
        "inner": "inner",
    }
    assert list(channels["body"]["parameters"]) == ["token2"]
    assert channels["body"]["bindings"] == {"nats": {}}
    assert channels["body"]["messages"] == {"body": {"$ref": "#/components/messages/body"}}
    chosen = exported.get("/registry/asyncapi?subject=orders.>").json()
    assert (list(chosen["channels"]), list(chosen["components"]["schemas"])) == (["body"], ["pay.order-1.0.0"])
    assert exported.get("/registry/asyncapi?subject=a..b").status_code == 400


@pytest.mark.parametrize(
    ("message", "wrap"),
    [
        ("body", lambda value: value),
        ("binary", lambda value: value),
        ("event", lambda value: {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": value}),
    ],
)
def test_payloads_mean_what_the_contracts_mean(exported, message, wrap):
    document = exported.get("/registry/asyncapi").json()
    valid = validator(document, message)
    for value, expected in (
        ({"total": {"amount": 1}, "lines": [1]}, True),
        ({"total": {"amount": -1}}, False),
        ({"total": {"amount": 1}, "lines": {}}, False),
        ({}, False),
    ):
        assert valid.is_valid(wrap(value)) is expected, value
    assert "$id" not in json.dumps(document)


@pytest.mark.skipif(
    not os.environ.get("REQUIRE_NODE"), reason="REQUIRE_NODE=1 installs the parser by npm, and tries it"
)
def test_the_official_parser_accepts_it(exported, tmp_path):
    folder = tmp_path / "parser"
    shutil.copytree(Path(__file__).parent / "asyncapi", folder)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
    (folder / "document.json").write_bytes(exported.get("/registry/asyncapi").content)
    done = subprocess.run(["node", "check.js", "document.json"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "body orders.{token2}.created\n" in done.stdout
    assert "event application/schema+json;version=2020-12\n" in done.stdout


def test_a_payload_can_be_at_a_pointer(exported):
    valid = validator(exported.get("/registry/asyncapi").json(), "inner")
    assert valid.is_valid({"a/b": {"data": {"amount": 1}}})
    assert not valid.is_valid({"a/b": {"data": {"amount": -1}}})
    assert not valid.is_valid({"a/b": {}})


def test_a_message_without_a_schema_says_why(exported):
    message = exported.get("/registry/asyncapi").json()["components"]["messages"]["bare"]
    assert message["description"] == "pay.wit/1.0.0 has no JSON Schema"
    assert "payload" not in message


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/x%20y%25"}}, "$defs": {"x y%": {"type": "integer"}}},
        {"$defs": {"x": {"$id": "x.json", "properties": {"a": {"$ref": "#/$defs/y"}}, "$defs": {"y": {"maximum": 3}}}}}
        | {"$ref": "x.json"},
        {"properties": {"a": {"$ref": "#/$defs/x", "maximum": 3}}, "$defs": {"x": {"type": "integer"}}},
        {"properties": {"a": {"$ref": "#"}}, "minProperties": 1, "type": "object"},
        {"$schema": "http://json-schema.org/draft-07/schema#"}
        | {"definitions": {"x": {"$id": "#x", "type": "integer"}}, "properties": {"a": {"$ref": "#x", "maximum": 0}}},
        {"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://e/a"}
        | {"definitions": {"x": {"type": "integer"}}, "properties": {"a": {"$ref": "a#/definitions/x"}, "id": {}}},
    ],
)
def test_a_relocated_schema_accepts_the_same(schema):
    draft = dialect_of(schema)
    original = jsonschema_rs.validator_for(schema)
    relocated = relocate(json.loads(json.dumps(schema)), draft, "/deep/schema")
    kind = type(original)
    moved = kind({"$ref": "#/deep/schema", "deep": {"schema": relocated}})
    for value in ({}, {"a": 1}, {"a": 9}, {"a": "x"}, {"a": {}}, {"a": {"a": {}}}, {"a": {"a": 1}}, 1, {"id": 1}):
        assert original.is_valid(value) == moved.is_valid(value), value
    assert {"$id", "id", "$anchor"}.isdisjoint(relocated)


@pytest.mark.parametrize("keyword", ["$dynamicRef", "$recursiveRef"])
def test_a_schema_whose_references_are_dynamic_is_not_carried(keyword):
    with pytest.raises(NotPortable, match="at /properties/a depends on what refers to it"):
        relocate({"properties": {"a": {keyword: "#"}}}, jsonschema_rs.Draft202012, "")


def test_a_schema_that_refers_outside_is_not_carried():
    with pytest.raises(NotPortable, match="leads out of the schema"):
        relocate({"$ref": "https://example.org/other"}, jsonschema_rs.Draft202012, "")


def test_the_command_writes_the_document(exported, live_server, tmp_path):
    out, errors = StringIO(), StringIO()
    path = tmp_path / "asyncapi.json"
    options = {"registry_endpoint": live_server.url, "jwt": exported.token, "stdout": out, "stderr": errors}
    call_command("export_asyncapi", output=path, **options)
    assert "5 channels written" in out.getvalue()
    assert errors.getvalue() == "bare has no payload: pay.wit/1.0.0 has no JSON Schema\n"
    document = json.loads(path.read_text())
    call_command("export_asyncapi", **options)
    assert json.loads(out.getvalue().partition("\n")[2]) == document
    assert document == exported.get("/registry/asyncapi").json()
