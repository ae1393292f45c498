"""`DELETE /registry/contracts/{name}` and `/registry/contracts/{name}/{version}`: removal of a mistake."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.api.auth.scopes import REMOVE
from contracts_app.api.requests import actor_of, check_parameters, flag, required
from contracts_app.bundles import check_identity, check_name
from contracts_app.services.publish_requests import check_text_field
from contracts_app.services.removal import remove


class Removal:
    """The action `remove` of a viewset."""

    scopes = {"remove": REMOVE}

    def remove(self, request: Request, name: str, version: str | None = None) -> Response:
        check_parameters(request, "reason", "force", "dryRun")
        if version is None:
            check_name(name)
        else:
            check_identity(name, version)
        reason = required(request, "reason")
        check_text_field(reason, "reason")
        dry_run = flag(request, "dryRun")
        removed = remove(
            name=name,
            version=version,
            actor=actor_of(request),
            reason=reason,
            force=flag(request, "force"),
            dry_run=dry_run,
        )
        return Response({"status": "valid" if dry_run else "removed", "name": name, "versions": removed})
