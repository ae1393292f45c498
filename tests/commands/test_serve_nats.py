"""The registry as a NATS micro service: the same answers as over HTTP, found by the commands of ADR-32."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys

import nats
import pytest

from contracts_app.nats_service import ENDPOINTS
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.api.conftest import ALL, make_token
from tests.commands.serving import ROOT


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    server = EmbeddedServer(folder / "nats", port=free_port(0), max_record_bytes=4 << 20)
    server.start()
    more = {"NATS_URL": server.url, "VAR_DIR": str(folder / "var"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve_nats"],
        cwd=ROOT,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Serving registry.v1.* over NATS")
    yield server.url
    process.terminate()
    assert process.wait(20) == 0
    server.stop()


def ask(url, endpoint, body, token=None, raw=False):
    async def asked():
        client = await nats.connect(url)
        headers = {"Authorization": f"Bearer {token or make_token(*ALL)}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = await client.request(endpoint if raw else f"registry.v1.{endpoint}", data, timeout=20, headers=headers)
        await client.close()
        return reply

    return asyncio.run(asked())


SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def test_contracts_are_published_read_checked_and_validated(url):
    made = ask(url, "publish", {"name": "order.placed", "version": "1.0.0", "jsonSchema": SCHEMA})
    assert json.loads(made.data)["status"] == "created"
    assert made.headers["Registry-Status"] == "201"
    assert json.loads(ask(url, "get", {"name": "order.placed", "version": "^1"}).data)["version"] == "1.0.0"
    assert json.loads(ask(url, "latest", {"name": "order.placed"}).data)["name"] == "order.placed"
    assert len(json.loads(ask(url, "list", b"").data)["contracts"]) == 1
    assert json.loads(ask(url, "list", {"prefix": "zzz"}).data)["contracts"] == []
    assert json.loads(ask(url, "search", {"q": "id"}).data)["total"] == 1
    report = json.loads(
        ask(url, "check", {"old": {"jsonSchema": SCHEMA}, "new": {"jsonSchema": {"type": "null"}}}).data
    )
    assert report["verdict"] == "breaking"
    assert report["changes"][0]["witness"]["instance"]
    valid = ask(url, "validate", {"name": "order.placed", "version": "1.0.0", "instance": {"id": 5}})
    assert json.loads(valid.data)["errors"][0]["instancePointer"] == "/id"
    refused = ask(url, "publish", {"name": "order.placed", "version": "1.1.0", "jsonSchema": {"type": "null"}})
    assert refused.headers["Nats-Service-Error-Code"] == "422"
    assert "has breaking changes" in refused.headers["Nats-Service-Error"]
    assert json.loads(refused.data)["requiredVersion"] == "2.0.0"


@pytest.mark.parametrize(
    ("endpoint", "body", "code"),
    [
        ("get", {"name": "no.such", "version": "1.0.0"}, "404"),
        ("get", {"name": "../audit", "version": "1.0.0"}, "400"),
        ("get", {"name": "a"}, "400"),
        ("get", b"nonsense", "400"),
        ("get", b"[]", "400"),
        ("get", b"[" * 100_000, "400"),
        ("validate", {"name": "a", "version": "1.0.0"}, "400"),
        ("publish", b"{", "400"),
        ("list", {"unknown": "x"}, "400"),
    ],
)
def test_bad_requests_have_a_code_and_a_reason(url, endpoint, body, code):
    reply = ask(url, endpoint, body)
    assert reply.headers["Nats-Service-Error-Code"] == code
    assert reply.headers["Nats-Service-Error"]


def test_a_request_needs_a_token_with_the_scope(url):
    reader = make_token("contracts:read")
    body = {"name": "x", "version": "1.0.0", "jsonSchema": {}}
    assert ask(url, "publish", body, token=reader).headers["Nats-Service-Error-Code"] == "403"
    assert ask(url, "list", b"", token="nonsense").headers["Nats-Service-Error-Code"] == "401"


def test_the_service_is_discovered(url):
    info = json.loads(ask(url, "$SRV.INFO.contract-registry", b"", raw=True).data)
    assert info["type"] == "io.nats.micro.v1.info_response"
    assert {each["subject"] for each in info["endpoints"]} == {f"registry.v1.{name}" for name in ENDPOINTS}
    stats = json.loads(ask(url, "$SRV.STATS.contract-registry", b"", raw=True).data)
    assert sum(each["num_requests"] for each in stats["endpoints"]) > 0
    assert json.loads(ask(url, "$SRV.PING.contract-registry", b"", raw=True).data)["name"] == "contract-registry"


# The command line tool of NATS

NATS = shutil.which("nats")
needs_nats = pytest.mark.skipif(
    NATS is None and "REQUIRE_NATS_CLI" not in os.environ, reason="nats is not installed; CI installs it with Go"
)


def nats_cli(url, tmp_path, *arguments):
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [NATS or "nats", "--server", url, "--timeout", "20s", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_nats
def test_the_command_line_tool_finds_the_service(url, tmp_path):
    assert "contract-registry" in nats_cli(url, tmp_path, "micro", "list")
    assert "registry.v1.check" in nats_cli(url, tmp_path, "micro", "info", "contract-registry")
    assert "contract-registry" in nats_cli(url, tmp_path, "micro", "ping", "contract-registry")
    assert "latest" in nats_cli(url, tmp_path, "micro", "stats", "contract-registry")


@needs_nats
def test_the_command_line_tool_publishes_and_reads(url, tmp_path):
    token = f"Authorization:Bearer {make_token(*ALL)}"

    def request(endpoint, body):
        # --no-templates: the braces of JSON are no template.
        arguments = ("req", "--no-templates", "--raw", f"registry.v1.{endpoint}", json.dumps(body), "-H", token)
        return json.loads(nats_cli(url, tmp_path, *arguments))

    made = request("publish", {"name": "by.cli", "version": "1.0.0", "jsonSchema": SCHEMA})
    assert made["status"] == "created"
    assert request("get", {"name": "by.cli", "version": "^1"})["version"] == "1.0.0"
    refused = request("publish", {"name": "by.cli", "version": "1.1.0", "jsonSchema": {"type": "null"}})
    assert refused["requiredVersion"] == "2.0.0"
