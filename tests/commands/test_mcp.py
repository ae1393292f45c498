"""`manage.py mcp`, used by the client of the official SDK, over standard input and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from contracts_app.serving.embedded_nats import free_port
from tests.api.conftest import make_token
from tests.commands.serving import ROOT, serving, wait_for
from tests.conftest import LOGIN

READ, WRITE = make_token("contracts:read"), make_token("contracts:read", "contracts:write")
SCHEMA = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
READING = {"search", "get", "versions", "check", "validate", "explain_rule"}


@pytest.fixture(scope="module")
def url(nats_server, tmp_path_factory):
    variables = {f"NATS_{name.upper()}": value for name, value in LOGIN.items()}
    log = tmp_path_factory.mktemp("mcp") / "log"
    with serving(nats_server.url, log, "--workers", "1", "registry_project.asgi", **variables) as (url, _):
        body = {"name": "order.placed", "version": "1.0.0", "jsonSchema": SCHEMA, "description": "An order"}
        headers = {"Authorization": f"Bearer {WRITE}"}
        assert httpx2.post(f"{url}/registry/contracts", json=body, headers=headers).status_code == 201
        yield url


def over_stdio(url: str, token: str) -> Client:
    return Client(
        StdioServerParameters(
            command=sys.executable,
            args=["manage.py", "mcp", "--registry-endpoint", url],
            env={**os.environ, "JWT_TOKEN": token},
            cwd=str(ROOT),
        )
    )


def run(client: Client, *calls: tuple[str, dict]):
    """Return the names of the tools, and the result of each call."""

    async def session():
        async with client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            return tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(session())


def value(result):
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def test_a_reader_searches_gets_checks_and_validates(url):
    proposed = {**SCHEMA, "properties": {"total": {"type": "string"}}}
    tools, results = run(
        over_stdio(url, READ),
        ("search", {"q": "order"}),
        ("get", {"name": "order.placed"}),
        ("versions", {"name": "order.placed"}),
        ("check", {"name": "order.placed", "schema": proposed}),
        ("validate", {"name": "order.placed", "instance": {"total": "5"}}),
    )
    assert tools == READING
    found, version, contract, verdict, validated = map(value, results)
    assert "order.placed" in json.dumps(found)
    assert json.loads(version["jsonSchema"]) == SCHEMA
    assert [each["version"] for each in contract["versions"]] == ["1.0.0"]
    assert (verdict["verdict"], verdict["requiredBump"]) == ("breaking", "major")
    assert verdict["changes"][0]["witness"]["instance"]["total"] != "5"
    assert (validated["valid"], validated["errors"][0]["instancePointer"]) == (False, "/total")


def test_what_is_wrong_is_said_to_the_caller(url):
    _, results = run(
        over_stdio(url, READ),
        ("get", {"name": "no.such"}),
        ("check", {"name": "order.placed"}),
        ("explain_rule", {"rule": "no-such-rule"}),
        ("explain_rule", {"rule": "type-narrowed"}),
    )
    for result, part in zip(results, ("404", "either schema or wit", "no-such-rule"), strict=False):
        assert result.is_error
        assert part in result.content[0].text
    assert "type" in results[3].content[0].text
    _, [refused] = run(over_stdio(url, make_token("other")), ("search", {"q": "order"}))
    assert "403" in refused.content[0].text


def test_a_writer_publishes_and_a_dry_run_is_the_default(url):
    new = {"name": "order.paid", "version": "1.0.0", "schema": SCHEMA}
    tools, results = run(
        over_stdio(url, WRITE), ("publish", new), ("publish", new | {"dry_run": False}), ("publish", new)
    )
    assert tools == READING | {"publish"}
    assert [value(each)["status"] for each in results[:2]] == ["valid", "created"]
    assert results[2].is_error
    assert "already exists" in results[2].content[0].text


def test_over_http_each_request_brings_its_token(url, tmp_path):
    port = free_port(0)
    arguments = ["manage.py", "mcp", "--registry-endpoint", url, "--http", f"127.0.0.1:{port}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_for(port)

        async def session(headers):
            async with httpx2.AsyncClient(headers=headers) as http:
                transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
                async with Client(transport) as client:
                    return await client.call_tool("get", {"name": "order.placed"})

        assert value(asyncio.run(session({"Authorization": f"Bearer {READ}"})))["version"] == "1.0.0"
        refused = asyncio.run(session({}))
        assert refused.is_error
        assert "Authorization" in refused.content[0].text
    finally:
        process.terminate()
        process.wait(20)


def test_without_a_token_it_does_not_start(url):
    environment = {name: text for name, text in os.environ.items() if name != "JWT_TOKEN"}
    done = subprocess.run(
        [sys.executable, "manage.py", "mcp"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "JWT_TOKEN" in done.stderr
