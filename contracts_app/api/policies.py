"""`/registry/policies`: the policies at their levels, `default`, `prefixes/{prefix}` and `contracts/{name}`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import ADMIN, READ, require, scopes_of
from contracts_app.api.requests import actor_of, check_parameters, if_match, read_json
from contracts_app.api.responses import LIST_CACHING, respond, respond_json
from contracts_app.bundles import compact
from contracts_app.exceptions import ContractNotFound
from contracts_app.policies import check_policy, level_and_name, levels_of, policy_key, policy_of
from contracts_app.services.policies import etag_of, set_policy
from contracts_app.storage import Representation, contract_store


class PolicyViewSet(ViewSet):
    scopes = {"put": ADMIN, "delete": ADMIN}
    any_name = ("list", "get", "put", "delete")

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request)
        levels = levels_of(contract_store().index("policy").documents)
        visible = [
            _policy_to_json(key, policy)
            for key, policy in levels.items()
            if _allows(request, READ, *level_and_name(key))
        ]
        return respond_json(request, {"policies": visible})

    def get(self, request: Request, level: str, name: str = "") -> HttpResponse:
        check_parameters(request)
        _require(request, READ, level, name)
        key = policy_key(level, name)
        index = contract_store().index(name or "policy")
        own = levels_of(index.documents).get(key)
        if own is None and level == "prefix":
            raise ContractNotFound(f"There is no policy for {level} {name}")
        effective = policy_of(index.documents, name).to_json()
        body = compact({"level": level, "name": name or None, "policy": own, "effective": effective})
        etag = etag_of(index, key) or Representation.of(body).etag
        return respond(request, Representation(body, etag), LIST_CACHING)

    def put(self, request: Request, level: str, name: str = "") -> Response:
        check_parameters(request)
        _require(request, ADMIN, level, name)
        policy = check_policy(read_json(request, "a policy, a JSON object"))
        sequence = set_policy(
            level=level, name=name, policy=policy, actor=actor_of(request), expected_etag=if_match(request)
        )
        response = Response({"level": level, "name": name or None, "policy": policy})
        response["ETag"] = f'"{sequence}"'
        return response

    def delete(self, request: Request, level: str, name: str = "") -> HttpResponse:
        check_parameters(request)
        _require(request, ADMIN, level, name)
        set_policy(level=level, name=name, policy=None, actor=actor_of(request), expected_etag=if_match(request))
        return HttpResponse(status=204)


def _allows(request: Request, scope: str, level: str, name: str) -> bool:
    """Return whether the token has a scope for all contracts of a level; every reader may read the default."""
    scopes = scopes_of(request)
    if level == "default":
        return scopes.allows_some(scope) if scope == READ else scopes.allows(scope)
    return scopes.allows_prefix(scope, name) if level == "prefix" else scopes.allows(scope, name)


def _require(request: Request, scope: str, level: str, name: str) -> None:
    if not _allows(request, scope, level, name):
        require(request, scope)


def _policy_to_json(key: str, policy: dict[str, Any]) -> dict[str, Any]:
    level, name = level_and_name(key)
    return {"level": level, "name": name or None, "policy": policy}
