"""The OCI API: pulls whose digests never change, and pushes that are checked like every version."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

import pytest
from django.test import Client

from contracts_app.services.policies import set_policy
from contracts_app.storage import Actor, contract_store
from oci_app.artifacts import BUNDLE, CONFIG, SCHEMA, WASM, WASM_CONFIG
from oci_app.manifests import INDEX, MANIFEST
from oci_app.repositories import contract_of, repository_of
from tests.api.conftest import API, make_token

MONEY = "package shop:money@1.0.0;\ninterface types { record amount { cents: s64 } }\n"
ORDER = """package shop:order@1.0.0;
interface types {
  use shop:money/types@1.0.0.{amount};
  place: func(total: amount) -> string;
}
"""
SCHEMA_TEXT = '{"type": "object"}'


class OCI:
    def __init__(self, *scopes: str) -> None:
        self.client = Client(raise_request_exception=False)
        token = make_token(*(scopes or ("contracts:read", "contracts:write")))
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: bytes = b"", media_type: str = "application/octet-stream"):
        return self.client.generic(method, path, body, content_type=media_type, headers=self.headers)

    def get(self, path: str):
        return self.call("GET", f"/v2/{path}")

    def upload(self, name: str, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        begun = self.call("POST", f"/v2/{name}/blobs/uploads/")
        assert begun.status_code == 202
        sent = self.call("PATCH", begun["Location"], data)
        assert sent.status_code == 202, sent.content
        done = self.call("PUT", f"{sent['Location']}?digest={digest}")
        assert (done.status_code, done["Docker-Content-Digest"]) == (201, digest), done.content
        return digest

    def push(self, name: str, tag: str, config: tuple[str, bytes], *layers: tuple[str, bytes], **more):
        def descriptor(media_type: str, data: bytes):
            return {"mediaType": media_type, "digest": self.upload(name, data), "size": len(data)}

        manifest = {
            **{"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(*config)},
            **{"layers": [descriptor(*each) for each in layers], **more},
        }
        return self.call("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)


def code(answer) -> str:
    return answer.json()["errors"][0]["code"]


@pytest.fixture
def oci(registry) -> OCI:
    return OCI()


@pytest.fixture
def shop(oci) -> OCI:
    api = API()
    for name, text in (("shop.money", MONEY), ("shop.order", ORDER)):
        assert api.publish(name, "1.0.0", wit=text).status_code == 201
    assert api.publish("order.created", "1.0.0", jsonSchema=SCHEMA_TEXT, description="An order").status_code == 201
    return oci


@pytest.mark.parametrize(
    ("contract", "repository"),
    [
        ("shop.money", "shop/money"),
        ("orders-value", "orders-value"),
        ("com.acme.Order", "hex/" + b"com.acme.Order".hex()),
        ("_context.a", "hex/" + b"_context.a".hex()),
        ("hex.a", "hex/" + b"hex.a".hex()),
    ],
)
def test_a_repository_is_a_contract(contract, repository):
    assert repository_of(contract) == repository
    assert contract_of(repository) == contract
    assert contract_of("hex/zz") is contract_of("A/b") is contract_of("hex/" + b"shop.money".hex()) is None


def test_a_wit_package_is_pulled_as_wkg_reads_it(shop):
    assert shop.get("shop/order/tags/list").json() == {"name": "shop/order", "tags": ["1.0.0"]}
    answer = shop.get("shop/order/manifests/1.0.0")
    assert (answer.status_code, answer["Content-Type"]) == (200, MANIFEST)
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    assert answer["Docker-Content-Digest"] == digest
    manifest = answer.json()
    assert manifest["config"]["mediaType"] == WASM_CONFIG
    [layer] = manifest["layers"]
    assert layer["mediaType"] == WASM
    wasm = shop.get(f"shop/order/blobs/{layer['digest']}").content
    assert wasm.startswith(b"\0asm")
    assert (f"sha256:{hashlib.sha256(wasm).hexdigest()}", len(wasm)) == (layer["digest"], layer["size"])
    config = json.loads(shop.get(f"shop/order/blobs/{manifest['config']['digest']}").content)
    assert (config["architecture"], config["os"], config["layerDigests"]) == ("wasm", "wasip2", [layer["digest"]])
    assert shop.get(f"shop/order/manifests/{digest}").content == answer.content
    assert shop.get("shop/order/manifests/latest")["Docker-Content-Digest"] == digest


def test_digests_stay_though_another_tool_would_write_other_bytes(shop, monkeypatch):
    before = shop.get("shop/money/manifests/1.0.0").content
    monkeypatch.setattr("oci_app.artifacts._encoded", lambda *args: b"\0asm other")
    assert shop.get("shop/money/manifests/1.0.0").content == before
    contract_store().close()  # another worker
    assert shop.get("shop/money/manifests/1.0.0").content == before


def test_a_schema_is_an_artifact_with_its_parts_as_layers(shop):
    manifest = shop.get("order/created/manifests/1.0.0").json()
    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == (BUNDLE, CONFIG)
    [layer] = manifest["layers"]
    assert (layer["mediaType"], layer["annotations"]) == (SCHEMA, {"org.opencontainers.image.title": "schema.json"})
    assert shop.get(f"order/created/blobs/{layer['digest']}").content.decode() == SCHEMA_TEXT
    assert manifest["annotations"]["org.opencontainers.image.description"] == "An order"


def test_the_whole_bundle_refers_to_the_wit_package(shop):
    digest = shop.get("shop/order/manifests/1.0.0")["Docker-Content-Digest"]
    answer = shop.get(f"shop/order/referrers/{digest}?artifactType={quote(BUNDLE)}")
    assert (answer["Content-Type"], answer["OCI-Filters-Applied"]) == (INDEX, "artifactType")
    [found] = answer.json()["manifests"]
    bundle = shop.get(f"shop/order/manifests/{found['digest']}").json()
    assert bundle["subject"]["digest"] == digest
    assert shop.get(f"shop/order/blobs/{bundle['layers'][0]['digest']}").content.decode() == ORDER
    assert shop.get(f"shop/order/referrers/{digest}?artifactType=other").json()["manifests"] == []


def test_what_is_not_there_has_the_codes_of_the_specification(shop):
    zero = f"sha256:{'0' * 64}"
    for path, wanted in (
        ("none/tags/list", "NAME_UNKNOWN"),
        ("UPPER/tags/list", "NAME_UNKNOWN"),
        ("shop/order/manifests/9.9.9", "MANIFEST_UNKNOWN"),
        (f"shop/order/manifests/{zero}", "MANIFEST_UNKNOWN"),
        (f"shop/order/blobs/{zero}", "BLOB_UNKNOWN"),
        ("no/such/path", "NAME_UNKNOWN"),
    ):
        answer = shop.get(path)
        assert (answer.status_code, code(answer)) == (404, wanted), path
    assert shop.call("DELETE", "/v2/shop/order/manifests/1.0.0").status_code == 405
    shop.headers = {}
    answer = shop.get("")
    assert (answer.status_code, code(answer), answer["WWW-Authenticate"][:5]) == (401, "UNAUTHORIZED", "Basic")
    assert shop.client.get("/.well-known/wasm-pkg/registry.json").json() == {
        "preferredProtocol": "oci",
        "oci": {"registry": "testserver", "namespacePrefix": ""},
    }


def test_a_withdrawn_version_is_pulled_by_its_digest_alone(shop):
    digest = shop.get("order/created/manifests/1.0.0")["Docker-Content-Digest"]
    API().post({"reason": "wrong"}, "/registry/contracts/order.created/1.0.0/withdraw")
    assert code(shop.get("order/created/manifests/1.0.0")) == "MANIFEST_UNKNOWN"
    assert code(shop.get("order/created/tags/list")) == "NAME_UNKNOWN"
    assert shop.get(f"order/created/manifests/{digest}").status_code == 200


def test_lists_are_read_in_pages(shop):
    assert shop.get("_catalog").json() == {"repositories": ["order/created", "shop/money", "shop/order"]}
    answer = shop.get("_catalog?n=2")
    assert answer.json() == {"repositories": ["order/created", "shop/money"]}
    assert answer["Link"] == '</v2/_catalog?n=2&last=shop%2Fmoney>; rel="next"'
    assert shop.get("_catalog?n=2&last=shop%2Fmoney").json() == {"repositories": ["shop/order"]}
    assert OCI("contracts:read:shop.*").get("_catalog").json() == {"repositories": ["shop/money", "shop/order"]}


def wasm_of(shop: OCI, name: str) -> tuple[bytes, bytes]:
    """Return the configuration and the layer of a package."""
    manifest = shop.get(f"{name}/manifests/latest").json()
    blobs = (manifest["config"]["digest"], manifest["layers"][0]["digest"])
    config, layer = (shop.get(f"{name}/blobs/{each}").content for each in blobs)
    return config, layer


def test_a_pushed_wit_package_is_published_and_pulled_with_the_same_bytes(shop):
    from linter_app.wit import encode_wit

    wasm = encode_wit(ORDER.replace("1.0.0;\ninterface", "1.1.0;\ninterface"), {"money": MONEY})
    answer = shop.push("shop/order", "1.1.0", (WASM_CONFIG, b'{"os":"wasip2"}'), (WASM, wasm))
    assert answer.status_code == 201, answer.content
    pulled = shop.get("shop/order/manifests/1.1.0")
    assert pulled["Docker-Content-Digest"] == answer["Docker-Content-Digest"]
    assert shop.get(f"shop/order/blobs/{pulled.json()['layers'][0]['digest']}").content == wasm
    published = API().get("/registry/contracts/shop.order/1.1.0").json()
    assert published["dependencies"] == [{**published["dependencies"][0], "name": "shop.money", "version": "1.0.0"}]
    again = shop.push("shop/order", "1.1.0", (WASM_CONFIG, b'{"os":"wasip2"}'), (WASM, wasm))
    assert again.status_code == 201, "the same once more"
    other = shop.push("shop/order", "1.1.0", (WASM_CONFIG, b"{}"), (WASM, wasm))
    assert (other.status_code, code(other)) == (403, "DENIED")


def test_a_breaking_push_without_the_bump_is_refused_with_the_reason(shop):
    from linter_app.wit import encode_wit

    broken = ORDER.replace("1.0.0;\ninterface", "1.1.0;\ninterface").replace("-> string", "-> u32")
    config = (WASM_CONFIG, b"{}")
    refused = shop.push("shop/order", "1.1.0", config, (WASM, encode_wit(broken, {"money": MONEY})))
    assert (refused.status_code, code(refused)) == (400, "MANIFEST_INVALID")
    assert "breaking" in refused.json()["errors"][0]["message"]
    assert shop.get("shop/order/tags/list").json()["tags"] == ["1.0.0"]
    major = encode_wit(broken.replace("@1.1.0", "@2.0.0"), {"money": MONEY})
    assert shop.push("shop/order", "2.0.0", config, (WASM, major)).status_code == 201


def test_a_push_that_needs_a_review_is_refused_and_leaves_nothing(oci):
    set_policy(level="prefix", name="new", policy={"review": ["new"]}, actor=Actor("root"))
    config = ("application/vnd.oci.empty.v1+json", b"{}")
    refused = oci.push("new/event", "1.0.0", config, (SCHEMA, b"{}"), artifactType=BUNDLE)
    assert refused.status_code == 400
    assert "asks for a review" in refused.json()["errors"][0]["message"]
    assert not [write.key for write in contract_store().history() if write.key.startswith("oci.")]


def test_a_bundle_is_pushed_by_its_parts(oci):
    config = ("application/vnd.oci.empty.v1+json", b"{}")
    answer = oci.push("new/event", "1.0.0", config, (SCHEMA, SCHEMA_TEXT.encode()), artifactType=BUNDLE)
    assert answer.status_code == 201, answer.content
    assert API().get("/registry/contracts/new.event/1.0.0").json()["jsonSchema"] == SCHEMA_TEXT
    breaking = oci.push("new/event", "1.1.0", config, (SCHEMA, b'{"type":"array"}'), artifactType=BUNDLE)
    assert (breaking.status_code, code(breaking)) == (400, "MANIFEST_INVALID")


def test_a_bad_push_is_refused_and_leaves_nothing(shop):
    config, layer = wasm_of(shop, "shop/money")
    for tag, parts, wanted in (
        ("1.0.1", ((WASM, b"\0asm nothing"),), "MANIFEST_INVALID"),
        ("1.0.1", ((WASM, layer),), "MANIFEST_INVALID"),  # the package says 1.0.0
        ("one", ((WASM, layer),), "MANIFEST_INVALID"),
        ("1.0.1", ((WASM, layer), (WASM, layer)), "MANIFEST_INVALID"),
        ("1.0.1", (("text/plain", b"x"),), "MANIFEST_INVALID"),
    ):
        answer = shop.push("shop/money", tag, (WASM_CONFIG, config), *parts)
        assert (answer.status_code, code(answer)) == (400, wanted), answer.content
    for body in (b"", b"{", b"[]", b"{}", b'{"layers": [], "config": {}}', b'{"layers": [1], "config": {}}'):
        assert shop.call("PUT", "/v2/shop/money/manifests/1.0.1", body, MANIFEST).status_code == 400
    missing = {"mediaType": WASM, "digest": f"sha256:{'0' * 64}", "size": 1}
    manifest = {"config": {**missing, "mediaType": WASM_CONFIG}, "layers": [missing]}
    answer = shop.call("PUT", "/v2/shop/money/manifests/1.0.1", json.dumps(manifest).encode(), MANIFEST)
    assert code(answer) == "MANIFEST_BLOB_UNKNOWN"
    begun = shop.call("POST", "/v2/shop/money/blobs/uploads/")
    wrong = shop.call("PUT", f"{begun['Location']}?digest=sha256:{'1' * 64}", b"data")
    assert code(wrong) == "DIGEST_INVALID"
    for upload in ("none", "0" * 32, f"{'0' * 32}-5-5", f"{'0' * 32}-x-y"):
        unknown = shop.call("PUT", f"/v2/shop/money/blobs/uploads/{upload}?digest=sha256:{'1' * 64}", b"")
        assert code(unknown) == "BLOB_UPLOAD_UNKNOWN", upload
    assert shop.get("shop/money/tags/list").json()["tags"] == ["1.0.0"]


def test_pulls_and_pushes_need_the_scopes_for_the_contract(shop):
    limited = OCI("contracts:read:shop.money")
    assert limited.get("shop/money/manifests/1.0.0").status_code == 200
    assert code(limited.get("shop/order/manifests/1.0.0")) == "DENIED"
    assert limited.call("POST", "/v2/shop/money/blobs/uploads/").status_code == 403
