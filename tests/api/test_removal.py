"""DELETE: what was published by mistake goes, if nothing depends on it; its number stays spent."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.core.management import call_command

from contracts_app.services.archives import import_version, read_archive
from contracts_app.storage import Actor, contract_store
from contracts_app.storage.memory import MemoryContractStore
from tests.api.conftest import ALL, make_token

CONTRACT = "/registry/contracts/a.mistake"
PATH = f"{CONTRACT}/1.0.0"


def remove(api, path=PATH, token=None, **query):
    query = {"reason": "a typing error"} | query
    token = token or make_token(*ALL, "contracts:remove", sub="remover")
    return api.client.delete(
        f"{path}?{urlencode(query)}", headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}
    )


def test_a_draft_is_removed_and_its_number_stays_spent(api):
    api.publish("a.mistake", "1.0.0", {"type": "object", "title": "secret"}, state="draft", labels=["x"])
    done = remove(api)
    assert (done.status_code, done.json()) == (
        200,
        {"status": "removed", "name": "a.mistake", "versions": ["1.0.0"]},
    )
    gone = api.get(f"{PATH}?includeWithdrawn=true", Accept="application/json")
    assert (gone.status_code, "a typing error" in gone.json()["detail"]) == (410, True)
    assert gone.json()["lifecycle"]["state"] == "removed"
    assert api.get(CONTRACT).status_code == 404
    assert api.get("/registry/contracts").json()["contracts"] == []
    assert api.get("/registry/contracts?q=mistake").json()["contracts"] == []
    again = api.publish("a.mistake", "1.0.0", {"type": "object"})
    assert (again.status_code, "number stays spent" in again.json()["detail"]) == (409, True)
    assert api.publish("a.mistake", "1.0.1", {}).status_code == 201
    assert api.get(f"{CONTRACT}/latest").json()["version"] == "1.0.1"
    assert b"secret" not in contract_store().get("a.mistake", "1.0.0").to_record()


def test_what_was_published_needs_force(api):
    api.publish("a.mistake", "1.0.0", {"type": "string"})
    refused = remove(api)
    assert (refused.status_code, "force" in refused.json()["detail"]) == (409, True)
    assert remove(api, force="true", dryRun="true").json()["status"] == "valid"
    assert api.get(PATH).status_code == 200
    assert remove(api, force="true").status_code == 200
    # It is not compared any more.
    assert api.publish("a.mistake", "1.1.0", {"type": "integer"}).status_code == 201


@pytest.mark.parametrize("withdrawn", [False, True])
def test_nothing_is_removed_that_another_depends_on(api, withdrawn):
    api.publish("a.mistake", "1.0.0", {"type": "string"})
    api.publish("user.of", "1.0.0", {"$ref": "contract:a.mistake@1.0.0"})
    if withdrawn:
        api.post("", "/registry/contracts/user.of/1.0.0/withdraw")
    for path in (PATH, CONTRACT):
        refused = remove(api, path, force="true")
        assert (refused.status_code, refused.json()["dependents"]) == (409, [{"name": "user.of", "version": "1.0.0"}])
    assert remove(api, "/registry/contracts/user.of", force="true").status_code == 200
    assert remove(api, force="true").status_code == 200


def test_a_whole_contract_is_removed(api):
    api.publish("a.mistake", "1.0.0", {"type": "string"})
    api.publish("a.mistake", "1.1.0", {"type": "string"}, state="draft")
    assert remove(api, CONTRACT).status_code == 409
    assert len(api.get(CONTRACT).json()["versions"]) == 2
    assert remove(api, CONTRACT, force="true").json()["versions"] == ["1.0.0", "1.1.0"]
    assert api.get(CONTRACT).status_code == 404
    assert remove(api, CONTRACT, force="true").status_code == 404
    assert remove(api, force="true").status_code == 404


def test_the_history_keeps_who_and_why(api):
    api.publish("a.mistake", "1.0.0", {"type": "string"}, state="draft")
    remove(api)
    api.token = make_token("contracts:audit", "contracts:read")
    entry = api.get("/registry/audit?contract=a.mistake&action=remove").json()["entries"][0]
    assert (entry["actor"], entry["before"], entry["reason"]) == ("remover", "draft", "a typing error")
    events = api.get("/registry/events?since=0").json()["events"]
    assert events[-1]["type"] == "contract.removed"


def test_a_removal_needs_its_scope_a_reason_and_a_writable_contract(api):
    api.publish("a.mistake", "1.0.0", {"type": "string"}, state="draft")
    assert remove(api, token=make_token(*ALL, "contracts:admin")).status_code == 403
    assert remove(api, token=make_token("contracts:remove:another.*")).status_code == 403
    for query in ({"reason": ""}, {"reason": " "}, {"force": "yes"}, {"forced": "true"}):
        assert remove(api, **query).status_code == 400, query
    assert remove(api, f"{CONTRACT}/latest").status_code == 400
    assert remove(api, token=make_token("contracts:remove:a.*")).status_code == 200


def test_an_archive_keeps_that_a_number_is_spent(api, tmp_path):
    api.publish("a.mistake", "1.0.0", {"type": "string"}, state="draft")
    remove(api)
    path = tmp_path / "archive"
    call_command("export_archive", path)
    (kept,) = read_archive(path).bundles
    assert (kept.state, kept.json_schema) == ("removed", None)
    store, actor = contract_store(), Actor("importer")
    assert import_version(store, kept, actor, dry_run=False) == "unchanged"
    elsewhere = MemoryContractStore()
    assert import_version(elsewhere, kept, actor, dry_run=False) == "imported"
    assert not list(elsewhere.index())
    assert import_version(elsewhere, kept, actor, dry_run=False) == "unchanged"
    api.publish("another.one", "1.0.0", {})
    other = replace(contract_store().get("another.one", "1.0.0"), name="a.mistake")
    assert import_version(elsewhere, other, actor, dry_run=False) == "conflict"
