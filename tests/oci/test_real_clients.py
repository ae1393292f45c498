"""oras, wkg and the conformance suite of the specification, unchanged, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from contracts_app.api.auth.basic import hash_of
from oci_app.artifacts import BUNDLE, SCHEMA
from tests.commands.serving import serving
from tests.conftest import LOGIN
from tests.oci.test_pull_and_push import MONEY, ORDER

SECRET = "a secret"
SCHEMA_TEXT = '{"type":"object"}'


def tool(name: str) -> str:
    """Return the path of a tool that CI installs; skip the test without it."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("REQUIRE_OCI_TOOLS"):
            pytest.fail(f"{name} is required and not installed")
        pytest.skip(f"{name} is not installed; CI installs it")
    return found


def run(*command: str, cwd: Path, status: int = 0, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(cwd), **environment},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def served(nats_server, tmp_path_factory):
    """The URL of a registry with two WIT packages and a schema."""
    variables = {
        **{f"NATS_{name.upper()}": value for name, value in LOGIN.items()},
        "BASIC_USERS": f"ci:{hash_of(SECRET)}:contracts:read,contracts:write",
    }
    log = tmp_path_factory.mktemp("oci") / "log"
    with serving(nats_server.url, log, "registry_project.asgi", **variables) as (url, _):
        with httpx.Client(base_url=url, auth=("ci", SECRET)) as client:
            for contract in (
                {"name": "shop.money", "version": "1.0.0", "wit": MONEY},
                {"name": "shop.order", "version": "1.0.0", "wit": ORDER},
                {"name": "order.created", "version": "1.0.0", "jsonSchema": SCHEMA_TEXT},
            ):
                assert client.post("/registry/contracts", json=contract).status_code == 201
        yield url


@pytest.fixture
def host(served) -> str:
    return urlsplit(served).netloc


def test_oras_pulls_and_pushes_bundles(served, host, tmp_path):
    oras, login = tool("oras"), ("--plain-http", "-u", "ci", "-p", SECRET)
    run(oras, "pull", *login, f"{host}/order/created:1.0.0", cwd=tmp_path)
    assert (tmp_path / "schema.json").read_text() == SCHEMA_TEXT
    (tmp_path / "event.json").write_text('{"type":"object","required":["id"]}')
    file = f"event.json:{SCHEMA}"
    run(oras, "push", *login, f"{host}/new/event:1.0.0", "--artifact-type", BUNDLE, file, cwd=tmp_path)
    found = httpx.get(f"{served}/registry/contracts/new.event/1.0.0", auth=("ci", SECRET)).json()
    assert found["jsonSchema"] == '{"type":"object","required":["id"]}'
    digest = run(oras, "resolve", *login, f"{host}/new/event:1.0.0", cwd=tmp_path).split()[0]
    assert run(oras, "manifest", "fetch", *login, f"{host}/new/event@{digest}", cwd=tmp_path)
    (tmp_path / "event.json").write_text('{"type":"array"}')
    refused = run(
        *(oras, "push", *login, f"{host}/new/event:1.1.0", "--artifact-type", BUNDLE, file), cwd=tmp_path, status=1
    )
    assert "breaking" in refused
    assert "1.0.0" in run(oras, "repo", "tags", *login, f"{host}/new/event", cwd=tmp_path)
    assert "shop/order" in run(oras, "repo", "ls", *login, host, cwd=tmp_path)
    assert BUNDLE in run(oras, "discover", *login, f"{host}/shop/order:1.0.0", cwd=tmp_path)


@pytest.fixture
def wkg(host, tmp_path):
    """A function that runs wkg with the registry as its default."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'default_registry = "{host}"\n[registry."{host}".oci]\nprotocol = "http"\n'
        f'auth = {{ username = "ci", password = "{SECRET}" }}\n'
    )
    command = tool("wkg")
    more = {"WKG_CONFIG_FILE": str(config), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return lambda *arguments, status=0: run(command, *arguments, cwd=tmp_path, status=status, **more)


def test_wkg_gets_fetches_and_locks_wit_packages(wkg, tmp_path):
    wkg("get", "shop:order@1.0.0", "--format", "wasm", "-o", str(tmp_path / "order.wasm"))
    assert (tmp_path / "order.wasm").read_bytes().startswith(b"\0asm")
    wkg("get", "shop:order", "--format", "wit", "-o", str(tmp_path / "order.wit"))
    assert "place: func(total: amount) -> string" in (tmp_path / "order.wit").read_text()
    (tmp_path / "wit").mkdir()
    world = "package my:app@0.1.0;\nworld app { import shop:order/types@1.0.0; }\n"
    (tmp_path / "wit" / "world.wit").write_text(world)
    wkg("wit", "fetch")
    lock = (tmp_path / "wkg.lock").read_text()
    assert "shop:order" in lock
    assert "sha256:" in lock
    fetched = "".join(path.read_text() for path in (tmp_path / "wit" / "deps").rglob("*.wit"))
    assert "record amount" in fetched, "what a package uses comes with it"
    wkg("wit", "fetch")
    assert (tmp_path / "wkg.lock").read_text() == lock


def test_wkg_publishes_through_the_checks(wkg, served, tmp_path):
    (tmp_path / "wit").mkdir()
    text = ORDER.replace("shop:order@1.0.0", "shop:order@1.1.0").replace("-> string;", "-> string;\n  cancel: func();")
    (tmp_path / "wit" / "order.wit").write_text(text)
    wkg("wit", "build", "-o", str(tmp_path / "order.wasm"))
    wkg("publish", "order.wasm")
    found = httpx.get(f"{served}/registry/contracts/shop.order/1.1.0", auth=("ci", SECRET)).json()
    assert "cancel: func()" in found["wit"]
    wkg("get", "shop:order@1.1.0", "--format", "wasm", "-o", str(tmp_path / "pulled.wasm"))
    assert (tmp_path / "pulled.wasm").read_bytes() == (tmp_path / "order.wasm").read_bytes()
    broken = text.replace("1.1.0;", "1.2.0;").replace("-> string;", "-> u32;")
    (tmp_path / "wit" / "order.wit").write_text(broken)
    wkg("wit", "build", "-o", "broken.wasm")
    for arguments in (("broken.wasm",), ("broken.wasm", "--skip-semver-check")):
        assert "requires version 2.0.0" in wkg("publish", *arguments, status=1)
    tags = httpx.get(f"{served}/v2/shop/order/tags/list", auth=("ci", SECRET)).json()["tags"]
    assert "1.2.0" not in tags


def test_the_conformance_suite_accepts_pulls(served, host, tmp_path):
    suite = tool("conformance")
    with httpx.Client(base_url=f"{served}/v2/shop/order", auth=("ci", SECRET)) as client:
        manifest = client.get("/manifests/1.0.0")
    members = manifest.json()
    blobs = [members["config"]["digest"], *(each["digest"] for each in members["layers"])]
    settings = {
        "OCI_REGISTRY": host,
        "OCI_TLS": "disabled",
        "OCI_REPO1": "shop/order",
        "OCI_USERNAME": "ci",
        "OCI_PASSWORD": SECRET,
        "OCI_API_PUSH": "false",
        "OCI_API_BLOBS_DELETE": "false",
        "OCI_API_MANIFESTS_DELETE": "false",
        "OCI_API_TAGS_DELETE": "false",
        "OCI_RO_DATA_TAGS": "1.0.0",
        "OCI_RO_DATA_MANIFESTS": manifest.headers["Docker-Content-Digest"],
        "OCI_RO_DATA_BLOBS": " ".join(blobs),
        "OCI_RO_DATA_REFERRERS": manifest.headers["Docker-Content-Digest"],
    }
    # In this mode the suite itself ends with a crash, in the report that it writes after its results.
    done = subprocess.run([suite], cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True)
    results = dict(re.findall(r"^ *(\w[\w ]+?)\.*: +(\w+)$", done.stdout, re.MULTILINE))
    assert results["OCI Conformance Test"] == "Pass", done.stdout
    for each in ("Blob get", "Blob head", "Tag listing", "Referrers", "Manifest get by digest", "Manifest get by tag"):
        assert results.get(each) == "Pass", (each, done.stdout)
    assert "Fail" not in results.values(), done.stdout
