"""Scopes for some contracts, such as `contracts:write:payments.*`: every route, allowed and refused."""

from __future__ import annotations

import json

import pytest
from django.urls import URLPattern

from contracts_app.api.auth.claims import InvalidClaim, scopes_of
from contracts_app.api.auth.config import read_jwt
from contracts_app.api.auth.scopes import ADMIN, ALL, READ, WRITE, Scopes
from contracts_app.api.urls import urlpatterns
from registry_project.settings import env
from tests.api.conftest import API, make_token
from tests.signing_keys import Key

WIT = "package a:b;"
OURS, THEIRS = "payments.order", "billing.invoice"


@pytest.fixture
def stocked(registry):
    api = API()
    api.token = make_token(*ALL)
    for name in (OURS, THEIRS):
        assert api.publish(name, "1.0.0", {"type": "object"}, wit=WIT).status_code == 201
        assert api.publish(name, "1.1.0", {"type": "object", "title": "x"}, wit=WIT).status_code == 201
    policy = json.dumps({"strictOpenObjects": False})
    for path in ("default", f"contracts/{OURS}", f"contracts/{THEIRS}", "prefixes/payments", "prefixes/billing"):
        response = api.client.put(f"/registry/policies/{path}", policy, "application/json", headers=api.headers({}))
        assert response.status_code == 200
    api.token = make_token(*(f"{scope}:payments.*" for scope in ALL))
    return api


def send(api, method, path, body=None):
    data = json.dumps(body) if body is not None else None
    headers = api.headers({"Accept": "application/json"})
    return api.client.generic(method, path, data or "", content_type="application/json", headers=headers)


VERSION = "/registry/contracts/{name}/1.0.0"
# Method and path, the body, and the status for a contract that the token covers.
SIGNATURE = Key().sign("0" * 64)
NAMED = [
    ("GET", "/registry/contracts/{name}", None, 200),
    ("GET", "/registry/contracts/{name}/diff?from=1.0.0&to=1.1.0", None, 200),
    ("GET", "/registry/contracts/{name}/changelog", None, 200),
    ("GET", "/registry/contracts/{name}/usage", None, 200),
    ("GET", f"{VERSION}/can-withdraw", None, 200),
    ("PUT", "/registry/usage/some-client", {"uses": [{"contract": "{name}"}]}, 200),
    ("GET", VERSION, None, 200),
    *(("GET", f"{VERSION}/{part}", None, 200) for part in ("schema", "wit", "bundled", "dependencies", "dependents")),
    ("GET", f"{VERSION}/descriptor", None, 404),
    ("GET", f"{VERSION}/examples", None, 200),
    ("POST", f"{VERSION}/validate", {}, 200),
    ("POST", f"{VERSION}/deprecate", {"sunset": "2999-01-01"}, 200),
    ("POST", f"{VERSION}/activate", {}, 409),
    ("POST", "/registry/contracts/{name}/1.1.0/withdraw", {"override": {"reason": "x"}}, 200),
    ("POST", "/registry/contracts", {"name": "{name}", "version": "2.0.0", "jsonSchema": True}, 201),
    (
        "POST",
        "/registry/contracts:batch",
        {"contracts": [{"name": "{name}", "version": "3.0.0", "wit": WIT}]},
        200,
    ),
    ("POST", "/registry/check", {"old": {"name": "{name}", "version": "1.0.0"}, "new": {"jsonSchema": True}}, 200),
    ("POST", "/registry/check", {"old": {"jsonSchema": True}, "new": {"name": "{name}", "jsonSchema": True}}, 200),
    (
        "POST",
        "/registry/check",
        {"old": {"jsonSchema": True}, "new": {"jsonSchema": {"$ref": "contract:{name}@1.0.0"}}},
        200,
    ),
    (
        "POST",
        "/registry/contracts",
        {"name": "payments.new", "version": "1.0.0", "jsonSchema": {"$ref": "contract:{name}@1.0.0"}},
        201,
    ),
    ("GET", "/registry/contracts/{name}/1.0.0/signatures", None, 200),
    ("POST", "/registry/contracts/{name}/1.0.0/signatures", SIGNATURE, 422),
    ("GET", "/registry/proposals/{name}/9.0.0", None, 404),
    ("POST", "/registry/proposals/{name}/9.0.0/approve", {"reason": "good"}, 404),
    ("POST", "/registry/proposals/{name}/9.0.0/reject", {"reason": "bad"}, 404),
    ("DELETE", "/registry/proposals/{name}/9.0.0", None, 404),
    ("GET", "/registry/audit?contract={name}", None, 200),
    ("GET", "/registry/policies/contracts/{name}", None, 200),
    ("PUT", "/registry/policies/contracts/{name}", {"minimumNoticeDays": 2}, 200),
    ("DELETE", "/registry/policies/contracts/{name}", None, 204),
]
PREFIXED = [
    ("GET", "/registry/policies/prefixes/{prefix}", None, 200),
    ("PUT", "/registry/policies/prefixes/{prefix}", {"minimumNoticeDays": 2}, 200),
    ("DELETE", "/registry/policies/prefixes/{prefix}", None, 204),
]
# What needs a scope for all contracts, or shows those that the token covers.
GLOBAL = [
    ("GET", "/registry/contracts", None, 200),
    ("GET", "/registry/events?since=0", None, 200),
    ("GET", "/registry/search?q=o", None, 200),
    ("GET", "/registry/usage", None, 200),
    ("DELETE", "/registry/usage/some-client", None, 404),
    ("GET", "/registry/bindings", None, 200),
    ("GET", "/registry/bindings/none", None, 404),
    ("GET", "/registry/asyncapi", None, 200),
    ("POST", "/registry/streams/NONE/check", {"contract": OURS}, 403),
    ("GET", "/registry/subjects/some.subject", None, 404),
    ("GET", "/registry/webhooks", None, 403),
    ("GET", "/registry/webhooks/some-hook", None, 403),
    ("PUT", "/registry/webhooks/some-hook", {"url": "https://example.com"}, 403),
    ("DELETE", "/registry/webhooks/some-hook", None, 403),
    ("POST", "/registry/webhooks/some-hook/rotate", {}, 403),
    ("POST", "/registry/webhooks/some-hook/test", {}, 403),
    ("GET", "/registry/webhooks/some-hook/dead-letters", None, 403),
    ("POST", "/registry/webhooks/some-hook/redeliver", {"event": "1"}, 403),
    ("GET", "/registry/proposals", None, 200),
    ("GET", "/registry/signers", None, 200),
    ("GET", "/registry/signers/none", None, 404),
    ("PUT", "/registry/signers/none", {"publicKey": "a key"}, 403),
    ("DELETE", "/registry/signers/none", None, 403),
    ("GET", "/registry/policies", None, 200),
    ("GET", "/registry/policies/default", None, 200),
    ("PUT", "/registry/policies/default", {}, 403),
    ("DELETE", "/registry/policies/default", None, 403),
    ("GET", "/registry/audit", None, 403),
    ("GET", "/registry/digests/" + "0" * 64, None, 404),
]


def filled(value, **names):
    text = json.dumps(value)
    for key, name in names.items():
        text = text.replace("{" + key + "}", name)
    return json.loads(text)


@pytest.mark.parametrize(("method", "path", "body", "status"), NAMED)
def test_a_route_with_a_name_needs_a_scope_for_it(stocked, method, path, body, status):
    ours, theirs = (filled([path, body], name=name) for name in (OURS, THEIRS))
    refused = send(stocked, method, *theirs)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert THEIRS in refused.json()["detail"] or "policies" in path
    assert send(stocked, method, *ours).status_code == status


@pytest.mark.parametrize(("method", "path", "body", "status"), PREFIXED)
def test_a_prefix_needs_a_scope_for_all_below_it(stocked, method, path, body, status):
    assert send(stocked, method, path.format(prefix="billing"), body).status_code == 403
    assert send(stocked, method, path.format(prefix="payments"), body).status_code == status


@pytest.mark.parametrize(("method", "path", "body", "status"), GLOBAL)
def test_a_route_for_all_contracts_filters_or_refuses(stocked, method, path, body, status):
    response = send(stocked, method, path, body)
    assert response.status_code == status
    if status == 200 and method == "GET":
        assert THEIRS not in response.content.decode()


def test_every_route_was_tried():
    def route(path):
        return (
            path.partition("?")[0]
            .format(name="<str:name>", prefix="<str:name>")
            .replace("1.0.0", "<str:version>")
            .replace("9.0.0", "<str:version>")
        )

    tried = {route(path).lstrip("/") for _, path, _, _ in [*NAMED, *PREFIXED, *GLOBAL]}
    tried = {path.replace("0" * 64, "<str:digest>").replace("bindings/none", "bindings/<str:name>") for path in tried}
    tried = {path.replace("some.subject", "<str:subject>").replace("some-client", "<str:client>") for path in tried}
    tried = {
        path.replace("some-hook", "<str:webhook>").replace("signers/none", "signers/<str:signer>") for path in tried
    }
    tried = {path.replace("streams/NONE", "streams/<str:stream>") for path in tried}
    known = {str(pattern.pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    known -= {"registry/openapi.json", "registry/docs"}
    action = "registry/contracts/<str:name>/<str:version>/<str:action>"
    assert action in known
    assert known - {action} <= tried


def test_lists_and_searches_show_what_the_token_covers(stocked):
    for path in ("/registry/contracts", "/registry/contracts?q=1&include=versions", "/registry/contracts?prefix=b"):
        names = {item["name"] for item in stocked.get(path).json()["contracts"]}
        assert names <= {OURS}
    assert {each["name"] for each in stocked.get("/registry/policies").json()["policies"]} == {None, OURS, "payments"}


@pytest.mark.parametrize(
    ("held", "name", "allowed"),
    [
        (["contracts:read"], "a", True),
        (["contracts:read:a"], "a", True),
        (["contracts:read:a"], "a.b", False),
        (["contracts:read:a.*"], "a.b", True),
        (["contracts:read:a.*"], "a", False),
        (["contracts:read:a.*"], "ab.c", False),
        (["contracts:read:*"], "anything", True),
        (["contracts:read:a*"], "ab", False),
        (["contracts:read:"], "a", False),
        (["contracts:write:a"], "a", False),
        (["read", "contracts", "contracts:", "contracts:reads", "CONTRACTS:READ"], "a", False),
    ],
)
def test_what_a_scope_covers(held, name, allowed):
    assert Scopes(held).allows(READ, name) is allowed
    assert Scopes(held).allows(READ) is (held in (["contracts:read"], ["contracts:read:*"]))


def test_a_prefix_is_covered_by_the_scope_for_all_below_it():
    scopes = Scopes(["contracts:admin:a.*", "contracts:write"])
    assert [scopes.allows_prefix(ADMIN, prefix) for prefix in ("a", "a.b", "ab", "b")] == [True, True, False, False]
    assert scopes.allows_prefix(WRITE, "b")


@pytest.mark.parametrize(
    ("claims", "names", "found"),
    [
        ({"scopes": None, "scope": "a b"}, ("scopes", "scope"), {"a", "b"}),
        ({"scopes": [], "scope": "a"}, ("scopes", "scope"), set()),
        ({"scp": ["a"]}, ("scp",), {"a"}),
        ({"realm_access": {"roles": ["a", "writer"]}}, ("realm_access.roles",), {"a", "writer", WRITE, READ}),
        ({"https://x/y.z": "a"}, ("https://x/y.z",), {"a"}),
        ({"realm_access": "a"}, ("realm_access.roles",), set()),
        ({}, ("permissions",), set()),
    ],
)
def test_the_claim_that_holds_the_scopes_is_configurable(claims, names, found):
    assert scopes_of(claims, names, {"writer": (WRITE, READ)}) == found


@pytest.mark.parametrize("value", [5, True, {"a": 1}, [1], [["a"]], ["a" * 1000], ["a"] * 2000])
def test_scopes_of_another_form_are_invalid(value):
    with pytest.raises(InvalidClaim):
        scopes_of({"scopes": value}, ("scopes",), {})


def test_claim_and_mapping_are_settings(monkeypatch):
    monkeypatch.setenv("JWT_SCOPES_CLAIM", "scp,realm_access.roles")
    monkeypatch.setenv("JWT_SCOPE_MAPPING", "reader=contracts:read,writer=contracts:write,writer=contracts:read:a.*")
    config = read_jwt(env)
    assert config.scope_claims == ("scp", "realm_access.roles")
    assert config.scope_mapping == {"reader": (READ,), "writer": (WRITE, "contracts:read:a.*")}
