"""Signatures over OCI: what `cosign`, unchanged, signs and verifies, and what comes another way in its form."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import quote, urlsplit

import httpx
import pytest
from contract_registry_client.cli import main

from contracts_app.api.auth.basic import hash_of
from contracts_app.storage import contract_store
from oci_app.manifests import EMPTY, EMPTY_CONFIG, MANIFEST
from oci_app.signatures import SIGSTORE_BUNDLE
from tests.api.conftest import API, make_token
from tests.commands.serving import serving
from tests.conftest import LOGIN
from tests.oci.test_pull_and_push import MONEY, OCI
from tests.oci.test_real_clients import SECRET, run, tool
from tests.signing_keys import Key, flipped

SCOPES = "contracts:read,contracts:write,contracts:admin"
OFFLINE = ("--allow-http-registry", "--registry-username", "ci", "--registry-password", SECRET)


@pytest.fixture(scope="module")
def served(nats_server, tmp_path_factory):
    """A client of a registry with a schema and a WIT package."""
    variables = {
        **{f"NATS_{name.upper()}": value for name, value in LOGIN.items()},
        "BASIC_USERS": f"ci:{hash_of(SECRET)}:{SCOPES}",
    }
    log = tmp_path_factory.mktemp("signing") / "log"
    with (
        serving(nats_server.url, log, "registry_project.asgi", **variables) as (url, _),
        httpx.Client(base_url=url, auth=("ci", SECRET)) as client,
    ):
        for contract in (
            {"name": "order.created", "version": "1.0.0", "jsonSchema": '{"type":"object"}'},
            {"name": "shop.money", "version": "1.0.0", "wit": MONEY},
        ):
            assert client.post("/registry/contracts", json=contract).status_code == 201
        yield client


@pytest.fixture
def cosign(served, tmp_path):
    """A function that runs cosign with a key of its own."""
    command = tool("cosign")

    def run_it(*arguments: str, status: int = 0) -> str:
        return run(command, *arguments, cwd=tmp_path, status=status, COSIGN_PASSWORD="of the key")

    run_it("generate-key-pair")
    run_it("trusted-root", "create", "--out", "root.json")  # without transparency logs, which need the Internet
    run_it.folder = tmp_path
    run_it.image = lambda path: f"{urlsplit(str(served.base_url)).netloc}/{path}"
    run_it.sign = lambda image, **more: run_it(
        *("sign", "--yes", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false"),
        *(*OFFLINE, image),
        **more,
    )
    run_it.verify = lambda image, key, **more: run_it(
        *("verify", "--key", key, "--insecure-ignore-tlog", "--trusted-root", "root.json"), *(*OFFLINE, image), **more
    )
    return run_it


def known_as(served, name: str, public: str) -> None:
    assert served.put(f"/registry/signers/{name}", json={"publicKey": public}).status_code == 201


def manifest_of(served, repository: str) -> str:
    return served.get(f"/v2/{repository}/manifests/1.0.0").headers["Docker-Content-Digest"]


@pytest.mark.parametrize("repository", ["order/created", "shop/money"])
def test_cosign_signs_and_verifies(served, cosign, repository):
    image = cosign.image(f"{repository}@{manifest_of(served, repository)}")
    assert "No key of a known signer" in cosign.sign(image, status=1)
    name = repository.replace("/", "-")
    known_as(served, name, (cosign.folder / "cosign.pub").read_text())
    cosign.sign(image)
    assert "signatures were verified" in cosign.verify(image, "cosign.pub")
    version = f"/registry/contracts/{repository.replace('/', '.')}/1.0.0"
    (shown,) = served.get(f"{version}/signatures").json()["signatures"]
    assert (shown["signer"], shown["valid"], shown["content"]) == (name, True, False)
    (cosign.folder / "other.pem").write_text(Key().public)
    cosign.verify(image, "other.pem", status=1)


def test_cosign_verifies_what_the_client_signs(served, cosign, monkeypatch):
    key = Key(password=b"of the key")
    (cosign.folder / "key.pem").write_bytes(key.private)
    (cosign.folder / "key.pub").write_text(key.public)
    known_as(served, "release", key.public)
    monkeypatch.setenv("SIGNING_KEY_PASSWORD", "of the key")
    monkeypatch.setenv("JWT_TOKEN", make_token("contracts:read", "contracts:write"))
    monkeypatch.setenv("REGISTRY_ENDPOINT", str(served.base_url))
    contract = {"name": "Signed.Names", "version": "1.0.0", "jsonSchema": "true"}
    served.post("/registry/contracts", json=contract)
    repository = f"hex/{b'Signed.Names'.hex()}"
    monkeypatch.chdir(cosign.folder)
    assert main(["sign", "Signed.Names", "1.0.0", "--key", "key.pem"]) == 0
    image = cosign.image(f"{repository}@{manifest_of(served, repository)}")
    assert "signatures were verified" in cosign.verify(image, "key.pub")


@pytest.fixture
def signed(registry):
    """A client of the OCI API, the key of a signer, and the digest of a manifest."""
    api = API()
    api.publish("order.created", "1.0.0", {"type": "object"})
    key, admin = Key(), make_token(*SCOPES.split(","))
    body, headers = {"publicKey": key.public}, {"Authorization": f"Bearer {admin}"}
    put = api.client.put("/registry/signers/ci", body, content_type="application/json", headers=headers)
    assert put.status_code == 201
    oci = OCI()
    return oci, key, oci.get("order/created/manifests/1.0.0")["Docker-Content-Digest"]


def attach(oci, signed: str, bundle: bytes, **more):
    """Push a signature as clients do: blobs first, then the manifest by its digest."""
    layer, config = (oci.upload("order/created", data) for data in (bundle, EMPTY))
    manifest = {
        **{"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SIGSTORE_BUNDLE},
        "config": {"mediaType": EMPTY_CONFIG, "digest": config, "size": 2},
        "layers": [{"mediaType": SIGSTORE_BUNDLE, "digest": layer, "size": len(bundle)}],
        "subject": {"mediaType": MANIFEST, "digest": signed, "size": 1},
        **more,
    }
    body = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return digest, oci.call("PUT", f"/v2/order/created/manifests/{digest}", body, MANIFEST)


def bundle_of(envelope) -> bytes:
    return json.dumps({"mediaType": SIGSTORE_BUNDLE, "verificationMaterial": {}, "dsseEnvelope": envelope}).encode()


def test_a_pushed_signature_is_served_as_it_was_pushed(signed):
    oci, key, manifest = signed
    bundle = bundle_of(key.sign(manifest.removeprefix("sha256:")))
    digest, pushed = attach(oci, manifest, bundle)
    assert (pushed.status_code, pushed["OCI-Subject"]) == (201, manifest), pushed.content
    (found,) = oci.get(f"order/created/referrers/{manifest}?artifactType={quote(SIGSTORE_BUNDLE)}").json()["manifests"]
    assert found["digest"] == digest
    stored = oci.get(f"order/created/manifests/{digest}")
    assert stored["Docker-Content-Digest"] == digest
    layer = stored.json()["layers"][0]["digest"]
    assert oci.get(f"order/created/blobs/{layer}").content == bundle
    assert oci.get(f"order/created/blobs/{stored.json()['config']['digest']}").content == EMPTY
    again, _ = attach(oci, manifest, bundle)
    assert again == digest
    assert len(oci.get(f"order/created/referrers/{manifest}").json()["manifests"]) == 1
    assert len(contract_store().get("order.created", "1.0.0").signatures) == 1
    assert oci.get("order/created/tags/list").json()["tags"] == ["1.0.0"]


def test_a_signature_over_the_content_refers_to_the_manifest_too(signed):
    oci, key, manifest = signed
    envelope = key.sign(contract_store().get("order.created", "1.0.0").digest)
    path = "/registry/contracts/order.created/1.0.0/signatures"
    assert oci.call("POST", path, json.dumps(envelope).encode(), "application/json").status_code == 201
    (found,) = oci.get(f"order/created/referrers/{manifest}").json()["manifests"]
    layer = oci.get(f"order/created/manifests/{found['digest']}").json()["layers"][0]["digest"]
    assert json.loads(oci.get(f"order/created/blobs/{layer}").content)["dsseEnvelope"] == envelope


def test_bad_signatures_are_refused_and_leave_nothing(signed):
    oci, key, manifest = signed
    envelope = key.sign(manifest.removeprefix("sha256:"))
    for bundle, more, reason in (
        (bundle_of(flipped(envelope, "sig")), {}, "No key of a known signer"),
        (bundle_of(Key().sign(manifest.removeprefix("sha256:"))), {}, "No key of a known signer"),
        (bundle_of(key.sign("0" * 64)), {}, "is about"),
        (b"{", {}, "not a Sigstore bundle"),
        (b"\xff", {}, "not a Sigstore bundle"),
        (b"[]", {}, "DSSE envelope"),
        (bundle_of(None), {}, "DSSE envelope"),
        (bundle_of(envelope), {"subject": {"digest": f"sha256:{'0' * 64}"}}, "no manifest"),
        (bundle_of(envelope), {"subject": []}, "no manifest"),
        (bundle_of(envelope), {"artifactType": "application/spdx+json"}, "is a signature"),
    ):
        _, refused = attach(oci, manifest, bundle, **more)
        assert 400 <= refused.status_code < 500
        assert reason in refused.json()["errors"][0]["message"]
    old = oci.push("order/created", f"{manifest.replace(':', '-')}.sig", (EMPTY_CONFIG, EMPTY), (MANIFEST, b"x"))
    assert (old.status_code, "cosign 3" in old.content.decode()) == (405, True)
    body = base64.b64encode(b"x")
    assert oci.call("PUT", f"/v2/order/created/manifests/sha256:{'0' * 64}", body, MANIFEST).status_code == 400
    assert oci.get(f"order/created/referrers/{manifest}").json()["manifests"] == []
    assert contract_store().get("order.created", "1.0.0").signatures == ()
