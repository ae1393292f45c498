"""The pages of the signers, the signatures on a version's page, and policies that ask for them."""

from __future__ import annotations

from contracts_app.services.signatures import add_signature, find_signer
from contracts_app.signatures import Signature, check_envelope
from contracts_app.storage import Actor, contract_store
from tests.console.conftest import publish, text, url
from tests.signing_keys import Key


def test_a_signer_is_added_revoked_and_deleted(console):
    assert "No signers yet" in text(console.get("signer_changelist"))
    key = Key()
    assert console.post("signer_add", name="ci", key=key.public, description="The pipeline").status_code == 302
    assert find_signer("ci")[1].public_key == key.public
    again = console.post("signer_add", name="ci", key=Key().public)
    assert "exists already" in str(again.context["form"].errors["name"])
    refused = console.post("signer_add", name="other", key="no key")
    assert "PEM form" in str(refused.context["form"].errors["key"])
    other = console.post("signer_change", "ci", key=Key().public)
    assert "another key" in str(other.context["form"].errors["key"])
    publish("pay.sent", "1.0.0", {"type": "object"})
    digest = contract_store().get("pay.sent", "1.0.0").digest
    signature = Signature(check_envelope(key.sign(digest)))
    add_signature(name="pay.sent", version="1.0.0", signature=signature, actor=Actor("ci"))
    assert '<span class="label">ci</span>' in text(console.get("contract_version", "pay.sent", "1.0.0"))
    assert 'data-label="Versions signed">1</td>' in text(console.get("signer_changelist"))
    assert "Delete this signer?" in text(console.post("signer_change", "ci", delete="1"))
    kept = console.client.post(url("signer_change", "ci"), {"delete": "1", "confirm": "1"}, follow=True)
    assert "signed 1 versions (pay.sent/1.0.0)" in text(kept)
    assert console.post("signer_change", "ci", key=key.public, revoked="on").status_code == 302
    shown = text(console.get("contract_version", "pay.sent", "1.0.0"))
    assert "does not hold: The key of the signer ci is revoked" in shown
    assert console.post("signer_add", name="idle", key=Key().public).status_code == 302
    assert console.post("signer_change", "idle", delete="1", confirm="1").status_code == 302
    assert console.get("signer_change", "idle").status_code == 404


def test_a_policy_names_the_signers_that_it_asks_for(console):
    form = {"level": "prefix", "name": "pay", "signers": "ci, release"}
    assert console.post("policy_add", **form, confirm="1").status_code == 302
    documents = contract_store().index("policy").documents
    assert documents["policy.prefix.pay"][1] == b'{"requiredSigners":["ci","release"]}'
    assert "ci, release" in text(console.get("policy_changelist"))
    page = console.get("policy_change", "prefix", "pay")
    assert page.context["form"].initial["signers"] == "ci, release"
    refused = console.post("policy_change", "prefix", "pay", signers="No name")
    assert "not a name for a signer" in str(refused.context["form"].errors["signers"])
    assert console.post("policy_change", "prefix", "pay", signers="-", confirm="1").status_code == 302
    documents = contract_store().index("policy").documents
    assert documents["policy.prefix.pay"][1] == b'{"requiredSigners":[]}'
    assert console.get("policy_change", "prefix", "pay").context["form"].initial["signers"] == "-"
