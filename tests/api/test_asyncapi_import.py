"""AsyncAPI documents as contracts and bindings: what the command makes of a document that somebody else wrote."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contracts_app.services.asyncapi_import import InvalidDocument, parse_document, read_channels
from tests.api.conftest import make_token
from tests.api.test_asyncapi import exported  # noqa: F401 - a fixture
from tests.api.test_bindings import ADMIN

DOCUMENT = """
asyncapi: 3.0.0
info: {title: Shop, version: 1.0.0}
channels:
  orderCreated:
    address: shop/{country}/orders
    messages:
      OrderCreated: {$ref: '#/components/messages/OrderCreated'}
  everything:
    address: audit.{rest}
    messages:
      audit-entry:
        contentType: application/cloudevents+json
        payload:
          schemaFormat: application/schema+json;version=2020-12
          schema: {type: object, properties: {order: {$ref: '#/components/schemas/Order'}}}
  two:
    address: two
    messages: {a: {payload: {}}, b: {payload: {}}}
  avro:
    address: avro
    messages: {a: {payload: {schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: {}}}}
  text:
    address: text
    messages: {a: {contentType: text/plain, payload: {type: string}}}
  elsewhere:
    address: elsewhere
    messages: {a: {payload: {$ref: './other.yaml#/a'}}}
  part:
    address: 'orders.v{version}'
    messages: {a: {payload: true}}
components:
  messages:
    OrderCreated:
      summary: An order was created
      payload: {$ref: '#/components/schemas/Order'}
  schemas:
    Order:
      type: object
      required: [id]
      properties:
        id: {type: string, example: 2026-01-01}
        on: {enum: [no, yes, 2020-02-02]}
        parent: {$ref: '#/components/schemas/Order'}
        lines: {type: array, items: {$ref: '#/components/schemas/Line'}}
    Line: {type: object, properties: {200: {type: integer}}}
"""


@pytest.fixture
def admin(api):
    api.token = make_token(*ADMIN)
    return api


@pytest.fixture
def run(admin, live_server, tmp_path):
    def run(document, *arguments):
        """Return the exit code, the output and the errors of an import."""
        path, out, errors = tmp_path / "asyncapi.yaml", StringIO(), StringIO()
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        options = {"registry_endpoint": live_server.url, "jwt": admin.token, "stdout": out, "stderr": errors}
        try:
            call_command("import_asyncapi", str(path), *arguments, **options)
        except CommandError as error:
            return error.returncode, out.getvalue(), f"{errors.getvalue()}{error}"
        return 0, out.getvalue(), errors.getvalue()

    return run


def test_channels_become_contracts_and_bindings(admin, run):
    code, out, errors = run(DOCUMENT)
    assert code == 1
    assert out == ("shop.*.orders -> OrderCreated (1.0.0), report\naudit.> -> audit-entry (1.0.0), report\n")
    for line in (
        "refused: channel 'two': it has 2 messages, and a subject is bound to one contract; split the channel",
        "refused: channel 'avro': the format of its schema is 'application/vnd.apache.avro;version=1.9.0'",
        "refused: channel 'text': its messages are 'text/plain'",
        "refused: channel 'elsewhere': './other.yaml#/a' leads out of the document; put it under components",
        "refused: channel 'part': a parameter is only a part of a token in 'orders.v{version}'",
        "5 of 7 channels were refused",
    ):
        assert line in errors
    contract = admin.get("/registry/contracts/OrderCreated/1.0.0").json()
    assert contract["description"] == "An order was created"
    schema = json.loads(contract["jsonSchema"])
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    order = schema["definitions"]["Order"]
    assert schema["properties"] == order["properties"]
    assert order["properties"]["id"]["example"] == "2026-01-01"
    assert order["properties"]["on"] == {"enum": ["no", "yes", "2020-02-02"]}
    assert order["properties"]["parent"] == {"$ref": "#/definitions/Order"}
    assert schema["definitions"]["Line"]["properties"] == {"200": {"type": "integer"}}
    entry = json.loads(admin.get("/registry/contracts/audit-entry/1.0.0").json()["jsonSchema"])
    assert entry["properties"]["order"] == {"$ref": "#/$defs/Order"}
    assert admin.get("/registry/bindings/orderCreated").json()["subject"] == "shop.*.orders"


def test_a_second_run_changes_nothing_and_a_change_gets_its_version(admin, run):
    run(DOCUMENT)
    assert "-> OrderCreated (unchanged)" in run(DOCUMENT)[1]
    assert "-> OrderCreated (1.1.0)" in run(DOCUMENT.replace("[id]", "[]").replace("200", "300"))[1]
    _, out, _ = run(DOCUMENT.replace("[id]", "[id, parent]"), "--dry-run")
    assert "-> OrderCreated (2.0.0)" in out
    assert admin.get("/registry/contracts/OrderCreated/latest").json()["version"] == "1.1.0"


def test_a_dry_run_does_nothing(admin, run):
    assert "shop.*.orders -> OrderCreated (1.0.0), report" in run(DOCUMENT, "--dry-run")[1]
    assert admin.get("/registry/contracts/OrderCreated").status_code == 404
    assert admin.get("/registry/bindings/orderCreated").status_code == 404


def test_an_export_comes_back_as_it_was(exported, run):  # noqa: F811
    document = exported.get("/registry/asyncapi").json()
    bindings = exported.get("/registry/bindings").json()
    code, out, errors = run(document)
    assert (code, errors) == (0, "")
    assert "orders.*.created -> pay.order (unchanged), report" in out
    assert exported.get("/registry/bindings").json() == bindings
    assert [each["version"] for each in exported.get("/registry/contracts/pay.order").json()["versions"]] == ["1.0.0"]


def test_an_export_fills_another_registry(exported, run):  # noqa: F811
    document = exported.get("/registry/asyncapi").json()
    for name in ("body", "event", "binary", "inner", "bare"):
        exported.client.delete(f"/registry/bindings/{name}", headers=exported.headers({}))
    document["components"]["messages"]["body"]["x-contract"]["name"] = "other.order"
    document["channels"] = {"body": document["channels"]["body"]}
    document["channels"]["body"]["x-binding"]["contract"] = "other.order"
    code, out, errors = run(document)
    assert (code, errors, out) == (0, "", "orders.*.created -> other.order (1.0.0), report\n")
    valid = "/registry/contracts/other.order/1.0.0/validate"
    assert exported.post({"total": {"amount": 1}}, valid).json()["valid"]
    assert not exported.post({"total": {"amount": -1}}, valid).json()["valid"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "This is not an AsyncAPI 3 document"),
        ("asyncapi: 2.6.0", "asyncapi must be 3.x"),
        ("asyncapi: 3.0.0", "The document has no channels"),
        ("a: [", "neither JSON nor YAML"),
        ("a: 1\na: 2", "a mapping has a key twice"),
        ("? [a]\n: 1", "one that is no text"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: " + "[" * 5000, "neither JSON nor YAML"),
    ],
)
def test_unusable_documents(run, text, message):
    code, out, errors = run(text)
    assert (code, out) == (2, "")
    assert message in errors
    assert "asyncapi.yaml: " in errors


def refusals(channels, **more):
    document = {"asyncapi": "3.0.0", "channels": channels, **more}
    return [str(each) for each in read_channels(document) if isinstance(each, InvalidDocument)]


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        (1, "a part of it is not an object"),
        ({}, "it has 0 messages"),
        ({"address": None, "messages": {"a": {"payload": True}}}, "it has no address"),
        ({"address": "a b", "messages": {"a": {"payload": True}}}, "subject"),
        ({"address": "a", "messages": {"a": {}}}, "its message has no payload"),
        ({"address": "a", "messages": {"a": {"payload": 1}}}, "a part of it is not an object"),
        ({"address": "a", "messages": {"///": {"payload": True}}}, "'///' cannot be made a name"),
        ({"$ref": "#/channels/b"}, "leads to nothing"),
        ({"$ref": "#/channels/a"}, "messages"),
        (
            {"address": "a", "x-binding": {"subject": 1, "contract": "a"}, "messages": {"a": {"payload": True}}},
            "subject",
        ),
    ],
)
def test_a_channel_that_is_not_usable_is_named(channel, message):
    (refusal,) = refusals({"a": channel})
    assert refusal.startswith("channel 'a': ")
    assert message in refusal


def test_aliases_cannot_make_a_schema_without_end():
    bomb = "x0: &x0 [1, 2]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n" for n in range(1, 40))
    document = parse_document(
        f"{bomb}asyncapi: 3.0.0\nchannels: {{a: {{address: a, messages: {{m: {{payload: {{enum: *x39}}}}}}}}}}"
    )
    (refusal,) = read_channels(document)
    assert "more than 200000 parts" in str(refusal)


def test_a_recursive_alias_ends():
    text = "asyncapi: 3.0.0\nchannels: {a: {address: a, messages: {m: {payload: &p {not: *p}}}}}"
    with pytest.raises((InvalidDocument, RecursionError)):
        raise next(iter(read_channels(parse_document(text))))
