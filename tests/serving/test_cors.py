"""Pages of other origins: only those that are configured, with tokens and never with cookies."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

ORIGIN = "https://portal.example.com"
TOKEN = {"Authorization": f"Bearer {make_token(*ALL)}"}


@pytest.fixture(scope="module")
def url(nats_server, tmp_path_factory):
    more = {"CORS_ALLOWED_ORIGINS": ORIGIN, "REGISTRY_KV_BUCKET": "cors"}
    log = tmp_path_factory.mktemp("cors") / "log"
    with serving(nats_server.url, log, "--workers", "1", "registry_project.asgi", **more) as (url, _):
        body = {"name": "cors.one", "version": "1.0.0", "jsonSchema": True}
        assert httpx.post(f"{url}/registry/contracts", json=body, headers=TOKEN).status_code == 201
        yield url


@pytest.mark.parametrize("path", ["contracts", "contracts/cors.one/1.0.0", "contracts/cors.one", "events?since=0"])
def test_a_configured_origin_may_read(url, path):
    for _ in range(2):  # from Django, and with a cached token
        answer = httpx.get(f"{url}/registry/{path}", headers={**TOKEN, "Origin": ORIGIN})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in answer.headers
        other = httpx.get(f"{url}/registry/{path}", headers={**TOKEN, "Origin": "https://evil.example.com"})
        assert "Access-Control-Allow-Origin" not in other.headers


def test_a_preflight_needs_no_token(url):
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,if-match"
    answer = httpx.options(f"{url}/registry/contracts", headers=asked)
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_the_console_is_not_for_other_origins(url):
    answer = httpx.get(f"{url}/admin/login/", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers
