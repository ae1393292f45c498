"""Signers, signatures of versions, and policies that ask for them."""

from __future__ import annotations

import base64
import json

import pytest

from contracts_app.services.archives import export_archive, import_version, read_archive, verify_records
from contracts_app.services.signature_checks import fault_of
from contracts_app.signatures import signers_of
from contracts_app.storage import Actor, contract_store
from contracts_app.storage.memory import MemoryContractStore
from tests.api.conftest import make_token
from tests.signing_keys import Key, flipped

PATH = "/registry/contracts/pay.sent/1.0.0"
JSON = {"Accept": "application/json"}
ADMIN = make_token("contracts:read", "contracts:write", "contracts:admin")


@pytest.fixture
def signer(api):
    """A key that the registry knows as `ci`."""
    key = Key()
    assert put(api, "signers/ci", {"publicKey": key.public}).status_code == 201
    return key


def put(api, path, body):
    headers = {"Authorization": f"Bearer {ADMIN}", "Accept": "application/json"}
    return api.client.put(f"/registry/{path}", body, content_type="application/json", headers=headers)


def sign(api, envelope, path=PATH):
    return api.post(envelope, f"{path}/signatures", Accept="application/json")


@pytest.mark.parametrize("kind", ["P-256", "P-384", "Ed25519"])
def test_a_version_is_signed_and_says_so(api, kind):
    key = Key(kind)
    put(api, "signers/ci", {"publicKey": key.public, "description": "The pipeline"})
    digest = api.publish("pay.sent", "1.0.0").json()["digest"]
    before = api.get(PATH)["ETag"]
    added = sign(api, key.sign(digest))
    assert (added.status_code, added.json()["signer"]) == (201, "ci"), added.content
    assert sign(api, key.sign(digest)).status_code == 200, "it is there already"
    read = api.get(PATH)
    assert read.json()["digest"] == digest
    assert read["ETag"] == added["ETag"] != before
    assert [each["signer"] for each in read.json()["signatures"]] == read.json()["signedBy"] == ["ci"]
    (shown,) = api.get(f"{PATH}/signatures").json()["signatures"]
    assert (shown["valid"], shown["content"], shown["reason"]) == (True, True, None)
    assert api.get("/registry/signers/ci").json()["keyId"] == shown["keyId"]
    (entry,) = [each for each in contract_store().history(name="pay.sent") if each.audit.action == "sign"]
    assert entry.audit.actor.subject == "tester"


@pytest.mark.parametrize("member", ["sig", "payload"])
def test_one_changed_bit_and_an_unknown_key_are_refused(api, signer, member):
    digest = api.publish("pay.sent", "1.0.0").json()["digest"]
    for envelope in (flipped(signer.sign(digest), member), Key().sign(digest)):
        refused = sign(api, envelope)
        assert refused.status_code == 422
        assert "No key of a known signer" in refused.json()["detail"]
    other = sign(api, signer.sign("0" * 64))
    assert other.status_code == 422
    assert f"not about {digest}" in other.json()["detail"]
    assert "signatures" not in api.get(PATH).json()


def encoded(statement) -> str:
    return base64.b64encode(json.dumps(statement).encode()).decode()


STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": "0" * 64}}]}
ENVELOPE = {
    "payload": encoded(STATEMENT),
    "payloadType": "application/vnd.in-toto+json",
    "signatures": [{"sig": "AAAA"}],
}


@pytest.mark.parametrize(
    "change",
    [
        {"payload": 1},
        {"payload": "not base64!"},
        {"payload": base64.b64encode(b"{").decode()},
        {"payload": base64.b64encode(b"[" * 100_000).decode()},
        {"payload": "A" * 30_000},
        {"payload": encoded([])},
        {"payload": encoded({**STATEMENT, "_type": "https://in-toto.io/Statement/v0.1"})},
        {"payload": encoded({**STATEMENT, "subject": [{"digest": {"sha512": "0"}}]})},
        {"payload": encoded({**STATEMENT, "subject": [1]})},
        {"payload": encoded({**STATEMENT, "subject": {"digest": {}}})},
        {"payload": "Ã©" * 4},
        {"payloadType": "text/plain"},
        {"signatures": []},
        {"signatures": [{"sig": "AAAA"}, {"sig": "AAAA"}]},
        {"signatures": [{"sig": "é"}]},
        {"signatures": [{"sig": 1}]},
        {"signatures": [{"sig": "AAAA", "keyid": 1}]},
        {"signatures": {"sig": "AAAA"}},
        {"more": 1},
    ],
)
def test_what_is_no_envelope_is_refused_with_the_reason(api, signer, change):
    api.publish("pay.sent", "1.0.0")
    refused = sign(api, {**ENVELOPE, **change})
    assert (refused.status_code, refused.json()["field"]) == (400, "signatures"), refused.content
    given = api.publish("pay.sent", "2.0.0", signatures=[{**ENVELOPE, **change}])
    assert given.status_code == 400


def test_a_short_signature_of_every_kind_of_key_is_no_crash(api):
    for number, kind in enumerate(("P-256", "P-384", "Ed25519")):
        put(api, f"signers/key-{number}", {"publicKey": Key(kind).public})
    api.publish("pay.sent", "1.0.0")
    digest = api.get(PATH).json()["digest"]
    for sig in (
        "",
        "AAAA",
        base64.b64encode(b"\0" * 64).decode(),
        base64.b64encode(b"0\x06\x02\x01\0\x02\x01\0").decode(),
    ):
        payload = encoded({**STATEMENT, "subject": [{"digest": {"sha256": digest}}]})
        assert sign(api, {**ENVELOPE, "payload": payload, "signatures": [{"sig": sig}]}).status_code == 422


def test_a_policy_asks_for_a_signer(api, signer):
    put(api, "signers/other", {"publicKey": (other := Key()).public})
    assert put(api, "policies/prefixes/pay", {"requiredSigners": ["ci", "release"]}).status_code == 200
    refused = api.publish("pay.sent", "1.0.0")
    assert refused.status_code == 422
    digest = refused.json()["digest"]
    assert refused.json()["requiredSigners"] == ["ci", "release"]
    for envelope in (other.sign(digest), flipped(signer.sign(digest), "sig"), signer.sign("1" * 64)):
        assert api.publish("pay.sent", "1.0.0", signatures=[envelope]).status_code == 422
    assert api.get(PATH).status_code == 404
    batch = {"contracts": [{"name": "pay.sent", "version": "1.0.0", "jsonSchema": True}]}
    assert api.post(batch, "/registry/contracts:batch", **JSON).status_code == 422
    published = api.publish("pay.sent", "1.0.0", signatures=[other.sign(digest), signer.sign(digest)])
    assert published.status_code == 201, published.content
    assert api.get(PATH).json()["signedBy"] == ["other", "ci"]
    batch["contracts"][0] |= {"version": "1.0.1"}
    second = api.post(batch, "/registry/contracts:batch?dryRun=true", **JSON).json()["results"][0]
    batch["contracts"][0] |= {"signatures": [signer.sign(second["digest"])]}
    assert api.post(batch, "/registry/contracts:batch", **JSON).status_code == 200
    assert api.publish("other.name", "1.0.0").status_code == 201


def test_a_draft_is_signed_before_it_is_activated(api, signer):
    put(api, "policies/prefixes/pay", {"requiredSigners": ["ci"]})
    digest = api.publish("pay.sent", "1.0.0", state="draft").json()["digest"]
    assert api.post("", f"{PATH}/activate").status_code == 422
    assert sign(api, signer.sign(digest)).status_code == 201
    api.publish("pay.sent", "1.0.0", {"type": "object"}, state="draft")
    assert api.post("", f"{PATH}/activate").status_code == 422, "the signature was of another draft"
    digest = api.get(PATH).json()["digest"]
    sign(api, signer.sign(digest))
    assert api.post("", f"{PATH}/activate").status_code == 200
    assert api.get(PATH).json()["signedBy"] == ["ci"]


def test_signers_keep_their_keys_and_can_be_revoked(api, signer):
    digest = api.publish("pay.sent", "1.0.0").json()["digest"]
    sign(api, signer.sign(digest))
    replaced = put(api, "signers/ci", {"publicKey": Key().public})
    assert (replaced.status_code, replaced.json()["field"]) == (409, "publicKey")
    assert put(api, "signers/twin", {"publicKey": signer.public}).status_code == 409
    admin = {"Authorization": f"Bearer {ADMIN}", "Accept": "application/json"}
    kept = api.client.delete("/registry/signers/ci", headers=admin)
    assert kept.status_code == 409
    assert "pay.sent/1.0.0" in kept.json()["detail"]
    assert put(api, "signers/ci", {"publicKey": signer.public, "revoked": True}).status_code == 200
    (shown,) = api.get(f"{PATH}/signatures").json()["signatures"]
    assert (shown["valid"], shown["reason"]) == (False, "The key of the signer ci is revoked")
    put(api, "policies/default", {"requiredSigners": ["ci"]})
    later = api.publish("pay.sent", "1.0.1").json()["digest"]
    assert api.publish("pay.sent", "1.0.1", signatures=[signer.sign(later)]).status_code == 422
    put(api, "signers/idle", {"publicKey": Key().public})
    assert api.client.delete("/registry/signers/idle", headers=admin).status_code == 204
    assert api.client.get("/registry/signers/idle", headers=admin).status_code == 404
    assert put(api, "signers/new", {"publicKey": Key().public}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"publicKey": "nothing"}, "publicKey"),
        ({"publicKey": Key("P-521").public}, "publicKey"),
        ({"publicKey": Key("secp256k1").public}, "publicKey"),
        ({"publicKey": Key("RSA").public}, "publicKey"),
        ({"publicKey": Key().private.decode()}, "publicKey"),
        ({"publicKey": "é\ud800"}, "publicKey"),
        ({}, "publicKey"),
        ({"publicKey": Key().public, "revoked": 1}, "revoked"),
        ({"publicKey": Key().public, "description": "two\nlines"}, "description"),
        ({"publicKey": Key().public, "more": 1}, None),
    ],
)
def test_what_is_no_signer_is_refused(api, body, field):
    refused = put(api, "signers/ci", body)
    assert refused.status_code == 400
    assert field is None or "field" not in refused.json() or refused.json()["field"] == field
    assert put(api, "signers/No_name", {"publicKey": Key().public}).status_code == 400
    assert put(api, "policies/default", {"requiredSigners": ["No name"]}).status_code == 400
    assert put(api, "policies/default", {"requiredSigners": "ci"}).status_code == 400


def test_signatures_are_verified_again_and_travel_with_archives(api, signer, tmp_path):
    digest = api.publish("pay.sent", "1.0.0").json()["digest"]
    sign(api, signer.sign(digest))
    store = contract_store()
    assert list(verify_records(store, list)) == []
    export_archive(store, lambda _: True, tmp_path, list)
    (bundle,) = read_archive(tmp_path).bundles
    elsewhere, actor = MemoryContractStore(), Actor("tester")
    plain = api.get(PATH).json()
    assert import_version(elsewhere, bundle, actor, dry_run=False) == "imported"
    assert import_version(elsewhere, bundle, actor, dry_run=False) == "unchanged"
    stored = elsewhere.get("pay.sent", "1.0.0")
    assert stored.to_json() == plain
    assert fault_of(stored.signatures[0], stored, signers_of(store.index("signer").documents)) == ""
    (missing,) = verify_records(elsewhere, list)
    assert "there is no signer ci" in missing[1]
    put(api, "signers/ci", {"publicKey": signer.public, "revoked": True})
    (revoked,) = verify_records(store, list)
    assert "revoked" in revoked[1]
