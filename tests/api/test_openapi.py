"""The API's description: valid, complete, and true."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from django.urls import URLPattern
from openapi_spec_validator import OpenAPIV31SpecValidator

from contracts_app.api.openapi import document
from contracts_app.api.urls import urlpatterns
from tests.api.conftest import make_token
from tests.commands.serving import serving

EVERY_SCOPE = [f"contracts:{scope}" for scope in ("read", "write", "admin", "override", "audit")]


def test_it_is_valid_openapi():
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_it_names_every_route():
    def shown(pattern: URLPattern) -> str:
        return "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))

    routes = {shown(pattern) for pattern in urlpatterns}
    lifecycle = "/registry/contracts/{name}/{version}/"
    routes.remove(lifecycle + "{deed}")
    routes |= {lifecycle + deed for deed in ("activate", "deprecate", "withdraw")}
    assert set(document()["paths"]) == (routes - {"/registry/docs"}) | {"/healthz", "/readyz", "/metrics"}


def test_it_is_served_with_a_page_that_needs_no_other_host(client):
    answer = client.get("/registry/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    page = client.get("/registry/docs")
    assert page.status_code == 200
    assert not re.search(r'(src|href)="(https?:)?//', page.content.decode())
    assert "script-src 'self';" in page["Content-Security-Policy"]
    for asset in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.content.decode()):
        assert client.get(asset).status_code == 200, asset


@pytest.mark.parametrize("seed", [1])
def test_what_the_service_answers_is_described(nats_server, tmp_path, seed):
    """Schemathesis makes requests of the description, good and bad: no 5xx, and no status that is not described."""
    token = make_token(*EVERY_SCOPE)
    with serving(nats_server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi") as (url, _):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/registry/openapi.json"),
                *("--header", f"Authorization: Bearer {token}", "--header", "Accept: application/json"),
                *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance"),
                *("--checks", "response_schema_conformance"),
                *("--exclude-path", "/readyz", "--max-examples", "25", "--seed", str(seed), "--workers", "2"),
                *("--request-timeout", "30", "--no-color"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
