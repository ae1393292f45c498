"""Versions that a policy has reviewed: proposed, approved by another person, rejected, taken back."""

from __future__ import annotations

import json
import threading

import pytest

from contracts_app.api.auth.scopes import ALL as SCOPES
from contracts_app.exceptions import StorageUnavailable
from contracts_app.services import proposals
from contracts_app.services.archives import verify_records
from contracts_app.services.events import event_of
from contracts_app.storage import contract_store
from tests.api.conftest import make_token
from tests.signing_keys import Key

JSON = {"Accept": "application/json"}
PATH = "/registry/proposals/pay.sent"
NARROW = {"type": "object", "required": ["id"]}


class Person:
    def __init__(self, api, name: str, *scopes: str) -> None:
        self._api, self._token = api, make_token(*(scopes or SCOPES), sub=name)

    def send(self, method: str, path: str, body=None):
        headers = {"Authorization": f"Bearer {self._token}", **JSON}
        return self._api.client.generic(
            method, path, json.dumps(body) if body is not None else "", content_type="application/json", headers=headers
        )

    def publish(self, version: str, schema=True, name: str = "pay.sent", **fields):
        body = {"name": name, "version": version, "jsonSchema": schema, **fields}
        return self.send("POST", "/registry/contracts", body)

    def approve(self, version: str, reason: str = "good", **fields):
        return self.send("POST", f"{PATH}/{version}/approve", {"reason": reason, **fields})

    def reject(self, version: str, reason: str = "bad"):
        return self.send("POST", f"{PATH}/{version}/reject", {"reason": reason})

    def shown(self, version: str):
        return self.send("GET", f"{PATH}/{version}").json()


@pytest.fixture
def alice(api):
    return Person(api, "alice", "contracts:read", "contracts:write", "contracts:override", "contracts:approve")


@pytest.fixture
def bob(api):
    return Person(api, "bob")


@pytest.fixture
def reviewed(bob):
    """A contract whose breaking changes and overrides are reviewed."""
    assert bob.publish("1.0.0", {"type": "object"}).status_code == 201
    policy = {"review": ["breaking", "override"], "allowOverride": True}
    assert bob.send("PUT", "/registry/policies/prefixes/pay", policy).status_code == 200


def test_a_breaking_version_is_proposed_and_published_once_another_person_approves(alice, bob, reviewed):
    proposed = alice.publish("2.0.0", NARROW)
    assert (proposed.status_code, proposed["Location"]) == (202, f"{PATH}/2.0.0")
    assert (proposed.json()["status"], proposed.json()["review"]) == ("pending", ["breaking"])
    assert alice.send("GET", "/registry/contracts/pay.sent/2.0.0").status_code == 404
    shown = bob.shown("2.0.0")
    assert shown["contract"]["jsonSchema"] == json.dumps(NARROW, separators=(",", ":"))
    assert (shown["report"]["comparedWith"], shown["report"]["verdict"]) == ("1.0.0", "breaking")
    own = alice.approve("2.0.0")
    assert (own.status_code, own.json()["code"]) == (403, "not_permitted")
    done = bob.approve("2.0.0", "the consumers agreed", revision=shown["revision"])
    assert (done.status_code, done.json()["digest"]) == (200, proposed.json()["digest"]), done.content
    version = alice.send("GET", "/registry/contracts/pay.sent/2.0.0").json()
    assert version["digest"] == proposed.json()["digest"]
    after = alice.shown("2.0.0")
    assert (after["state"], after["decidedBy"], after["reason"]) == ("approved", "bob", "the consumers agreed")
    assert "contract" not in after
    (entry,) = bob.send("GET", "/registry/audit?contract=pay.sent&action=publish&actor=alice").json()["entries"]
    assert entry["reason"] == "approved by bob: the consumers agreed"
    assert bob.approve("2.0.0").status_code == 409
    assert bob.reject("2.0.0").status_code == 409
    assert list(verify_records(contract_store(), list)) == []


def test_what_needs_no_review_is_published_at_once(alice, reviewed):
    assert alice.publish("1.1.0", {"type": "object", "properties": {"a": {}}}).status_code == 201
    assert alice.publish("2.0.0", NARROW, state="draft").status_code == 201
    refused = alice.send("POST", "/registry/contracts/pay.sent/2.0.0/activate")
    assert (refused.status_code, refused.json()["code"]) == (422, "review_required")


def test_a_dry_run_says_that_it_would_be_reviewed(alice, reviewed):
    body = {"name": "pay.sent", "version": "2.0.0", "jsonSchema": NARROW}
    checked = alice.send("POST", "/registry/contracts?dryRun=true", body)
    assert (checked.status_code, checked.json()["review"]) == (200, ["breaking"])
    assert alice.send("GET", f"{PATH}/2.0.0").status_code == 404


def test_other_ways_to_publish_are_refused_with_the_remedy(alice, reviewed):
    batch = {"contracts": [{"name": "pay.sent", "version": "2.0.0", "jsonSchema": NARROW}]}
    refused = alice.send("POST", "/registry/contracts:batch", batch)
    assert (refused.status_code, refused.json()["results"][0]["code"]) == (422, "review_required")
    schema = json.dumps({"type": "object", "required": ["other"]})
    body = {"schemaType": "JSON", "schema": schema}
    registered = alice.send("POST", "/confluent/subjects/pay.sent/versions", body)
    assert registered.status_code in (409, 422)
    assert alice.send("GET", "/registry/contracts/pay.sent").json()["latest"] == "1.0.0"


def test_an_override_is_reviewed_with_its_reason(alice, bob, reviewed):
    proposed = alice.publish("1.1.0", NARROW, override={"reason": "a leak"})
    assert proposed.json()["review"] == ["breaking", "override"]
    assert bob.shown("1.1.0")["override"] == "a leak"
    assert bob.approve("1.1.0").status_code == 200
    (entry,) = bob.send("GET", "/registry/audit?contract=pay.sent&action=publish-override").json()["entries"]
    assert entry["reason"] == "a leak; approved by bob: good"


def test_the_first_version_of_a_contract_is_reviewed_where_a_policy_says_so(alice, bob):
    bob.send("PUT", "/registry/policies/prefixes/pay", {"review": ["new"]})
    assert alice.publish("1.0.0").status_code == 202
    assert "report" not in bob.shown("1.0.0")
    assert alice.publish("1.0.0", name="other").status_code == 201
    assert bob.approve("1.0.0").status_code == 200
    assert alice.publish("1.0.1").status_code == 201


def test_a_rejected_proposal_can_be_proposed_anew(alice, bob, reviewed):
    alice.publish("2.0.0", NARROW)
    assert alice.reject("2.0.0").status_code == 403
    assert bob.send("POST", f"{PATH}/2.0.0/reject", {}).status_code == 400, "a reason is asked for"
    assert bob.reject("2.0.0", "keep the field").json()["reason"] == "keep the field"
    assert bob.approve("2.0.0").status_code == 409
    assert alice.publish("2.0.0", NARROW).status_code == 202
    assert bob.shown("2.0.0")["state"] == "pending"


def test_only_the_author_replaces_and_takes_back_a_proposal(alice, bob, reviewed):
    first = alice.publish("2.0.0", NARROW).json()
    again = alice.publish("2.0.0", NARROW).json()
    assert again == first, "the same again changes nothing"
    assert len(contract_store().history()) == 3
    other = bob.publish("2.0.0", NARROW)
    assert (other.status_code, other.json()["author"]) == (409, "alice")
    second = alice.publish("2.0.0", {**NARROW, "title": "x"})
    assert second.json()["digest"] != first["digest"] == again["digest"]
    assert bob.send("DELETE", f"{PATH}/2.0.0").status_code == 403
    assert alice.send("DELETE", f"{PATH}/2.0.0").json()["state"] == "withdrawn"
    assert alice.send("DELETE", f"{PATH}/2.0.0").status_code == 409
    assert bob.approve("2.0.0").status_code == 409
    assert bob.publish("2.0.0", NARROW).status_code == 202


def test_an_approval_is_judged_with_the_versions_of_now(alice, bob, reviewed):
    alice.publish("2.0.0", NARROW)
    seen = bob.shown("2.0.0")["revision"]
    assert alice.publish("1.1.0", {"type": "object", "properties": {"a": {}}}).status_code == 201
    moved = bob.approve("2.0.0", revision=seen)
    assert (moved.status_code, moved.json()["code"]) == (412, "precondition_failed")
    alice.publish("2.1.0", {**NARROW, "required": ["id", "b"]}, override={"reason": "first"})
    assert bob.approve("2.1.0").status_code == 200
    refused = bob.approve("2.0.0")
    assert refused.status_code == 422, "2.1.0 breaks the readers of 2.0.0, which nobody overrode"
    assert bob.shown("2.0.0")["state"] == "pending"


def collect(found, decide, version):
    found.append(decide(version).status_code)


def test_of_an_approval_and_a_rejection_at_once_one_holds(alice, bob, reviewed):
    for number in range(5):
        version = f"{number + 2}.0.0"
        assert alice.publish(version, {**NARROW, "required": [f"field{number}"]}).status_code == 202
        found: list[int] = []
        threads = [
            threading.Thread(target=collect, args=(found, decide, version))
            for decide in (bob.approve, bob.reject, bob.approve)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        published = alice.send("GET", f"/registry/contracts/pay.sent/{version}").status_code == 200
        assert bob.shown(version)["state"] == ("approved" if published else "rejected")
        assert 200 in found
        assert 500 not in found


def test_an_interrupted_approval_is_completed_by_another(alice, bob, reviewed, monkeypatch):
    alice.publish("2.0.0", NARROW)
    real, calls = proposals.publish, []

    def failing(**arguments):
        if not arguments["dry_run"]:
            calls.append(arguments)
            if len(calls) == 1:
                raise StorageUnavailable("gone")
            if len(calls) == 2:
                real(**arguments)
                raise StorageUnavailable("gone after the write")
        return real(**arguments)

    monkeypatch.setattr(proposals, "publish", failing)
    assert bob.approve("2.0.0").status_code == 503
    assert bob.reject("2.0.0").status_code == 409, "it is approved"
    assert bob.approve("2.0.0").status_code == 503
    assert alice.send("GET", "/registry/contracts/pay.sent/2.0.0").status_code == 200
    assert bob.approve("2.0.0").status_code == 200
    assert bob.shown("2.0.0")["state"] == "approved"


def test_proposals_are_seen_by_those_who_may_read_the_contract(api, alice, bob, reviewed):
    alice.publish("2.0.0", NARROW)
    stranger = Person(api, "eve", "contracts:read:other.*", "contracts:approve:other.*")
    assert stranger.send("GET", "/registry/proposals").json()["proposals"] == []
    assert stranger.send("GET", f"{PATH}/2.0.0").status_code == 403
    assert stranger.approve("2.0.0").status_code == 403
    assert Person(api, "carl", "contracts:read", "contracts:write").approve("2.0.0").status_code == 403
    (found,) = bob.send("GET", "/registry/proposals?state=pending&contract=pay.sent").json()["proposals"]
    assert (found["name"], found["author"]) == ("pay.sent", "alice")
    assert bob.send("GET", "/registry/proposals?state=approved").json()["proposals"] == []
    assert bob.send("GET", "/registry/proposals?state=x").status_code == 400
    assert Person(api, "dora", "contracts:approve:pay.*").approve("2.0.0").status_code == 200


def test_decisions_are_events_and_in_the_audit_without_the_content(alice, bob, reviewed):
    alice.publish("2.0.0", NARROW)
    bob.reject("2.0.0", "not now")
    alice.publish("2.0.0", NARROW)
    bob.approve("2.0.0")
    events = [event_of(each, "s") for each in contract_store().history(after=2)]
    types = [each.type for each in events]
    assert types == [
        *("proposal.opened", "proposal.rejected", "proposal.opened", "proposal.approved", "contract.published"),
        "proposal.closed",
    ]
    assert {each.contract for each in events} == {"pay.sent"}
    rejected = json.loads(events[1].body)
    assert rejected["subject"] == "pay.sent/2.0.0"
    assert rejected["data"] | {"digest": ""} == {
        **{"contract": "pay.sent", "version": "2.0.0", "digest": "", "before": "pending", "after": "rejected"},
        **{"reason": "not now", "author": "alice", "review": ["breaking"]},
    }
    assert b"required" not in events[0].body


def test_a_proposal_carries_the_signatures_that_a_policy_asks_for(alice, bob, reviewed):
    key = Key()
    bob.send("PUT", "/registry/signers/ci", {"publicKey": key.public})
    policy = {"review": ["breaking"], "requiredSigners": ["ci"]}
    bob.send("PUT", "/registry/policies/prefixes/pay", policy)
    refused = alice.publish("2.0.0", NARROW)
    assert refused.status_code == 422
    assert alice.publish("2.0.0", NARROW, signatures=[key.sign(refused.json()["digest"])]).status_code == 202
    assert bob.approve("2.0.0").status_code == 200
    assert alice.send("GET", "/registry/contracts/pay.sent/2.0.0").json()["signedBy"] == ["ci"]


@pytest.mark.parametrize("review", ["breaking", ["breaking", "breaking"], ["all"], [1], {}])
def test_a_policy_with_another_review_is_refused(bob, review):
    refused = bob.send("PUT", "/registry/policies/default", {"review": review})
    assert (refused.status_code, refused.json()["field"]) == (400, "review")
