"""Where the service listens, and below which path a proxy offers it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import httpx
import pytest

from contracts_app.serving.embedded_nats import free_port
from tests.api.conftest import ALL, make_token
from tests.commands.serving import ROOT, serving, unmeasured

HEADERS = {"Authorization": f"Bearer {make_token(*ALL)}"}
BODY = {"name": "prefixed.one", "version": "1.0.0", "jsonSchema": True}


def test_links_begin_with_the_prefix_that_the_proxy_takes_off(nats_server, tmp_path):
    more = {"URL_PREFIX": "/contracts/v1/", "REGISTRY_KV_BUCKET": "prefixed", "VAR_DIR": str(tmp_path / "var")}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=unmeasured(**more), check=True)
    with serving(nats_server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
        created = httpx.post(f"{url}/registry/contracts", json=BODY, headers=HEADERS)
        assert created.headers["Location"] == "/contracts/v1/registry/contracts/prefixed.one/1.0.0"
        httpx.post(f"{url}/registry/contracts", json={**BODY, "name": "prefixed.two"}, headers=HEADERS)
        page = httpx.get(f"{url}/registry/contracts?limit=1", headers=HEADERS)
        assert page.headers["Link"].startswith("</contracts/v1/registry/contracts?")
        for _ in range(2):
            assert httpx.get(f"{url}/registry/contracts/prefixed.one/1.0.0", headers=HEADERS).status_code == 200
        start = httpx.get(f"{url}/", follow_redirects=False)
        assert start.headers["Location"] == "/contracts/v1/admin/"
        login = httpx.get(f"{url}/admin/login/")
        assert login.status_code == 200
        assert "/contracts/v1/static/console/console.css" in login.text
        assert "Path=/contracts/v1/" in login.headers["Set-Cookie"]
        assert httpx.get(f"{url}/static/console/console.css").status_code == 200


@pytest.mark.parametrize("prefix", ["contracts", "/a b", "/a?b", "//x", "/<x>"])
def test_a_prefix_that_is_no_path_is_refused(prefix):
    environment = {**os.environ, "URL_PREFIX": prefix}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "is not a path, such as /contracts" in done.stderr


@pytest.mark.parametrize("kind", ["unix", "IPv6"])
def test_a_socket_file_and_ipv6(nats_server, tmp_path, kind):
    port = free_port(0)
    address = f"unix:{tmp_path}/socket" if kind == "unix" else f"[::1]:{port}"
    more = {"NATS_URL": nats_server.url, "REGISTRY_KV_BUCKET": f"bound-{kind}", "BIND_ADDR": address}
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-m", "gunicorn", "--workers", "1", "registry_project.asgi"]
        process = subprocess.Popen(command, cwd=ROOT, env=unmeasured(**more), stderr=log)
    transport = httpx.HTTPTransport(uds=f"{tmp_path}/socket") if kind == "unix" else None
    base = "http://localhost" if kind == "unix" else f"http://[::1]:{port}"
    try:
        with httpx.Client(transport=transport, base_url=base, headers=HEADERS, timeout=30) as client:
            deadline = time.monotonic() + 30
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.1)
            assert client.post("/registry/contracts", json=BODY).status_code == 201
            for _ in range(2):
                assert client.get("/registry/contracts/prefixed.one/1.0.0").status_code == 200
            assert client.get("/registry/contracts", headers={"Authorization": "x"}).status_code == 401
            assert client.get("/admin/login/").status_code == 200
    finally:
        process.terminate()
        process.wait(30)


def test_readiness_names_each_dependency(nats_server, tmp_path):
    keys = {"JWT_ALGORITHM": "RS256", "JWT_JWKS": "http://127.0.0.1:9/keys", "ALLOWED_HOSTS": "127.0.0.1"}
    arguments = ("--workers", "1", "registry_project.asgi")
    with serving(nats_server.url, tmp_path / "log", *arguments, **keys) as (url, _):
        found = httpx.get(f"{url}/readyz").json()["dependencies"]
        assert (found["store"]["state"], found["tokenKeys"]) == ("available", {"state": "not used yet"})
        token = {"Authorization": f"Bearer {make_token(*ALL)}"}
        assert httpx.get(f"{url}/registry/contracts", headers=token).status_code in (401, 503)
        ready = httpx.get(f"{url}/readyz")
        found = ready.json()["dependencies"]["tokenKeys"]
        assert (ready.status_code, found["state"], bool(found["reason"])) == (200, "unavailable", True)
