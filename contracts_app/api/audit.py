"""`/registry/audit`: who did what, when and why."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import AUDIT, require
from contracts_app.api.requests import check_parameters, number
from contracts_app.api.responses import respond_json
from contracts_app.bundles import check_name
from contracts_app.services.audit import AuditFilter, audit_page, read_time
from contracts_app.storage import contract_store

MAX_AUDIT_ENTRIES = 1000


class AuditViewSet(ViewSet):
    scopes = {"list": AUDIT}
    any_name = ("list",)

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request, "contract", "actor", "action", "since", "until", "limit", "cursor")
        query = request.GET
        wanted = AuditFilter(
            contract=query.get("contract"),
            actor=query.get("actor"),
            action=query.get("action"),
            since=read_time(query.get("since"), "since"),
            until=read_time(query.get("until"), "until"),
        )
        if wanted.contract is not None:
            check_name(wanted.contract)
        # A token for some contracts must name one.
        require(request, AUDIT, wanted.contract)
        after = number(request, "cursor", 0, 0, 2**53)
        limit = number(request, "limit", 100, 1, MAX_AUDIT_ENTRIES)
        found, following = audit_page(contract_store(), wanted, after=after, limit=limit)
        response = respond_json(request, {"entries": found}, "private, no-store")
        if following is not None:
            parameters = query.copy()
            parameters["cursor"] = str(following)
            response["Link"] = f'<{request.path}?{parameters.urlencode()}>; rel="next"'
        return response
