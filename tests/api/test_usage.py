"""Usage: what clients declare, and what that says about a withdrawal or a change."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from contracts_app.services import usage as services
from contracts_app.storage import contract_store
from contracts_app.usage import Use, touches
from tests.api.conftest import make_token

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "lines": {"type": "array", "items": {"properties": {"sku": {"type": "string"}}}},
        "note": {"type": "string"},
    },
}


@pytest.fixture
def used(api):
    services._kept = None
    api.token = make_token("contracts:read", "contracts:write", "contracts:admin")
    assert api.publish("order", "1.0.0", SCHEMA).status_code == 201
    assert api.publish("order", "1.1.0", {**SCHEMA, "title": "x"}).status_code == 201
    yield api
    services._kept = None


def declare(api, client, **members):
    headers = api.headers({"Accept": "application/json"})
    return api.client.put(f"/registry/usage/{client}", members, content_type="application/json", headers=headers)


def uses(*fields, **more):
    return [{"contract": "order", **({"fields": list(fields)} if fields else {}), **more}]


def test_clients_declare_what_they_use_and_are_listed(used):
    made = declare(used, "billing", version="3.1", environment="prod", uses=uses("/id", range="^1"))
    assert made.status_code == 200, made.content
    assert declare(used, "shop", uses=uses(access="write", range="1.0.0")).status_code == 200
    found = used.get("/registry/contracts/order/usage").json()["clients"]
    assert [(each["client"], each["access"], each["range"], each["uses"]) for each in found] == [
        ("billing", "read", "^1", "1.1.0"),
        ("shop", "write", "1.0.0", "1.0.0"),
    ]
    # Two uses of one version by one client count once.
    declare(used, "audit", uses=[*uses(range="1.x"), *uses(access="write"), *uses(range="^9")])
    versions = used.get("/registry/contracts/order/usage").json()["versions"]
    assert [(each["version"], each["clients"]) for each in versions] == [("1.0.0", 1), ("1.1.0", 2)]
    used.client.delete("/registry/usage/audit", headers=used.headers({}))
    assert found[0]["version"] == "3.1"
    assert found[0]["seen"].endswith("Z")
    # A heartbeat replaces the record, and history and events know nothing of it.
    assert declare(used, "billing", uses=uses()).json()["uses"] == [
        {"contract": "order", "range": "latest", "access": "read"}
    ]
    assert len(used.get("/registry/usage").json()["clients"]) == 2
    assert len(used.get("/registry/events?since=0").json()["events"]) == 2
    assert used.client.delete("/registry/usage/billing", headers=used.headers({})).status_code == 204
    assert [each["client"] for each in used.get("/registry/usage").json()["clients"]] == ["shop"]
    assert used.client.delete("/registry/usage/billing", headers=used.headers({})).status_code == 404


@pytest.mark.parametrize(
    ("client", "members", "field"),
    [
        ("a b", {"uses": uses()}, "client"),
        ("a", {}, "uses"),
        ("a", {"uses": []}, "uses"),
        ("a", {"uses": [{"contract": "1 bad"}]}, "uses[0].contract"),
        ("a", {"uses": uses(range="^^")}, "uses[0].range"),
        ("a", {"uses": uses(access="delete")}, "uses[0].access"),
        ("a", {"uses": uses("id")}, "uses[0].fields"),
        ("a", {"uses": uses(), "version": "x\ny"}, "version"),
        ("a", {"uses": uses() * 201}, "uses"),
    ],
)
def test_a_malformed_usage_is_refused_with_its_place(used, client, members, field):
    refused = declare(used, client, **members)
    assert (refused.status_code, refused.json()["field"]) == (400, field)


def test_a_token_declares_and_sees_only_what_it_may_read(used):
    assert declare(used, "billing", uses=uses()).status_code == 200
    used.token = make_token("contracts:read:other.*")
    assert declare(used, "other", uses=uses()).status_code == 403
    assert used.get("/registry/usage").json() == {"clients": []}
    assert used.client.delete("/registry/usage/billing", headers=used.headers({})).status_code == 403
    assert used.get("/registry/contracts/order/usage").status_code == 403


def test_a_withdrawal_names_who_uses_the_version(used):
    declare(used, "billing", environment="prod", uses=uses(range="1.0.0"))
    found = used.get("/registry/contracts/order/1.0.0/can-withdraw").json()
    assert (found["allowed"], [each["client"] for each in found["clients"]]) == (True, ["billing"])
    assert used.get("/registry/contracts/order/1.1.0/can-withdraw").json()["clients"] == []
    api_publish = used.publish("user", "1.0.0", {"$ref": "contract:order@1.0.0"})
    assert api_publish.status_code == 201
    blocked = used.get("/registry/contracts/order/1.0.0/can-withdraw").json()
    assert blocked["allowed"] is False
    assert "1 versions depend on it" in blocked["reasons"][0]
    assert blocked["dependents"] == [{"name": "user", "version": "1.0.0"}]
    assert used.get("/registry/contracts/order/9.0.0/can-withdraw").status_code == 404


def check(api, schema):
    body = {"old": {"name": "order", "version": "latest"}, "new": {"name": "order", "jsonSchema": schema}}
    return api.post({**body, "consumers": True}, "/registry/check", Accept="application/json").json()


def test_a_check_names_the_clients_that_a_break_concerns(used):
    declare(used, "reads-id", uses=uses("/id"))
    declare(used, "reads-lines", uses=uses("/lines/0/sku"))
    declare(used, "reads-all", uses=uses())
    changed = json.loads(json.dumps(SCHEMA))
    changed["properties"]["lines"]["items"]["properties"]["sku"] = {"type": "integer"}
    report = check(used, changed)
    assert [each["client"] for each in report["consumers"]] == ["reads-all", "reads-lines"]
    assert report["consumers"][0]["changes"][0]["witness"]["instance"]
    assert check(used, {**SCHEMA, "description": "y"})["consumers"] == []


@pytest.mark.parametrize(
    ("fields", "pointer", "expected"),
    [
        ((), "/properties/a", True),
        (("/a",), "/properties/a/type", True),
        (("/a/b",), "/properties/a/type", True),
        (("/a",), "/properties/a/properties/b/type", True),
        (("/a",), "/properties/b/type", False),
        (("/a/3/b",), "/properties/a/items/properties/b", True),
        (("/a/*/b",), "/properties/a/prefixItems/0/properties/c", False),
        (("/a",), "/$defs/x/properties/b", True),
        (("/a",), "/required", True),
    ],
)
def test_a_change_concerns_the_fields_at_and_below_its_place(fields, pointer, expected):
    assert touches(Use("c", fields=fields), (pointer,)) is expected


def test_what_another_program_stored_is_left_out(used):
    contract_store().put_expiring("usage", "broken", b"nonsense")
    contract_store().put_expiring("usage", "odd", b'{"client": "odd"}')
    assert used.get("/registry/usage").json() == {"clients": []}


def test_the_console_shows_clients(used, django_user_model, client):
    declare(used, "billing", environment="prod", uses=uses(range="1.1.0"))
    user = django_user_model.objects.create_superuser("root", password="correct horse")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/admin/contracts_app/contract/order/change/").content.decode()
    assert "billing" in page
    withdraw = client.get("/admin/contracts_app/contract/order/versions/1.1.0/do/withdraw/").content.decode()
    assert "1 client uses it:" in withdraw
    form = {"name": "order", "version": "1.2.0", "schema": '{"type": "string"}'}
    outcome = client.post("/admin/contracts_app/contract/add/", form, headers={"X-Fragment": "outcome"})
    assert "1 client is concerned" in outcome.content.decode()


def test_the_commands_have_exit_codes_for_ci(used, live_server, tmp_path):
    declare(used, "billing", uses=uses(range="1.0.0"))
    more = ("--registry-endpoint", live_server.url, "--jwt", used.token)

    def run(*arguments):
        output = StringIO()
        try:
            call_command(*arguments, *more, stdout=output)
        except SystemExit as end:
            return end.code, output.getvalue()
        return 0, output.getvalue()

    code, text = run("can_i_withdraw", "--name", "order", "--version", "1.0.0")
    assert code == 1
    assert "billing reads 1.0.0, last seen" in text
    assert run("can_i_withdraw", "--name", "order", "--version", "1.1.0")[0] == 0
    schema = tmp_path / "new.json"
    schema.write_text('{"type": "string"}')
    code, text = run("can_i_publish", "--name", "order", "--json-schema", str(schema))
    assert code == 1
    assert "billing reads 1.0.0: type-narrowed" in text or "billing reads 1.0.0:" in text
    schema.write_text(json.dumps({**SCHEMA, "title": "y"}))
    assert run("can_i_publish", "--name", "order", "--json-schema", str(schema))[0] == 0


def test_a_policy_protects_the_versions_that_clients_use(used):
    declare(used, "billing", uses=uses(range="1.0.0"))
    path, headers = "/registry/policies/contracts/order", used.headers({"Accept": "application/json"})

    def policy(**members):
        assert used.client.put(path, members, content_type="application/json", headers=headers).status_code == 200

    policy(protectConsumers=True, allowOverride=True)
    at = "/registry/contracts/order/1.0.0/withdraw"
    refused = used.post({}, at, Accept="application/json")
    assert (refused.status_code, refused.json()["clients"]) == (409, ["billing"])
    assert used.get("/registry/contracts/order/1.0.0/can-withdraw").json()["allowed"] is False
    assert used.post({}, "/registry/contracts/order/1.1.0/withdraw").status_code == 200
    used.token = make_token("contracts:read", "contracts:write", "contracts:override")
    assert used.post({"override": {"reason": "it leaks"}}, at).status_code == 200
