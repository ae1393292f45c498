"""A client of the Confluent API in the test's own bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from contracts_app.api.auth.basic import hash_of
from contracts_app.serving.embedded_nats import free_port
from tests.api.conftest import make_token
from tests.commands.serving import serving
from tests.conftest import LOGIN

SCOPES = ("contracts:read", "contracts:write", "contracts:admin", "contracts:remove")
NAME_ONLY = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Confluent:
    def __init__(self, *scopes: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {make_token(*(scopes or SCOPES))}"}

    def call(self, method: str, path: str, body: Any = None):
        """Return the status and the parsed body."""
        answer = self.client.generic(
            method,
            f"/confluent{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/vnd.schemaregistry.v1+json",
            headers=self.headers,
        )
        assert answer["Content-Type"] == "application/vnd.schemaregistry.v1+json", answer.content
        return answer.status_code, json.loads(answer.content)

    def get(self, path: str):
        return self.call("GET", path)

    def post(self, path: str, body: Any):
        return self.call("POST", path, body)

    def put(self, path: str, body: Any):
        return self.call("PUT", path, body)

    def delete(self, path: str):
        return self.call("DELETE", path)

    def register(self, subject: str, schema: Any, **members: Any):
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self.post(f"/subjects/{subject}/versions", {"schemaType": "JSON", "schema": text, **members})

    def registered(self, subject: str, schema: Any, **members: Any) -> int:
        """Register a schema, and return its id."""
        status, answer = self.register(subject, schema, **members)
        assert status == 200, answer
        return answer["id"]


@pytest.fixture
def confluent(registry) -> Confluent:
    return Confluent()


@pytest.fixture(scope="module")
def url(nats_server, tmp_path_factory):
    """The root of a served Confluent API on a port of its own; `kafka` with `a secret` may do everything."""
    port = free_port(0)
    variables = {
        **{f"NATS_{name.upper()}": value for name, value in LOGIN.items()},
        "CONFLUENT_BIND_ADDR": f"127.0.0.1:{port}",
        "BASIC_USERS": f"kafka:{hash_of('a secret')}:{','.join(SCOPES)};reader:{hash_of('other')}:contracts:read",
    }
    log = tmp_path_factory.mktemp("confluent") / "log"
    with serving(nats_server.url, log, "registry_project.asgi", **variables):
        yield f"http://127.0.0.1:{port}"
