"""A search finds what a scan of each version would find, page by page, also with concurrent writes."""

from __future__ import annotations

import json
import random
from urllib.parse import urlencode

import pytest

from contracts_app.services.search_index import fold, matched_names, search_index, words_of
from contracts_app.services.search_pages import SearchQuery, search_page
from contracts_app.storage import ContractIndex, Entry
from contracts_app.storage.memory import MemoryContractStore
from tests.api.conftest import make_token
from tests.storage.suite import AUDIT, make

WORDS = ("Order", "order", "STRASSE", "straße", "İstanbul", "x\ny", "", "été", "payment", "a.b", "🦊", "pay order")


def written(index: ContractIndex, search: SearchQuery) -> list[Entry]:
    """Return the expected results, by scanning each version."""

    def holds(entry: Entry) -> bool:
        text = fold(" ".join((entry.name, entry.description or "", *entry.labels)))
        return entry.name.startswith(search.prefix) and all(word in text for word in words_of(search.q))

    return [entry for entry in index if holds(entry)]


def pages(store: MemoryContractStore, **query) -> list[Entry]:
    found: list[Entry] = []
    cursor: str | None = ""
    while cursor is not None:
        groups, cursor = search_page(store.index(), SearchQuery(**query, cursor=cursor), store)
        found += [entry for group in groups for entry in group]
    return found


def test_random_searches_find_what_a_full_scan_finds():
    choice = random.Random(7).choice
    store = MemoryContractStore()
    index = store.index()
    for number in range(300):
        name = f"{choice(('order', 'pay', 'a'))}.{choice(('x', 'Y', 'strasse'))}.n{choice(range(40))}"
        bundle = make(
            name, f"{number}.0.0", description=choice((None, *WORDS)), labels=tuple({choice(WORDS[:4]), choice("pq")})
        )
        store.create(bundle, after=index.revision(name), audit=AUDIT)
        query = {"q": choice(WORDS), "prefix": choice(("", "", "order", "pay.x", "z"))}
        expected = written(index, SearchQuery(**query))
        assert pages(store, **query, limit=choice((1, 2, 7, 1000))) == expected
        groups = pages(store, **query, limit=choice((1, 3)), with_versions=True)
        assert groups == expected


def test_an_empty_registry_has_no_matches():
    assert pages(MemoryContractStore(), q="a", limit=5) == []


ORDER = {
    "type": "object",
    "required": ["tenantId"],
    "properties": {
        "tenantId": {"type": "string"},
        "lines": {"type": "array", "items": {"properties": {"unit_price": {"type": "integer"}}}},
        "note": {"$ref": "#/$defs/Note"},
    },
    "$defs": {"Note": {"properties": {"author": {"type": ["string", "null"]}}}},
}
WIT = """package acme:resizer@1.0.0;
// resize-later: func() is only a comment
interface pictures { record size { width: u32 } resize: func(to: size) -> bool; }
"""


@pytest.fixture
def stocked(api):
    for name, schema, fields in (
        ("shop.order.placed", ORDER, {"description": "An order was placed", "labels": ["owner:checkout", "pii"]}),
        ("media.resizer", None, {"wit": WIT}),
        ("weather.report", {"properties": {"tenant-id": {"type": "integer"}}}, {}),
    ):
        answer = api.publish(name, "1.0.0", schema, **fields)
        assert answer.status_code == 201, answer.content
    return api


def found(api, q: str, **more: str) -> dict:
    answer = api.get(f"/registry/search?{urlencode({'q': q, **more})}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def set_policy(api, policy: dict):
    path, headers = "/registry/policies/prefixes/weather", api.headers({"Accept": "application/json"})
    return api.client.put(path, policy, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("placed order", ["shop.order.placed"]),
        ("order.placed", ["shop.order.placed"]),
        ("ORDER checkout", ["shop.order.placed"]),
        ("tenantid", ["shop.order.placed", "weather.report"]),
        ("tenant id", ["shop.order.placed", "weather.report"]),
        ("unitPrice", ["shop.order.placed"]),
        ("author pii", ["shop.order.placed"]),
        ("acme:resizer", ["media.resizer"]),
        ("resize", ["media.resizer"]),
        ("resize-later", []),
        ("tenantId sunshine", []),
        ("...", ["media.resizer", "shop.order.placed", "weather.report"]),
    ],
)
def test_words_match_in_any_order_in_names_owners_fields_and_wit(stocked, q, names):
    assert [each["name"] for each in found(stocked, q)["contracts"]] == names
    listed = stocked.get(f"/registry/contracts?{urlencode({'q': q})}").json()["contracts"]
    assert [each["name"] for each in listed] == sorted(names)


def test_a_result_says_where_a_field_is_and_what_it_is(stocked):
    (contract,) = found(stocked, "tenantId shop")["contracts"]
    assert contract["owner"] == "checkout"
    assert contract["matches"] == [
        {
            "kind": "field",
            "name": "tenantId",
            "path": "tenantId",
            "pointer": "/properties/tenantId",
            "type": "string",
            "required": True,
        }
    ]
    (contract,) = found(stocked, "unit_price")["contracts"]
    assert [(each["path"], each["type"]) for each in contract["matches"]] == [("lines[].unit_price", "integer")]
    (contract,) = found(stocked, "resize")["contracts"]
    assert [(each["kind"], each["name"]) for each in contract["matches"]] == [
        ("function", "resize"),
        ("package", "acme:resizer@1.0.0"),
    ]


def test_fields_of_older_versions_are_not_found(stocked):
    assert stocked.publish("weather.report", "2.0.0", {"properties": {"city": {}}}).status_code == 201
    assert [each["name"] for each in found(stocked, "tenant")["contracts"]] == ["shop.order.placed"]
    assert [each["version"] for each in found(stocked, "city")["contracts"]] == ["2.0.0"]


def test_a_misspelt_word_gets_a_suggestion(stocked):
    answer = found(stocked, "tennantId order")
    assert (answer["total"], answer["suggestion"]) == (0, "tenantid order")
    assert found(stocked, "zzzzzz")["suggestion"] is None


def test_a_digest_finds_its_contract(stocked):
    digest = stocked.get("/registry/contracts/weather.report/1.0.0").json()["digest"]
    for part in (digest, digest[:12], digest[:12].upper()):
        assert [each["name"] for each in found(stocked, part)["contracts"]] == ["weather.report"]


def test_filters_and_facets(stocked):
    answer = found(stocked, "e")
    assert answer["facets"]["states"] == {"active": 3}
    assert answer["facets"]["owners"] == {"checkout": 1}
    assert found(stocked, "e", owner="checkout")["total"] == 1
    assert found(stocked, "e", prefix="weather.")["total"] == 1
    assert len(found(stocked, "e", limit="2")["contracts"]) == 2
    for bad in (
        "",
        "q=",
        "q=a&q=b",
        "q=a&limit=0",
        "q=a&state=gone",
        "q=a&x=1",
        f"q={'x' * 201}",
        "q=a&label=b&label=c",
    ):
        assert stocked.get(f"/registry/search?{bad}").status_code == 400, bad


def test_a_search_shows_only_what_the_token_may_read(stocked):
    stocked.token = make_token("contracts:read:weather.*")
    answer = found(stocked, "tenantId")
    assert [each["name"] for each in answer["contracts"]] == ["weather.report"]
    assert answer["total"] == 1
    assert "suggestion" not in found(stocked, "plcaed")


def test_the_owner_of_a_prefix_is_found_and_shown(stocked):
    stocked.token = make_token("contracts:read", "contracts:admin")
    put = set_policy(stocked, {"owner": "meteo", "contact": "#meteo"})
    assert put.status_code == 200, put.content
    (contract,) = found(stocked, "meteo")["contracts"]
    assert (contract["name"], contract["owner"], contract["contact"]) == ("weather.report", "meteo", "#meteo")
    for bad in ("", " ", "a\nb", "x" * 201, 5, None):
        refused = set_policy(stocked, {"owner": bad})
        assert (refused.status_code, refused.json()["field"]) == (400, "owner")


def test_an_index_follows_writes_and_removals():
    store = MemoryContractStore()
    index = store.index()
    texts = search_index(index, store)
    assert texts.find("sku") == []
    schema = json.dumps({"properties": {"sku": {}}})
    store.create(make("a.b", "1.0.0", json_schema=schema), after=0, audit=AUDIT)
    assert [each.name for each in texts.find("sku")] == ["a.b"]
    assert search_index(index, store) is texts
    bundle = store.get("a.b", "1.0.0")
    assert [each.path for each in matched_names(bundle, ["sku"], 5)] == ["sku"]
