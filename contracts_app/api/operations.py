"""What changes a registry beside publishing: lifecycles and policies; and who did it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.body import read_json
from contracts_app.api.parameters import flag, if_match, known, number
from contracts_app.api.permissions import ADMIN, AUDIT, OVERRIDE, require
from contracts_app.api.prepared import LIST_CACHING, ready
from contracts_app.api.serializers import check_identity, check_text_field, read_reason
from contracts_app.api.views import actor_of
from contracts_app.bundles import compact
from contracts_app.exceptions import ContractNotFound, MalformedContract
from contracts_app.lifecycle import TRANSITIONS
from contracts_app.policies import check_policy, level_and_name, levels_of, policy_key, policy_of
from contracts_app.services import auditing
from contracts_app.services.changing import change_state
from contracts_app.services.ruling import etag_of, set_policy
from contracts_app.storage import Prepared, contract_storage

LARGEST_AUDIT_PAGE = 1000
_FIELDS = {
    "activate": ("reason",),
    "deprecate": ("reason", "sunset", "successor"),
    "withdraw": ("reason", "successor", "override"),
}


class LifecycleViewSet(ViewSet):
    """`POST .../activate`, `/deprecate`, `/withdraw`."""

    def change(self, request: Request, name: str, version: str, deed: str) -> Response:
        if deed not in TRANSITIONS:
            raise ContractNotFound(f"No such action: {deed:.40}; there are {', '.join(TRANSITIONS)}")
        known(request._request, "dryRun")
        check_identity(name, version)
        fields = _read_fields(request._request, deed)
        override = read_reason(fields.get("override"))
        if override is not None:
            require(request, OVERRIDE)
        changed = change_state(
            name=name,
            version=version,
            action=deed,
            actor=actor_of(request),
            reason=fields.get("reason"),
            sunset_at=fields.get("sunset"),
            successor=fields.get("successor"),
            override=override,
            expected_etag=if_match(request._request),
            dry_run=flag(request._request, "dryRun"),
        )
        assert changed.lifecycle is not None
        answer = {"name": name, "version": version, "digest": changed.digest, "lifecycle": changed.lifecycle.to_json()}
        response = Response(answer)
        response["ETag"] = changed.etag
        return response


def _read_fields(request: HttpRequest, deed: str) -> dict[str, Any]:
    if request.META.get("CONTENT_LENGTH") in ("", "0", None) and not request.META.get("HTTP_TRANSFER_ENCODING"):
        return {}
    data = read_json(request)
    allowed = _FIELDS[deed]
    if not isinstance(data, dict):
        raise MalformedContract("The request body must be a JSON object")
    if unknown := sorted(data.keys() - set(allowed)):
        raise MalformedContract(f"Unknown fields: {', '.join(map(repr, unknown[:10]))}; known are {', '.join(allowed)}")
    for field in ("reason", "sunset", "successor"):
        if data.get(field) is not None:
            if not isinstance(data[field], str):
                raise MalformedContract(f"The field {field} must be a string", field=field)
            check_text_field(data[field], field)
    return data


class PolicyViewSet(ViewSet):
    """The policies at their levels: `default`, `prefixes/{prefix}`, `contracts/{name}`."""

    scopes = {"put": ADMIN, "delete": ADMIN}

    def list(self, request: Request) -> HttpResponse:
        known(request._request)
        index = contract_storage().index("policy")
        body = compact({"policies": [_told(key, policy) for key, policy in levels_of(index.documents).items()]})
        return ready(request._request, Prepared.of(body), LIST_CACHING)

    def get(self, request: Request, level: str, name: str = "") -> HttpResponse:
        known(request._request)
        key = policy_key(level, name)
        index = contract_storage().index(name or "policy")
        own = levels_of(index.documents).get(key)
        if own is None and level == "prefix":
            raise ContractNotFound(f"There is no policy for {level} {name}")
        effective = policy_of(index.documents, name).to_json()
        body = compact({"level": level, "name": name or None, "policy": own, "effective": effective})
        return ready(request._request, Prepared(body, etag_of(index, key) or Prepared.of(body).etag), LIST_CACHING)

    def put(self, request: Request, level: str, name: str = "") -> Response:
        known(request._request)
        policy = check_policy(read_json(request._request))
        sequence = set_policy(
            level=level,
            name=name,
            policy=policy,
            actor=actor_of(request),
            expected_etag=if_match(request._request),
        )
        response = Response({"level": level, "name": name or None, "policy": policy})
        response["ETag"] = f'"{sequence}"'
        return response

    def delete(self, request: Request, level: str, name: str = "") -> HttpResponse:
        known(request._request)
        set_policy(
            level=level,
            name=name,
            policy=None,
            actor=actor_of(request),
            expected_etag=if_match(request._request),
        )
        return HttpResponse(status=204)


def _told(key: str, policy: dict[str, Any]) -> dict[str, Any]:
    level, name = level_and_name(key)
    return {"level": level, "name": name or None, "policy": policy}


class AuditViewSet(ViewSet):
    scopes = {"list": AUDIT}

    def list(self, request: Request) -> HttpResponse:
        known(request._request, "contract", "actor", "action", "since", "until", "limit", "cursor")
        query = request._request.GET
        wanted = auditing.AuditFilter(
            contract=query.get("contract"),
            actor=query.get("actor"),
            action=query.get("action"),
            since=auditing.read_time(query.get("since"), "since"),
            until=auditing.read_time(query.get("until"), "until"),
        )
        if wanted.contract is not None:
            check_identity(wanted.contract, "v1")
        after = number(request._request, "cursor", 0, 0, 2**53)
        limit = number(request._request, "limit", 100, 1, LARGEST_AUDIT_PAGE)
        found, following = auditing.page(contract_storage(), wanted, after=after, limit=limit)
        response = ready(request._request, Prepared.of(compact({"entries": found})), "private, no-store")
        if following is not None:
            parameters = query.copy()
            parameters["cursor"] = str(following)
            response["Link"] = f'<{request.path}?{parameters.urlencode()}>; rel="next"'
        return response
