"""`/registry/proposals`: versions that wait for a review, and the decisions on them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import APPROVE, READ, WRITE, scopes_of
from contracts_app.api.requests import actor_of, check_parameters, read_fields
from contracts_app.api.responses import location, respond_json
from contracts_app.bundles import check_identity
from contracts_app.exceptions import MalformedContract
from contracts_app.proposals import STATES, proposals_of
from contracts_app.services.proposals import approve, find_proposal, proposal_to_json, reject, withdraw
from contracts_app.services.publish_requests import check_text_field
from contracts_app.storage import contract_store


class ProposalViewSet(ViewSet):
    scopes = {"approve": APPROVE, "reject": APPROVE, "withdraw": WRITE}
    any_name = ("list",)

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request, "state", "contract")
        state, contract = request.GET.get("state"), request.GET.get("contract")
        if state not in (None, *STATES):
            raise MalformedContract(f"The query parameter state must be one of {', '.join(STATES)}", field="state")
        allows = scopes_of(request).allows
        found = [
            each.to_json()
            for each in proposals_of(contract_store().index("proposal").documents)
            if state in (None, each.state) and contract in (None, each.name) and allows(READ, each.name)
        ]
        return respond_json(request, {"proposals": found})

    def get(self, request: Request, name: str, version: str) -> HttpResponse:
        check_parameters(request)
        return respond_json(request, proposal_to_json(find_proposal(name, version), contract_store()))

    def approve(self, request: Request, name: str, version: str) -> Response:
        fields = _decision(request, name, version, "revision")
        revision = fields.get("revision")
        if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
            raise MalformedContract("The field revision must be a whole number", field="revision")
        published = approve(name, version, actor_of(request), fields["reason"], expected_revision=revision)
        members = {"name": name, "version": version, "digest": published.digest, "createdAt": published.created_at}
        response = Response({"status": "created", **members})
        response["Content-Location"] = location(name, version)
        return response

    def reject(self, request: Request, name: str, version: str) -> Response:
        fields = _decision(request, name, version)
        return Response(reject(name, version, actor_of(request), fields["reason"]).to_json())

    def withdraw(self, request: Request, name: str, version: str) -> Response:
        check_parameters(request)
        check_identity(name, version)
        return Response(withdraw(name, version, actor_of(request)).to_json())


def _decision(request: Request, name: str, version: str, *more: str) -> dict[str, Any]:
    """Return the fields of a decision, with its reason. Raises MalformedContract."""
    check_parameters(request)
    check_identity(name, version)
    fields = read_fields(request, "reason", *more)
    if not isinstance(fields.get("reason"), str):
        raise MalformedContract("The field reason is missing: say why, for the author and the audit", field="reason")
    return fields | {"reason": check_text_field(fields["reason"], "reason")}
