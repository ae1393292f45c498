"""Bindings of subjects to contracts: patterns, specificity, conflicts, and who may change them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts_app.bindings import Binding, binding_for, covers, overlap
from tests.api.conftest import make_token

ADMIN = ("contracts:read", "contracts:write", "contracts:admin", "contracts:audit")


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("orders.created", "orders.created", True),
        ("orders.created", "orders.deleted", False),
        ("orders.*.created", "orders.eu.created", True),
        ("orders.*.created", "orders.created", False),
        ("orders.>", "orders.eu.created", True),
        ("orders.>", "orders", False),
        (">", "a", True),
        ("*", "a.b", False),
        ("orders.>", "orders.*", True),
        ("orders.*", "orders.>", False),
    ],
)
def test_a_pattern_covers_subjects_as_in_nats(pattern, subject, expected):
    assert covers(pattern, subject) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.*", "*.b", True),
        ("a.*", "b.*", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("a.*", "a.b.c", False),
        ("a.*.c", "a.b.>", True),
        (">", "x.y", True),
    ],
)
def test_patterns_overlap_where_a_subject_is_covered_by_both(one, other, expected):
    assert overlap(one, other) is overlap(other, one) is expected


def test_the_most_specific_binding_holds():
    bindings = [Binding(str(n), subject, "c") for n, subject in enumerate((">", "a.>", "a.*.c", "a.b.*", "a.b.c"))]
    for subject, expected in (("a.b.c", "a.b.c"), ("a.b.x", "a.b.*"), ("a.x.c", "a.*.c"), ("a.x", "a.>"), ("z", ">")):
        found = binding_for(reversed(bindings), subject)
        assert found is not None
        assert found.subject == expected
    assert binding_for([], "a") is None


@pytest.fixture
def bound(api):
    api.token = make_token(*ADMIN)
    for name in ("order.created", "order.any"):
        assert api.publish(name, "1.0.0", {"type": "object"}).status_code == 201
    return api


def put(api, name, **binding):
    headers = api.headers({"Accept": "application/json"})
    return api.client.put(f"/registry/bindings/{name}", binding, content_type="application/json", headers=headers)


def test_a_binding_is_set_read_resolved_and_deleted(bound):
    made = put(
        bound, "orders-created", subject="orders.*.created", contract="order.created", range="^1", mode="enforce"
    )
    assert made.status_code == 200, made.content
    assert made.json() == {
        "name": "orders-created",
        "subject": "orders.*.created",
        "contract": "order.created",
        "range": "^1",
        "mode": "enforce",
        "location": "body",
        "version": "1.0.0",
        "overlaps": [],
    }
    assert put(bound, "orders", subject="orders.>", contract="order.any", owner="checkout").status_code == 200
    listed = bound.get("/registry/bindings").json()["bindings"]
    assert [each["name"] for each in listed] == ["orders", "orders-created"]
    assert listed[0]["overlaps"] == [{"name": "orders-created", "subject": "orders.*.created"}]
    assert bound.get("/registry/subjects/orders.eu.created").json()["contract"] == "order.created"
    assert bound.get("/registry/subjects/orders.eu.deleted").json()["contract"] == "order.any"
    assert bound.get("/registry/subjects/payments.made").status_code == 404
    assert bound.get("/registry/subjects/orders.*").status_code == 400
    actions = [each["action"] for each in bound.get("/registry/audit").json()["entries"]]
    assert actions[-2:] == ["set-binding", "set-binding"]
    tag = bound.get("/registry/bindings/orders")["ETag"]
    stale = bound.client.delete("/registry/bindings/orders", headers=bound.headers({"If-Match": '"1"'}))
    assert stale.status_code == 412
    assert bound.client.delete("/registry/bindings/orders", headers=bound.headers({"If-Match": tag})).status_code == 204
    assert bound.get("/registry/subjects/orders.eu.deleted").status_code == 404
    events = bound.get("/registry/events?since=0").json()["events"]
    assert [each["type"] for each in events[-3:]] == ["binding.set", "binding.set", "binding.deleted"]


@pytest.mark.parametrize(
    ("binding", "status", "field"),
    [
        ({"contract": "order.any"}, 400, "subject"),
        ({"subject": "a", "contract": "1 bad"}, 400, "contract"),
        ({"subject": "a..b", "contract": "order.any"}, 400, "subject"),
        ({"subject": "a.>.b", "contract": "order.any"}, 400, "subject"),
        ({"subject": "$JS.API", "contract": "order.any"}, 400, "subject"),
        ({"subject": "a b", "contract": "order.any"}, 400, "subject"),
        ({"subject": "a", "contract": "order.any", "mode": "maybe"}, 400, "mode"),
        ({"subject": "a", "contract": "order.any", "range": "^^"}, 400, "range"),
        ({"subject": "a", "contract": "order.any", "location": "pointer"}, 400, "pointer"),
        ({"subject": "a", "contract": "order.any", "pointer": "/data"}, 400, "pointer"),
        ({"subject": "a", "contract": "order.any", "location": "pointer", "pointer": "data"}, 400, "pointer"),
        ({"subject": "a", "contract": "order.any", "owner": 5}, 400, "owner"),
        ({"subject": "a", "contract": "order.any", "extra": ""}, 400, None),
        ({"subject": "a", "contract": "no.such"}, 404, None),
        ({"subject": "a", "contract": "order.any", "range": "^2"}, 404, None),
    ],
)
def test_an_invalid_binding_is_refused_with_the_member(bound, binding, status, field):
    refused = put(bound, "x", **binding)
    assert (refused.status_code, refused.json().get("field")) == (status, field)
    assert bound.get("/registry/bindings").json() == {"bindings": []}


def test_two_bindings_cannot_have_the_same_pattern(bound):
    assert put(bound, "one", subject="a.>", contract="order.any").status_code == 200
    refused = put(bound, "two", subject="a.>", contract="order.created")
    assert refused.status_code == 409
    assert "The binding one has the subject a.> already" in refused.json()["detail"]
    assert put(bound, "one", subject="a.>", contract="order.created").status_code == 200


def test_of_parallel_bindings_with_the_same_pattern_exactly_one_is_set(bound):
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            binding = {"subject": f"a{number}.>", "contract": "order.any"}
            names = [f"b{number}-{each}" for each in range(8)]
            statuses = list(pool.map(lambda name, given=binding: put(bound, name, **given).status_code, names))
            assert sorted(statuses) == [200] + [409] * 7
    assert len(bound.get("/registry/bindings").json()["bindings"]) == 5


def test_a_binding_needs_the_scope_for_its_contract(bound):
    assert put(bound, "created", subject="a", contract="order.created").status_code == 200
    bound.token = make_token("contracts:read:order.any", "contracts:admin:order.any")
    assert put(bound, "any", subject="b", contract="order.any").status_code == 200
    assert put(bound, "other", subject="c", contract="order.created").status_code == 403
    assert put(bound, "created", subject="a", contract="order.any").status_code == 403  # it is another contract's
    assert bound.client.delete("/registry/bindings/created", headers=bound.headers({})).status_code == 403
    assert [each["name"] for each in bound.get("/registry/bindings").json()["bindings"]] == ["any"]
    assert bound.get("/registry/bindings/created").status_code == 403
    assert bound.get("/registry/subjects/a").status_code == 403
