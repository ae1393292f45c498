"""`$SR.v1` over a real nats-server, as public clients of the vendor's registry call it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import nats
import pytest

from tests.commands.serving import ROOT, environment
from tests.conftest import LOGIN

FIRST = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
OTHER = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


class Asked:
    """Sends requests on a connection of its own, and returns the body and the code of an error."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *requests):
        return asyncio.run(self._ask(requests))

    async def _ask(self, requests):
        client = await nats.connect(self.url, **LOGIN)
        try:
            answers = []
            for subject, body in requests:
                data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
                answer = await client.request(f"$SR.v1.{subject}", data, timeout=20)
                headers = answer.headers or {}
                code = int(headers.get("Nats-Service-Error-Code", 0))
                answers.append((code, headers["Nats-Service-Error"] if code else json.loads(answer.data)))
            return answers
        finally:
            await client.close()


@pytest.fixture
def started(nats_server, bucket, tmp_path):
    processes = []

    def start(*arguments: str) -> Asked:
        variables = environment(
            **{f"NATS_{name.upper()}": value for name, value in LOGIN.items()},
            NATS_URL=nats_server.url,
            REGISTRY_KV_BUCKET=bucket,
        )
        command = [sys.executable, "manage.py", "serve_nats_schemas", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert "Serving $SR.v1" in process.stdout.readline()
        return Asked(nats_server.url)

    yield start
    for process in processes:
        process.terminate()
        process.wait(20)


def definition(schema, **more):
    return {"format": "jsonschema", "definition": json.dumps(schema), **more}


@pytest.mark.xdist_group("nats_schemas")  # both services would answer
def test_a_schema_is_added_read_updated_listed_and_removed(started):
    ask = started()
    more = {"compat_policy": "backwards", "description": "An order", "metadata": {"team": "shop"}}
    added, exists, got, long, listed = ask(
        ("ADD.orders.created", definition(FIRST, **more)),
        ("ADD.orders.created", definition(FIRST)),
        ("GET.orders.created", None),
        ("GET.*.1.*.orders.created", {}),
        ("LIST", {"filter": "orders.>"}),
    )
    assert added == (0, {"version": 1, "revision": 1})
    assert exists[0] == 11001
    got_before = json.loads(json.dumps(got[1]))
    schema = got[1]["schema"]
    assert json.loads(schema.pop("definition")) == FIRST
    assert schema.pop("time").endswith("Z")
    assert schema == {
        "name": "orders.created",
        **{"version": 1, "revision": 1, "format": "jsonschema", "deleted": False},
        **{"compat_policy": "backwards", "description": "An order", "metadata": {"team": "shop"}},
    }
    assert long == (0, got_before)
    assert listed == (0, {"schemas": [got_before["schema"]]})
    breaking, changed, second, first, removed, gone, missing = ask(
        ("UPDATE.orders.created", definition(OTHER)),
        ("UPDATE.jsonschema.*.*.orders.created", definition(OTHER, compat_policy="None")),
        ("GET.orders.created", {"name": "orders.created"}),
        ("GET.orders.created", {"version": 1}),
        ("REMOVE.orders.created", None),
        ("GET.orders.created", None),
        ("UPDATE.orders.created", definition(FIRST)),
    )
    assert breaking[0] == 10400
    assert "type" in breaking[1]
    assert "for example" in breaking[1]
    assert changed == (0, {"version": 2, "revision": 2})
    assert json.loads(second[1]["schema"]["definition"]) == OTHER
    assert second[1]["schema"]["compat_policy"] == "None"
    assert json.loads(first[1]["schema"]["definition"]) == FIRST
    assert removed == (0, {})
    assert gone[0] == missing[0] == 11002


@pytest.mark.xdist_group("nats_schemas")
def test_a_bad_request_has_the_code_for_it(started):
    ask = started()
    requests = {
        ("ADD.a", b"{"): 10400,
        ("ADD.a", b"[]"): 10400,
        ("ADD.a", b"{}"): 11004,
        ("ADD.a", b'{"format": "avro", "definition": "{}"}'): 11007,
        ("ADD.a", b'{"format": "jsonschema"}'): 10400,
        ("ADD.a", b'{"format": "jsonschema", "definition": "{"}'): 11005,
        ("ADD.a", b'{"format": "jsonschema", "definition": "{\\"type\\": \\"text\\"}"}'): 11005,
        ("ADD.a", b'{"format": "jsonschema", "definition": "{}", "compat_policy": "sometimes"}'): 10400,
        ("ADD.a", b'{"format": "jsonschema", "definition": "{}", "metadata": {"a": 1}}'): 10400,
        ("ADD.a", b'{"format": "jsonschema", "definition": "{}", "name": "b"}'): 11000,
        ("GET.nothing", b""): 11002,
        ("LIST", b'{"filter": 1}'): 10400,
    }
    answers = ask(*requests)
    assert [code for code, _ in answers] == list(requests.values()), answers
    assert ask(("LIST", None)) == [(0, {"schemas": []})]


@pytest.mark.xdist_group("nats_schemas")
def test_a_read_only_service_has_no_subjects_for_writes(started):
    ask = started("--read-only")
    assert ask(("LIST", None)) == [(0, {"schemas": []})]
    with pytest.raises(nats.errors.NoRespondersError):
        ask(("ADD.a", definition(FIRST)))
