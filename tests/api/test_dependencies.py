"""Contracts that refer to contracts: resolved, pinned, embedded, and protected from withdrawal."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import make_token
from tests.linter.random_schemas import DIALECTS

JSON = {"Accept": "application/json"}
MONEY = {
    "type": "object",
    "properties": {"amount": {"$ref": "#/$defs/amount"}},
    "required": ["amount"],
    "$defs": {"amount": {"type": "integer", "minimum": 0}},
}
PATH = "/registry/contracts/shop.order/1.0.0"


def order(reference: str) -> dict:
    return {"type": "object", "properties": {"total": {"$ref": reference}}, "required": ["total"]}


@pytest.fixture
def money(api):
    api.token = make_token("contracts:read", "contracts:write", "contracts:override", "contracts:admin")
    assert api.publish("shop.money", "1.0.0", MONEY).status_code == 201
    assert api.publish("shop.money", "1.1.0", {**MONEY, "title": "Money"}).status_code == 201
    return api


@pytest.mark.parametrize(
    ("reference", "pinned"),
    [
        ("contract:shop.money@1.0.0", "1.0.0"),
        ("contract:shop.money@^1.0", "1.1.0"),
        ("contract:shop.money@latest", "1.1.0"),
        ("http://localhost:8090/registry/contracts/shop.money/1.0.0/schema", "1.0.0"),
        ("/registry/contracts/shop.money/1.0.0", "1.0.0"),
    ],
)
def test_a_reference_is_pinned_to_the_exact_version(money, reference, pinned):
    assert money.publish("shop.order", "1.0.0", order(reference)).status_code == 201
    answer = money.get(PATH).json()
    assert [(each["name"], each["version"], each["reference"]) for each in answer["dependencies"]] == [
        ("shop.money", pinned, reference)
    ]
    validate = f"{PATH}/validate"
    assert money.post({"total": {"amount": 3}}, validate).json()["valid"]
    assert not money.post({"total": {"amount": -3}}, validate).json()["valid"]
    bundled = money.get(f"{PATH}/bundled").json()
    assert bundled["properties"]["total"]["$ref"] == f"contract:shop.money@{pinned}"
    assert bundled["$defs"][f"shop.money@{pinned}"]["$id"] == f"contract:shop.money@{pinned}"


@pytest.mark.parametrize("name", ["default", "const", "enum", "examples", "example", "$ref"])
def test_a_property_may_have_the_name_of_a_keyword(money, name):
    schema = {"properties": {name: {"$ref": "contract:shop.money@^1"}}, "default": {"$ref": "contract:nothing@1.0.0"}}
    assert money.publish("shop.order", "1.0.0", schema).status_code == 201
    assert [each["version"] for each in money.get(PATH).json()["dependencies"]] == ["1.1.0"]
    bundled = money.get(f"{PATH}/bundled").json()
    assert bundled["properties"][name]["$ref"] == "contract:shop.money@1.1.0"
    assert bundled["default"] == schema["default"]
    assert not money.post({name: {"amount": -3}}, f"{PATH}/validate").json()["valid"]


@pytest.mark.parametrize("escaped", ["\\u0024ref", "$r\\u0065f"])
def test_a_reference_is_found_however_its_keyword_is_written(money, escaped):
    text = json.dumps(order("contract:shop.money@^1")).replace("$ref", escaped)
    assert money.publish("shop.order", "1.0.0", text).status_code == 201
    assert [each["version"] for each in money.get(PATH).json()["dependencies"]] == ["1.1.0"]


@pytest.mark.parametrize("draft", DIALECTS)
@pytest.mark.parametrize("whole", [False, True])
def test_references_are_followed_in_every_dialect(money, draft, whole):
    """MONEY names no dialect and has the same meaning in all of them."""
    dialect, uri = {"$schema": DIALECTS[draft]}, {"id" if draft == 4 else "$id": "https://example.com/itself"}
    flag = {"definitions": {"flag": {"type": "boolean"}}}
    itself = {**uri, "properties": {"flag": {"$ref": "https://example.com/itself#/definitions/flag"}}, **flag}
    assert money.publish("shop.itself", "1.0.0", dialect | itself).status_code == 201
    assert money.publish("shop.led", "1.0.0", {**dialect, "$ref": "#/definitions/flag", **flag}).status_code == 201
    reference = {"$ref": "contract:shop.money@1.0.0"}
    others = {"itself": {"$ref": "contract:shop.itself@^1"}, "led": {"$ref": "contract:shop.led@^1"}}
    schema = dialect | (reference if whole else {"properties": {"total": reference, **others}})
    assert money.publish("shop.order", "1.0.0", schema).status_code == 201

    def valid(instance):
        return money.post(instance, f"{PATH}/validate").json()["valid"]

    amounts = [{"amount": 3}, {"amount": -3}]
    assert [valid(amount if whole else {"total": amount}) for amount in amounts] == [True, False]
    if not whole:
        assert [valid({"itself": {"flag": each}, "led": True}) for each in (True, 3)] == [True, False]
        assert [valid({"led": each}) for each in (True, 3)] == [True, False]
    assert money.publish("shop.money", "2.0.0", {**MONEY, "required": ["amount", "currency"]}).status_code == 201
    reference["$ref"] = "contract:shop.money@2.0.0"
    schema = dialect | (reference if whole else {"properties": {"total": reference, **others}})
    refused = money.publish("shop.order", "1.1.0", schema)
    assert (refused.status_code, [change["rule"] for change in refused.json()["changes"]]) == (422, ["required-added"])


@pytest.mark.parametrize("draft", DIALECTS)
def test_resources_embedded_in_several_contracts_are_distinguished(money, draft):
    """Each contract embeds its own schema under a URI that others use too."""
    identifier, definitions = "id" if draft == 4 else "$id", "definitions" if draft < 2019 else "$defs"
    dialect = {"$schema": DIALECTS[draft]}
    for kind in ("integer", "string"):
        part = {"part": {identifier: "parts/one", "type": kind, definitions: {"flag": {"type": "boolean"}}}}
        uris = ["parts/one", "https://example.com/parts/one", "https://example.com/parts/one#/definitions/flag"]
        uris[2] = uris[2].replace("definitions", definitions)
        properties = {f"p{number}": {"$ref": uri} for number, uri in enumerate(uris)}
        schema = {**dialect, identifier: "https://example.com/root", "properties": properties, definitions: part}
        assert money.publish(f"shop.{kind}", "1.0.0", schema).status_code == 201
    both = {"i": {"$ref": "contract:shop.integer@1.0.0"}, "s": {"$ref": "contract:shop.string@1.0.0"}}
    answer = money.publish("shop.order", "1.0.0", {**dialect, "properties": both})
    assert answer.status_code == 201, answer.content
    valid = [{"i": {"p0": 1, "p1": 1, "p2": True}, "s": {"p0": "x", "p1": "x", "p2": True}}]
    invalid = [{"i": {"p0": "x"}}, {"i": {"p1": "x"}}, {"s": {"p0": 1}}, {"s": {"p1": 1}}, {"i": {"p2": 1}}]
    answers = [money.post(each, f"{PATH}/validate").json()["valid"] for each in valid + invalid]
    assert answers == [True] + [False] * len(invalid)


@pytest.mark.parametrize("identified", [False, True])
def test_a_uri_that_a_schema_declares_is_no_reference_to_a_contract(money, identified):
    held = {"shop.money@1.0.0": {"type": "string"} | ({"$id": "contract:shop.money@1.0.0"} if identified else {})}
    schema = order("contract:shop.money@1.0.0") | {"$defs": held}
    schema["properties"]["held"] = {"$ref": "#/$defs/shop.money@1.0.0"}
    assert money.publish("shop.order", "1.0.0", schema).status_code == 201
    assert len(money.get(PATH).json().get("dependencies", [])) == (not identified)
    total = "x" if identified else {"amount": 3}
    for instance, valid in (({"total": total, "held": "x"}, True), ({"total": 3}, False), ({"held": 3}, False)):
        assert money.post({"total": total} | instance, f"{PATH}/validate").json()["valid"] is valid
    itself = {"$id": "contract:shop.itself@1.0.0", "properties": {"p": {"$ref": "contract:shop.itself@1.0.0#/$defs/p"}}}
    assert money.publish("shop.itself", "1.0.0", itself | {"$defs": {"p": {"type": "null"}}}).status_code == 201


def test_dynamic_references_resolve_through_contracts(money):
    items = {"type": "array", "items": {"$dynamicRef": "#node"}}
    tree = {"$dynamicAnchor": "node", "type": "object", "properties": {"children": items}}
    assert money.publish("shop.tree", "1.0.0", tree).status_code == 201
    strict = {"$dynamicAnchor": "node", "$ref": "contract:shop.tree@1.0.0", "unevaluatedProperties": False}
    assert money.publish("shop.strict", "1.0.0", strict).status_code == 201
    uses = {"t": {"$dynamicRef": "contract:shop.tree@^1#node"}, "s": {"$ref": "contract:shop.strict@1.0.0"}}
    assert money.publish("shop.order", "1.0.0", {"properties": uses}).status_code == 201
    assert [each["reference"] for each in money.get(PATH).json()["dependencies"]] == [
        "contract:shop.tree@^1",
        "contract:shop.strict@1.0.0",
    ]
    more = {"children": [{"more": 1}]}
    for instance, valid in (({"t": more}, True), ({"s": more}, False), ({"t": {"children": [3]}}, False)):
        assert money.post(instance, f"{PATH}/validate").json()["valid"] is valid


TUPLE_7 = {"$schema": DIALECTS[7], "type": "array", "items": [{"type": "integer"}], "additionalItems": False}
TUPLE_2020 = {"type": "array", "prefixItems": [{"type": "integer"}], "items": False}


@pytest.mark.parametrize(
    "schema",
    [{"$defs": 5}, {"$defs": None}, {"$schema": DIALECTS[7], "definitions": []}, {"$schema": "urn:none"}, {"$id": 5}],
)
def test_a_malformed_schema_is_refused_though_it_refers_to_others(money, schema):
    refused = money.publish("shop.order", "1.0.0", schema | order("contract:shop.money@1.0.0"))
    assert (refused.status_code, refused.json()["field"]) == (422, "jsonSchema")


@pytest.mark.parametrize(
    ("target", "draft", "said"),
    [
        (TUPLE_7, 2020, "is not of type"),
        (TUPLE_7, 2019, None),
        (TUPLE_7, 4, None),
        (TUPLE_2020, 7, "at /prefixItems/0, the schema no longer accepts"),
        (TUPLE_2020, 2019, "at /prefixItems/0, the schema no longer accepts"),
        ({"$schema": DIALECTS[4], "maximum": 3, "exclusiveMaximum": True}, 2020, "is not of type"),
        ({"properties": {"one": {"const": 1}}}, 4, "at /properties/one, type changed"),
        ({"$ref": "#amount", "$defs": {"amount": {"$anchor": "amount", "type": "integer"}}}, 7, "unresolvable"),
    ],
)
def test_a_dependency_with_another_meaning_in_the_referring_dialect_is_refused(money, target, draft, said):
    assert money.publish("shop.target", "1.0.0", target).status_code == 201
    answer = money.publish("shop.order", "1.0.0", {"$schema": DIALECTS[draft], **order("contract:shop.target@1.0.0")})
    if said is None:
        assert answer.status_code == 201, answer.content
        for values, valid in (([1], True), ([1, 2], False)):
            assert money.post({"total": values}, f"{PATH}/validate").json()["valid"] is valid
        return
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/properties/total/$ref")
    detail = answer.json()["detail"]
    assert f"would mean something else in this one, {DIALECTS[draft].removesuffix('#')}: " in detail
    assert said in detail.partition("this one, ")[2]


def test_a_reference_may_have_a_fragment(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@^1#/$defs/amount")).status_code == 201
    assert money.post({"total": 3}, f"{PATH}/validate").json()["valid"]
    assert not money.post({"total": "3"}, f"{PATH}/validate").json()["valid"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("contract:shop.nothing@1.0.0", "publish it first"),
        ("contract:shop.money@^2", "publish it first"),
        ("contract:shop.order@1.0.0", "cannot depend on itself"),
        ("contract:1bad@1.0.0", "not a valid contract name"),
        ("contract:shop.money@||", "Invalid version"),
    ],
)
def test_an_unresolvable_reference_is_refused_with_its_pointer(money, reference, said):
    answer = money.publish("shop.order", "1.0.0", order(reference))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/properties/total/$ref")
    assert said in answer.json()["detail"]


def test_cycles_and_unavailable_versions_are_refused(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@^1")).status_code == 201
    cycle = money.publish("shop.money", "1.2.0", {**MONEY, "anyOf": [{"$ref": "contract:shop.order@1.0.0"}, True]})
    assert (cycle.status_code, "makes a cycle" in cycle.json()["detail"]) == (422, True)
    assert money.publish("shop.rate", "1.0.0", {"type": "number"}).status_code == 201
    money.post("", "/registry/contracts/shop.rate/1.0.0/withdraw")
    gone = money.publish("shop.price", "1.0.0", order("contract:shop.rate@1.0.0"))
    assert (gone.status_code, "is withdrawn" in gone.json()["detail"]) == (422, True)


def test_a_version_with_dependents_is_withdrawn_only_by_an_override(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@^1")).status_code == 201
    path = "/registry/contracts/shop.money/1.1.0"
    dependents = money.get(f"{path}/dependents").json()["dependents"]
    assert dependents == [{"name": "shop.order", "version": "1.0.0", "state": "active"}]
    tree = money.get(f"{PATH}/dependencies").json()["dependencies"]
    assert [(node["name"], node["version"], node["state"], node["dependencies"]) for node in tree] == [
        ("shop.money", "1.1.0", "active", [])
    ]
    refused = money.post("", f"{path}/withdraw", **JSON)
    assert (refused.status_code, refused.json()["dependents"]) == (409, [{"name": "shop.order", "version": "1.0.0"}])
    reason = {"override": {"reason": "the order service is gone"}}
    assert money.post(reason, f"{path}/withdraw", **JSON).status_code == 409
    policy = json.dumps({"allowOverride": True})
    assert money.client.put("/registry/policies/default", policy, headers=money.headers({})).status_code == 200
    assert money.post(reason, f"{path}/withdraw", **JSON).status_code == 200
    assert money.post({"total": {"amount": 3}}, f"{PATH}/validate").json()["valid"], "what is pinned stays readable"


def test_versions_are_compared_with_their_dependencies(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@1.0.0")).status_code == 201
    assert money.publish("shop.money", "2.0.0", {"type": "string"}).status_code == 201
    same = money.publish("shop.order", "1.1.0", order("contract:shop.money@1.1.0"))
    assert same.status_code == 201, same.content
    broken = money.publish("shop.order", "1.2.0", order("contract:shop.money@2.0.0"))
    assert broken.status_code == 422
    shown = [change["witness"]["instance"] for change in broken.json()["changes"] if "witness" in change]
    assert shown[0]["total"].keys() == {"amount"}


def test_a_check_reports_the_dependents_that_a_change_would_break(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@^1")).status_code == 201
    assert money.publish("shop.count", "1.0.0", order("contract:shop.money@^1#/$defs/amount")).status_code == 201
    narrower = {**MONEY, "required": ["amount", "currency"]}
    old = {"name": "shop.money", "version": "1.1.0"}
    answer = money.post({"old": old, "new": {"jsonSchema": narrower}}, "/registry/check", **JSON).json()
    assert [(each["name"], each["version"]) for each in answer["dependents"]["broken"]] == [("shop.order", "1.0.0")]
    assert answer["dependents"]["unchecked"] == 0
    other = {"$schema": DIALECTS[4], "type": "number", "minimum": 0, "exclusiveMinimum": True}
    answer = money.post({"old": old, "new": {"jsonSchema": other}}, "/registry/check", **JSON).json()
    assert [each["verdict"] for each in answer["dependents"]["broken"]] == ["undecided", "undecided"]
    assert answer["dependents"]["broken"][0]["reason"].startswith("in another dialect: ")


def test_unregistered_texts_are_checked_with_their_dependencies(money):
    assert money.publish("shop.order", "1.0.0", order("contract:shop.money@1.0.0")).status_code == 201
    assert money.publish("shop.money", "2.0.0", {**MONEY, "required": ["amount", "currency"]}).status_code == 201

    def check(schema):
        sides = {"old": {"name": "shop.order", "version": "1.0.0"}, "new": {"jsonSchema": schema}}
        return money.post(sides, "/registry/check", **JSON)

    assert check(order("contract:shop.money@1.1.0")).json()["verdict"] == "compatible"
    assert check(order("contract:shop.money@2.0.0")).json()["verdict"] == "breaking"
    both = {side: {"jsonSchema": order(f"contract:shop.money@{major}.0.0")} for side, major in (("old", 2), ("new", 1))}
    assert money.post(both, "/registry/check", **JSON).json()["verdict"] == "compatible"
    missing = check(order("contract:shop.nothing@^1"))
    assert (missing.status_code, missing.json()["field"]) == (422, "new.jsonSchema")
    assert missing.json()["detail"].startswith("new.jsonSchema refers to contract:shop.nothing@^1 at /properties/total")


def test_a_compound_schema_has_each_dependency_once(money):
    assert money.publish("shop.line", "1.0.0", order("contract:shop.money@1.0.0")).status_code == 201
    both = {
        "properties": {
            "line": {"$ref": "contract:shop.line@1.0.0"},
            "total": {"$ref": "contract:shop.money@1.0.0#/properties/amount"},
        }
    }
    assert money.publish("shop.order", "1.0.0", both).status_code == 201
    bundled = money.get(f"{PATH}/bundled").json()
    assert sorted(bundled["$defs"]) == ["shop.line@1.0.0", "shop.money@1.0.0"]
    assert money.post({"line": {"total": {"amount": 1}}, "total": 1}, f"{PATH}/validate").json()["valid"]
    assert not money.post({"line": {"total": {"amount": "1"}}}, f"{PATH}/validate").json()["valid"]
    assert not money.post({"total": -1}, f"{PATH}/validate").json()["valid"]


TYPES = "package shop:types@1.0.0;\n\ninterface money {\n  record amount { value: u64 }\n}\n"
USER = """package shop:cart;

interface cart {
  // use shop:nothing/here;
  use shop:types/money@1.0.0.{amount};
  total: func() -> amount;
}
"""


def test_wit_packages_are_resolved_pinned_and_compared_with_their_dependencies(api):
    missing = api.publish("shop.cart", "1.0.0", wit=USER)
    assert (missing.status_code, missing.json()["line"]) == (422, 5)
    assert "publish it first" in missing.json()["detail"]
    assert api.publish("shop.types", "1.0.0", wit=TYPES).status_code == 201
    assert api.publish("shop.cart", "1.0.0", wit=USER).status_code == 201
    answer = api.get("/registry/contracts/shop.cart/1.0.0").json()
    assert [(each["name"], each["version"], each["reference"]) for each in answer["dependencies"]] == [
        ("shop.types", "1.0.0", "shop:types@1.0.0")
    ]
    same = api.publish("shop.cart", "1.1.0", wit=USER.replace("total: func", "sum: func() -> u64;\n  total: func"))
    assert same.status_code == 201, same.content
    other = TYPES.replace("1.0.0", "2.0.0").replace("value: u64", "value: u32")
    assert api.publish("shop.types", "2.0.0", wit=other).status_code == 201
    newer = api.publish("shop.cart", "1.2.0", wit=USER.replace("1.0.0", "2.0.0"))
    assert (newer.status_code, newer.json()["verdict"]) == (422, "breaking")
    for verdict, wit in (("compatible", USER), ("breaking", USER.replace("total", "whole"))):
        sides = {"old": {"name": "shop.cart", "version": "1.0.0"}, "new": {"wit": wit}}
        assert api.post(sides, "/registry/check", **JSON).json()["verdict"] == verdict
    broken = api.publish("shop.cart", "1.2.0", wit=USER.replace("total", "whole"))
    assert (broken.status_code, broken.json()["verdict"]) == (422, "breaking")
    assert api.get("/registry/contracts/shop.types/1.0.0/dependents").json()["dependents"][0]["name"] == "shop.cart"


@pytest.mark.parametrize(
    ("proposed", "verdicts"),
    [
        (TYPES.replace("@1.0.0", "@1.1.0").replace("record amount", "record other { a: u8 }\n  record amount"), []),
        (TYPES.replace("@1.0.0", "@2.0.0").replace("u64", "u32"), ["breaking"]),
        ("// package shop:types@9.9.9;\n" + TYPES.replace("u64", "string"), ["breaking"]),
        (TYPES.replace("interface money", "interface cash"), ["undecided"]),
    ],
)
def test_a_check_of_a_wit_package_reports_the_dependents_that_it_would_break(api, proposed, verdicts):
    assert api.publish("shop.types", "1.0.0", wit=TYPES).status_code == 201
    assert api.publish("shop.cart", "1.0.0", wit=USER).status_code == 201
    assert api.publish("shop.late", "1.0.0", {"type": "object"}).status_code == 201
    sides = {"old": {"name": "shop.types", "version": "1.0.0"}, "new": {"wit": proposed}}
    dependents = api.post(sides, "/registry/check", **JSON).json()["dependents"]
    assert [each["verdict"] for each in dependents["broken"]] == verdicts
    assert all(each.get("reason") or each["changes"] for each in dependents["broken"])
