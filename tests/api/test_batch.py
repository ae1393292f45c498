"""Batches: checked as a whole, written in the order of their dependencies, existing versions unchanged."""

from __future__ import annotations

import pytest

from contracts_app.services.batches import MAX_BATCH_MEMBERS

JSON = {"Accept": "application/json"}
BATCH = "/registry/contracts:batch"


def contract(name: str, version: str, schema) -> dict:
    return {"name": name, "version": version, "jsonSchema": schema}


def send(api, *contracts, dry_run=False):
    return api.post({"contracts": list(contracts)}, f"{BATCH}{'?dryRun=true' if dry_run else ''}", **JSON)


SET = (
    contract("set.a", "1.0.0", {"properties": {"b": {"$ref": "contract:set.b@^1"}}}),
    contract("set.b", "1.1.0", {"type": ["integer", "null"]}),
    contract("set.b", "1.0.0", {"type": "integer"}),
    contract("set.c", "1.0.0", {"$ref": "contract:set.a@1.0.0"}),
)


def test_a_set_is_published_in_the_order_of_its_dependencies(api):
    dry = send(api, *SET, dry_run=True)
    assert (dry.status_code, dry.json()["status"]) == (200, "valid")
    assert api.get("/registry/contracts").json()["contracts"] == []
    done = send(api, *SET)
    assert done.status_code == 200
    results = [(each["name"], each["version"], each["status"]) for each in done.json()["results"]]
    assert results == [
        ("set.b", "1.0.0", "created"),
        ("set.b", "1.1.0", "created"),
        ("set.a", "1.0.0", "created"),
        ("set.c", "1.0.0", "created"),
    ]
    pinned = api.get("/registry/contracts/set.a/1.0.0").json()["dependencies"]
    assert [(each["name"], each["version"]) for each in pinned] == [("set.b", "1.1.0")]
    again = send(api, *SET, contract("set.b", "1.2.0", {"type": ["integer", "null"], "title": "b"}))
    assert [each["status"] for each in again.json()["results"]] == ["unchanged"] * 2 + ["created"] + ["unchanged"] * 2


def test_if_one_is_refused_none_is_written(api):
    bad = contract("set.b", "1.2.0", {"type": "string"})
    answer = send(api, *SET, bad)
    assert answer.status_code == 422
    statuses = {(each["name"], each["version"]): each["status"] for each in answer.json()["results"]}
    assert statuses[("set.b", "1.2.0")] == "refused"
    assert api.get("/registry/contracts").json()["contracts"] == []
    other = send(api, contract("set.b", "1.0.0", {"type": "integer"}))
    assert other.status_code == 200
    conflict = send(api, contract("set.b", "1.0.0", {"type": "integer", "title": "other"}))
    assert (conflict.status_code, conflict.json()["results"][0]["code"]) == (422, "already_exists")


def test_circular_dependencies_are_refused(api):
    answer = send(
        api,
        contract("ring.a", "1.0.0", {"$ref": "contract:ring.b@1.0.0"}),
        contract("ring.b", "1.0.0", {"$ref": "contract:ring.a@1.0.0"}),
    )
    assert (answer.status_code, "in a circle: ring.a, ring.b" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], '{"contracts": [...]}'),
        ({"contracts": []}, "1 to 500"),
        ({"contracts": [1]}, "contracts[0]"),
        ({"contracts": [{"name": "a", "version": "1.0.0"}] * 2}, "given twice"),
        ({"contracts": [{"name": "a", "version": "1.0.0", "override": {"reason": "x"}}]}, "one by one"),
        ({"contracts": [{"name": f"a{n}", "version": "v1"} for n in range(MAX_BATCH_MEMBERS + 1)]}, "1 to 500"),
    ],
)
def test_an_invalid_batch_is_refused(api, body, said):
    answer = api.post(body, BATCH, **JSON)
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.content
