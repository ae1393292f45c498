"""Draft, active, deprecated, sunset, withdrawn: allowed changes, scopes, headers, and the unchanged digest."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from contracts_app.storage import Actor, AuditEntry, contract_store
from tests.api.conftest import ALL, make_token

PATH = "/registry/contracts/life.cycle/1.0.0"
JSON = {"Accept": "application/json"}


def act(api, action, path=PATH, **body):
    return api.post(body or "", f"{path}/{action}", Accept="application/json")


def in_days(days: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def version(api):
    api.publish("life.cycle", "1.0.0", {"type": "object"}, description="first")
    return api.get(PATH).json()


def test_a_deprecated_version_has_headers_and_keeps_its_digest(api, version):
    api.publish("life.cycle", "2.0.0", {"type": "object"})
    sunset = in_days(30)
    done = act(api, "deprecate", reason="use the second", sunset=sunset, successor="2.0.0")
    assert done.status_code == 200, done.content
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert answer.json()["digest"] == version["digest"] == done.json()["digest"]
    assert {key: value for key, value in answer.json().items() if key != "lifecycle"} == version
    assert answer.json()["lifecycle"]["state"] == "deprecated"
    assert answer["ETag"] == f'"{version["digest"]}.2"' == done["ETag"]
    assert answer["Deprecation"].startswith("@")
    assert answer["Sunset"].endswith("GMT")
    assert answer["Link"] == '</registry/contracts/life.cycle/2.0.0>; rel="successor-version"'
    assert answer["Cache-Control"] == "private, no-cache"
    active = act(api, "activate")
    assert active.json()["lifecycle"] == {
        "state": "active",
        "revision": 3,
        "changedAt": active.json()["lifecycle"]["changedAt"],
    }
    assert "Deprecation" not in api.get(PATH)


def test_a_withdrawn_version_is_gone_and_still_readable_on_request(api, version):
    api.publish("life.cycle", "1.1.0", {"type": "object"})
    assert act(api, "withdraw", reason="leaked a secret", successor="1.1.0").status_code == 200
    gone = api.get(PATH, **JSON)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert "leaked a secret" in gone.json()["detail"]
    assert gone["Link"] == '</registry/contracts/life.cycle/1.1.0>; rel="successor-version"'
    assert api.get(f"{PATH}/schema").status_code == 410
    assert api.get(f"{PATH}?includeWithdrawn=true").json()["digest"] == version["digest"]
    assert act(api, "activate").status_code == 409
    assert api.publish("life.cycle", "1.0.0", {"type": "object", "title": "x"}).status_code == 409


def test_after_its_sunset_a_version_is_gone(api, version, monkeypatch):
    assert act(api, "deprecate", sunset=in_days(1)).status_code == 200
    monkeypatch.setattr("contracts_app.bundles.utc_now", lambda: in_days(2))
    assert api.get(PATH).status_code == 410
    assert api.get(f"{PATH}?includeWithdrawn=true").status_code == 200


@pytest.mark.parametrize(
    ("action", "body", "status", "said"),
    [
        ("deprecate", {"sunset": "2020-01-01"}, 422, "in the past"),
        ("deprecate", {"sunset": "soon"}, 400, "RFC 3339"),
        ("deprecate", {"sunset": "2999-W01-3"}, 400, "RFC 3339"),
        ("deprecate", {"successor": "9.9.9"}, 422, "successor"),
        ("deprecate", {"successor": "1.0.0"}, 422, "successor"),
        ("deprecate", {"reason": 1}, 400, "must be a string"),
        ("deprecate", {"reason": " "}, 400, "1 to 2000"),
        ("deprecate", {"because": "x"}, 400, "Unknown fields"),
        ("deprecate", [1], 400, "JSON object"),
        ("activate", {}, 409, "is active"),
        ("undo", {}, 404, "No such action"),
    ],
)
def test_invalid_changes_of_state_are_refused(api, version, action, body, status, said):
    answer = api.post(body, f"{PATH}/{action}", Accept="application/json")
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.content
    assert api.get(PATH).json() == version


def test_the_second_of_two_concurrent_changes_is_a_412(api, version):
    etag = api.get(PATH)["ETag"]
    first = api.post({"reason": "first"}, f"{PATH}/deprecate", If_Match=etag, **{"If-Match": etag})
    assert first.status_code == 200
    second = api.post({"reason": "second"}, f"{PATH}/withdraw", **{"If-Match": etag}, **JSON)
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")
    assert api.get(PATH).json()["lifecycle"]["reason"] == "first"


def test_the_scopes_are_enforced(api, version):
    api.token = make_token("contracts:read")
    assert act(api, "deprecate").status_code == 403
    api.token = make_token("contracts:read", "contracts:write")
    assert act(api, "withdraw", override={"reason": "because"}).status_code == 403
    assert api.get("/registry/audit").status_code == 403
    assert api.client.put("/registry/policies/default", "{}", headers=api.headers({})).status_code == 403


def test_drafts_may_be_replaced_are_not_latest_and_compare_when_activated(api):
    assert api.publish("life.draft", "1.0.0", {"type": "object"}).status_code == 201
    path = "/registry/contracts/life.draft"
    first = api.publish("life.draft", "1.1.0", {"type": "object", "title": "a"}, state="draft")
    assert first.status_code == 201
    assert api.get(f"{path}/latest").json()["version"] == "1.0.0"
    second = api.publish("life.draft", "1.1.0", {"type": "object", "title": "b"}, state="draft")
    assert second.status_code == 201
    assert second.json()["digest"] != first.json()["digest"]
    assert api.get(f"{path}/1.1.0").json()["lifecycle"]["revision"] == 2
    # A draft does not count: 1.0.1 is compared with 1.0.0 alone.
    assert api.publish("life.draft", "1.0.1", {"type": ["object", "string"]}).status_code == 201
    refused = act(api, "activate", f"{path}/1.1.0")
    assert (refused.status_code, refused.json()["code"]) == (422, "content_refused")
    fixed = api.publish("life.draft", "1.1.0", {"type": ["object", "string"], "title": "b"}, state="draft")
    assert fixed.status_code == 201
    assert act(api, "activate", f"{path}/1.1.0").status_code == 200
    assert api.get(f"{path}/latest").json()["version"] == "1.1.0"
    other = api.publish("life.draft", "1.1.0", {"type": ["object", "string"]}, state="draft")
    assert (other.status_code, other.json()["code"]) == (409, "already_exists")


def test_a_policy_may_require_notice(api, version):
    api.token = make_token("contracts:read", "contracts:write", "contracts:admin")
    put = api.client.put(
        "/registry/policies/prefixes/life", json.dumps({"minimumNoticeDays": 90}), headers=api.headers({})
    )
    assert put.status_code == 200
    refused = act(api, "deprecate", sunset=in_days(30))
    assert refused.status_code == 422
    assert "90 days of notice" in refused.json()["detail"]
    assert act(api, "deprecate", sunset=in_days(91)).status_code == 200


def test_a_dry_run_changes_nothing(api, version):
    answer = api.post({"reason": "x"}, f"{PATH}/deprecate?dryRun=true", **JSON)
    assert (answer.status_code, answer.json()["lifecycle"]["state"]) == (200, "deprecated")
    assert api.get(PATH).json() == version


def test_the_audit_log_has_every_change(api, version):
    api.publish("life.cycle", "1.1.0", {"type": "object"})
    act(api, "deprecate", reason="grüße", sunset=in_days(3), successor="1.1.0")
    act(api, "withdraw", reason="now")
    api.token = make_token("contracts:audit", sub="auditor")
    entries = api.get("/registry/audit?contract=life.cycle").json()["entries"]
    logged = [
        (entry["version"], entry["action"], entry["before"], entry["after"], entry["reason"]) for entry in entries
    ]
    assert logged == [
        ("1.0.0", "publish", None, "active", None),
        ("1.1.0", "publish", None, "active", None),
        ("1.0.0", "deprecate", "active", "deprecated", "grüße"),
        ("1.0.0", "withdraw", "deprecated", "withdrawn", "now"),
    ]
    assert all(entry["actor"] == "tester" and entry["requestId"] and entry["time"].endswith("Z") for entry in entries)
    page = api.get("/registry/audit?contract=life.cycle&limit=3")
    assert len(page.json()["entries"]) == 3
    rest = api.get(page["Link"].split(">")[0].lstrip("<"))
    assert [entry["action"] for entry in rest.json()["entries"]] == ["withdraw"]
    assert "Link" not in rest
    only = api.get("/registry/audit?action=withdraw&actor=tester").json()["entries"]
    assert [entry["version"] for entry in only] == ["1.0.0"]
    assert api.get(f"/registry/audit?since={in_days(1)}").json()["entries"] == []
    assert len(api.get(f"/registry/audit?until={in_days(1)}").json()["entries"]) == 4
    for bad in ("since=x", "limit=0", "limit=1001", "cursor=-1", "contract=..", "who=me", "limit=1&limit=2"):
        assert api.get(f"/registry/audit?{bad}").status_code == 400, bad


def test_nothing_is_published_under_a_policy_that_cannot_be_read(api):
    assert api.publish("ruled", "1.0.0", {"type": "string"}).status_code == 201
    audit = AuditEntry(Actor("another program"))
    contract_store().put_document("policy.default", b"not json", after=0, audit=audit)
    refused = api.publish("ruled", "2.0.0", {"type": "string"})
    assert (refused.status_code, refused.json()["key"]) == (500, "policy.default")
    api.token = make_token(*ALL, "contracts:admin")
    put = api.client.put("/registry/policies/default", "{}", "application/json", headers=api.headers({}))
    assert put.status_code == 200
    assert api.publish("ruled", "2.0.0", {"type": "string"}).status_code == 201


def test_a_read_only_policy_freezes_contracts_until_it_is_lifted(api):
    assert api.publish("frozen.one", "1.0.0").status_code == 201
    assert api.publish("free.one", "1.0.0").status_code == 201
    policies = "/registry/policies"

    def put(path: str, policy: dict) -> int:
        return api.client.put(f"{policies}/{path}", json.dumps(policy), headers=api.headers({})).status_code

    api.token = make_token(*ALL, "contracts:admin")
    assert put("prefixes/frozen", {"readOnly": True}) == 200
    refused = api.publish("frozen.one", "1.1.0")
    assert refused.status_code == 409
    assert (refused.json()["code"], refused.json()["policy"]) == ("read_only", "policy.prefix.frozen")
    assert api.post({}, "/registry/contracts/frozen.one/1.0.0/deprecate").status_code == 409
    assert api.get("/registry/contracts/frozen.one/1.0.0").status_code == 200
    assert api.publish("free.one", "1.1.0").status_code == 201
    assert put("contracts/frozen.one", {"readOnly": False}) == 200
    assert api.publish("frozen.one", "1.1.0").status_code == 201, "a nearer policy lifts it"
    assert put("default", {"readOnly": True}) == 200
    assert api.publish("free.one", "1.2.0").status_code == 409
    assert put("default", {"readOnly": False}) == 200
    assert api.publish("free.one", "1.2.0").status_code == 201
