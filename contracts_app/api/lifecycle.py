"""`POST .../activate`, `/deprecate` and `/withdraw`: the lifecycle of a version."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import OVERRIDE, require
from contracts_app.api.requests import actor_of, check_parameters, flag, if_match, read_fields
from contracts_app.bundles import check_identity
from contracts_app.exceptions import ContractNotFound, MalformedContract
from contracts_app.lifecycle import TRANSITIONS
from contracts_app.services.lifecycle import change_state
from contracts_app.services.publish_requests import check_text_field, read_reason

_FIELDS = {
    "activate": ("reason",),
    "deprecate": ("reason", "sunset", "successor"),
    "withdraw": ("reason", "successor", "override"),
}


class LifecycleViewSet(ViewSet):
    def change(self, request: Request, name: str, version: str, action: str) -> Response:
        if action not in TRANSITIONS:
            raise ContractNotFound(f"No such action: {action:.40}; there are {', '.join(TRANSITIONS)}")
        check_parameters(request, "dryRun")
        check_identity(name, version)
        fields = _read_change(request, action)
        override = read_reason(fields.get("override"))
        if override is not None:
            require(request, OVERRIDE, name)
        changed = change_state(
            name=name,
            version=version,
            action=action,
            actor=actor_of(request),
            reason=fields.get("reason"),
            sunset_at=fields.get("sunset"),
            successor=fields.get("successor"),
            override=override,
            expected_etag=if_match(request),
            dry_run=flag(request, "dryRun"),
        )
        assert changed.lifecycle is not None
        members = {"name": name, "version": version, "digest": changed.digest, "lifecycle": changed.lifecycle.to_json()}
        response = Response(members)
        response["ETag"] = changed.etag
        return response


def _read_change(request: Request, action: str) -> dict[str, Any]:
    data = read_fields(request, *_FIELDS[action])
    for field in ("reason", "sunset", "successor"):
        if data.get(field) is not None:
            if not isinstance(data[field], str):
                raise MalformedContract(f"The field {field} must be a string", field=field)
            check_text_field(data[field], field)
    return data
