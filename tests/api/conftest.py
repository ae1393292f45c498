from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from django.test import Client

from contracts_app.api.auth.config import DEVELOPMENT_SECRET

ALL = ("contracts:read", "contracts:write")
TOKEN_SECONDS = 6 * 3600  # modules make theirs when they are imported, long before their last test


def make_token(*scopes: str, key: Any = DEVELOPMENT_SECRET, algorithm: str = "HS256", headers=None, **claims) -> str:
    base = {"sub": "tester", "exp": int(time.time()) + TOKEN_SECONDS, "scopes": list(scopes)}
    payload = {key: value for key, value in (base | claims).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


class API:
    """A client of the API with a token that has all scopes."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)
        self.token = make_token(*ALL)

    def headers(self, extra: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | extra

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=self.headers(headers))

    def post(self, body: Any, path: str = "/registry/contracts", **headers: str):
        return self.client.post(path, body, content_type="application/json", headers=self.headers(headers))

    def publish(self, name: str, version: str, schema: Any = None, **fields: Any):
        body = {"name": name, "version": version, **fields}
        if schema is None and not {"wit", "descriptor", "jsonSchema"} & fields.keys():
            schema = True  # a version needs some content
        if schema is not None:
            body["jsonSchema"] = schema
        return self.post(body, Accept="application/json")


@pytest.fixture
def api(registry) -> API:
    return API()
