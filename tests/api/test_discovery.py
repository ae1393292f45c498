"""Search, pages, ranges, parts and digests."""

from __future__ import annotations

import hashlib

import pytest

JSON = {"Accept": "application/json"}
ALL = "/registry/contracts?limit=1000"


@pytest.fixture
def stocked(api):
    for name, version, fields in [
        ("shop.order", "1.0.0", {"labels": ["team:orders", "pii"], "description": "An order was placed"}),
        ("shop.order", "1.1.0", {"labels": ["team:orders"]}),
        ("shop.order", "2.0.0-rc.1", {}),
        ("shop.invoice", "v1", {"description": "Grüße"}),
        ("shop.invoice", "v2", {"wit": "package shop:invoice;\n\ninterface a {}\n", "descriptor": {"a": [1.0]}}),
        ("weather", "0.1.0", {}),
    ]:
        answer = api.publish(name, version, {"type": "object"}, **fields)
        assert answer.status_code == 201, answer.content
    return api


def listed(api, query):
    answer = api.get(f"/registry/contracts?{query}", **JSON)
    assert answer.status_code == 200, answer.content
    return [(item["name"], item["version"]) for item in answer.json()["contracts"]]


def test_the_list_without_parameters_is_unchanged_by_search(stocked):
    answer = stocked.get("/registry/contracts")
    items = answer.json()["contracts"]
    assert list(answer.json()) == ["contracts"]
    assert [list(item) for item in items] == [["name", "version", "description", "createdAt"]] * 6
    assert stocked.get("/registry/contracts", **{"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q=ORDER", 3),
        ("q=gr%C3%BC%C3%9Fe", 1),
        ("q=pii", 1),
        ("prefix=shop.", 5),
        ("prefix=shop.order", 3),
        ("prefix=zz", 0),
        ("label=team:orders", 2),
        ("label=team:orders&label=pii", 1),
        ("state=active", 6),
        ("state=draft&state=withdrawn", 0),
        ("limit=1000", 6),
        ("q=order&prefix=shop&state=active&limit=2", 2),
    ],
)
def test_parameters_narrow_the_list(stocked, query, count):
    assert len(listed(stocked, query)) == count


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=1001", "limit=x", "state=gone", "include=all", "cursor=%21", "cursor=Li4", "unknown=1"),
        *("q=a&q=b", f"q={'x' * 201}"),
    ],
)
def test_invalid_parameters_are_a_400(stocked, query):
    assert stocked.get(f"/registry/contracts?{query}", **JSON).status_code == 400


@pytest.mark.parametrize("query", ["limit=2", "limit=1&prefix=shop.", "limit=2&include=versions", "limit=1&q=o"])
def test_pages_are_complete_and_stable_while_others_write(stocked, query):
    whole = stocked.get(f"/registry/contracts?limit=1000&{query.split('&', 1)[1]}" if "&" in query else ALL)
    wanted = whole.json()["contracts"]
    found, path = [], f"/registry/contracts?{query}"
    while path:
        answer = stocked.get(path, **JSON)
        found += answer.json()["contracts"]
        stocked.publish(f"a{len(found)}.written.meanwhile", "v1")
        path = answer["Link"].split(">")[0].lstrip("<") if "Link" in answer else None
    assert len(found) >= len(wanted) > 1
    assert [item for item in found if "meanwhile" not in item["name"]] == wanted


def test_a_contract_has_its_versions_and_policy(stocked):
    answer = stocked.get("/registry/contracts/shop.order").json()
    assert (answer["name"], answer["latest"]) == ("shop.order", "1.1.0")
    assert [version["version"] for version in answer["versions"]] == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert answer["versions"][0]["labels"] == ["team:orders", "pii"]
    assert answer["policy"]["compatibility"] == "backward"
    assert stocked.get("/registry/contracts/shop").status_code == 404
    assert stocked.get("/registry/contracts/..").status_code == 400


@pytest.mark.parametrize(
    ("requested", "found"),
    [
        ("latest", "1.1.0"),
        ("^1.0", "1.1.0"),
        ("~1.0", "1.0.0"),
        ("1.x", "1.1.0"),
        ("%3E%3D1%20%3C3", "1.1.0"),
        ("%3E%3D2.0.0-rc.0", "2.0.0-rc.1"),
        ("*", "1.1.0"),
        ("1.0.0%20-%201.0.5", "1.0.0"),
        ("^9%20%7C%7C%20~1.0.0", "1.0.0"),
    ],
)
def test_a_range_returns_the_exact_version(stocked, requested, found):
    answer = stocked.get(f"/registry/contracts/shop.order/{requested}")
    assert answer.json()["version"] == found
    assert answer["Content-Location"] == f"/registry/contracts/shop.order/{found}"
    assert answer["Cache-Control"] == "private, no-cache"
    part = stocked.get(f"/registry/contracts/shop.order/{requested}/schema")
    assert part["Content-Location"] == f"/registry/contracts/shop.order/{found}/schema"


@pytest.mark.parametrize(
    ("requested", "status"), [("^7", 404), ("9.9.9", 404), ("newest", 400), ("1.2.3+x", 400), ("%3E%3E1", 400)]
)
def test_a_range_without_a_version_is_a_404(stocked, requested, status):
    assert stocked.get(f"/registry/contracts/shop.order/{requested}").status_code == status


def test_parts_are_returned_unchanged(stocked):
    path = "/registry/contracts/shop.invoice/v2"
    schema = stocked.get(f"{path}/schema")
    assert (schema["Content-Type"], schema.content) == ("application/schema+json", b'{"type":"object"}')
    wit = stocked.get(f"{path}/wit")
    assert wit.content.startswith(b"package shop:invoice;")
    assert stocked.get(f"{path}/descriptor").json() == {"a": [1.0]}
    assert stocked.get(f"{path}/schema", **{"If-None-Match": schema["ETag"]}).status_code == 304
    assert stocked.get("/registry/contracts/weather/0.1.0/wit").status_code == 404


def test_a_digest_finds_its_versions(stocked):
    digest = stocked.get("/registry/contracts/weather/0.1.0").json()["digest"]
    found = stocked.get(f"/registry/digests/{digest}").json()["contracts"]
    assert [(item["name"], item["version"]) for item in found] == [("weather", "0.1.0")]
    assert stocked.get(f"/registry/digests/{hashlib.sha256(b'').hexdigest()}").status_code == 404
    assert stocked.get("/registry/digests/ABC").status_code == 400
