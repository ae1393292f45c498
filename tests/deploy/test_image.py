"""The image that CI has built from the Dockerfile: it runs without root, and serves the quick start."""

from __future__ import annotations

import os
import subprocess
import time

import httpx
import pytest

from contracts_app.serving.embedded_nats import free_port
from tests.api.conftest import ALL, make_token

IMAGE = os.environ.get("TEST_IMAGE", "")
pytestmark = pytest.mark.skipif(not IMAGE, reason="TEST_IMAGE names no image; CI builds one with buildah")
BUILDAH = ["buildah", "--storage-driver", "vfs"]
SECRET = "a secret of thirty-two characters!"


@pytest.fixture(scope="module")
def container():
    name = subprocess.run([*BUILDAH, "from", IMAGE], check=True, capture_output=True, text=True).stdout.strip()
    yield name
    subprocess.run([*BUILDAH, "rm", name], check=True, capture_output=True)


def command(container: str, *arguments: str, **variables: str) -> list[str]:
    given = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    run = [*BUILDAH, "run", "--isolation", "chroot", *given, container, "--"]
    return [*run, "/app/deploy/image/registry", *arguments]


def test_the_image_serves_the_quick_start(container, nats_server):
    port = free_port(0)
    variables = {
        "JWT_SECRET": SECRET,
        "NATS_URL": nats_server.url,
        "REGISTRY_KV_BUCKET": "image",
        "BIND_ADDR": f"127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "CONSOLE_TLS": "false",
    }
    subprocess.run(command(container, "migrate", **variables), check=True, capture_output=True)
    process = subprocess.Popen(command(container, "serve", **variables), stderr=subprocess.PIPE)
    url, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {make_token(*ALL, key=SECRET)}"}
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        body = {"name": "order.placed", "version": "1.0.0", "jsonSchema": {"type": "object"}, "wit": None}
        assert httpx.post(f"{url}/registry/contracts", json=body, headers=headers).status_code == 201
        assert httpx.get(f"{url}/registry/contracts/order.placed/1.0.0", headers=headers).status_code == 200
        assert httpx.get(f"{url}/admin/login/").status_code == 200
        probe = subprocess.run(command(container, "probe", f"{url}/healthz"), capture_output=True)
        assert probe.returncode == 0
        assert subprocess.run(command(container, "probe", f"{url}/nothing"), capture_output=True).returncode == 1
    finally:
        process.terminate()
        process.wait(30)


def test_the_image_is_small_in_what_it_may_do(container):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        shell = [*BUILDAH, "run", "--isolation", "chroot", container, "--", *arguments]
        return subprocess.run(shell, capture_output=True, text=True)

    assert run("id", "-u").stdout.strip() == "10001"
    assert run("sh", "-c", "touch /app/x").returncode != 0
    assert run("sh", "-c", "command -v gcc cc pip").returncode != 0
    assert run("/app/deploy/image/registry", "nonsense").returncode == 2
    rules = command(container, "manage", "lint_contracts", "rules", JWT_SECRET=SECRET)
    checked = subprocess.run(rules, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "property-removed" in checked.stdout
