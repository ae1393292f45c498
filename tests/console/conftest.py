from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from contracts_app.bundles import ContractBundle
from contracts_app.services import publish_contract
from contracts_app.storage import Actor, contract_store


@pytest.fixture
def console(registry, db) -> Console:
    return Console()


class Console:
    """The console, as seen by one of its users."""

    def __init__(self, *groups: str, name: str = "root", superuser: bool = True) -> None:
        if superuser and not groups:
            self.user = User.objects.create_superuser(name, password="correct horse")
        else:
            self.user = User.objects.create_user(name, password="correct horse", is_staff=True)
            self.user.groups.set(Group.objects.filter(name__in=groups))
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def member(self, *groups: str, name: str = "") -> Console:
        return Console(*groups, name=name or "-".join(groups) or "no-group", superuser=False)

    def get(self, where: str, /, *arguments: str, **query: str) -> Any:
        return self.client.get(url(where, *arguments), query)

    def post(self, where: str, /, *arguments: str, **data: Any) -> Any:
        return self.client.post(url(where, *arguments), data)


def url(page: str, *arguments: str) -> str:
    model, _, name = page.rpartition("_")
    return reverse(f"admin:contracts_app_{model or 'contract'}_{name}", args=arguments)


def text(response: Any) -> str:
    """Return a page's HTML with its spaces folded."""
    return " ".join(response.content.decode().split())


def publish(name: str, version: str, schema: Any = None, **more: Any) -> ContractBundle:
    if schema is None and not {"wit", "descriptor", "json_schema"} & more.keys():
        schema = True  # a version needs some content
    written = json.dumps(schema) if schema is not None else None
    draft = more.pop("draft", False)
    bundle = ContractBundle(name=name, version=version, json_schema=written, **more)
    return publish_contract(bundle=bundle, actor=Actor("ci"), draft=draft)


def record(name: str, version: str) -> ContractBundle:
    return contract_store().get(name, version)


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT = {"type": "string"}
