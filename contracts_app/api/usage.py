"""`/registry/usage`: clients declare what they read and write; who uses a contract, and whether it can be withdrawn."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, require, scopes_of
from contracts_app.api.requests import actor_of, check_parameters, read_json
from contracts_app.api.responses import respond_json
from contracts_app.bundles import check_identity, check_name
from contracts_app.exceptions import ContractNotFound
from contracts_app.services.reads import Reads, reads_of
from contracts_app.services.usage import all_usage, clients_by_version, declare, forget, user_to_json, users_of
from contracts_app.services.withdrawals import withdrawal
from contracts_app.storage import contract_store
from contracts_app.timestamps import utc_now
from contracts_app.usage import check_usage


class UsageViewSet(ViewSet):
    any_name = ("list", "put", "delete")
    scopes = {"put": READ, "delete": READ}

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request)
        may_read = partial(scopes_of(request).allows, READ)
        clients = [each for each in all_usage() if all(may_read(use.contract) for use in each.uses)]
        return respond_json(request, {"clients": [each.to_json() for each in clients]})

    def put(self, request: Request, client: str) -> Response:
        check_parameters(request)
        usage = check_usage(client, read_json(request, "a usage, a JSON object with uses"), utc_now())
        for use in usage.uses:
            require(request, READ, use.contract)
        declare(usage)
        return Response(usage.to_json())

    def delete(self, request: Request, client: str) -> HttpResponse:
        check_parameters(request)
        known = next((each for each in all_usage() if each.client == client), None)
        if known is None:
            raise ContractNotFound(f"No client {client!r:.110} has declared a usage")
        for use in known.uses:
            require(request, READ, use.contract)
        forget(client)
        return HttpResponse(status=204)

    def contract(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request)
        check_name(name)
        index = contract_store().index(name)
        if not index.versions(name):
            raise ContractNotFound(f"Contract {name} not found", name=name)
        users = users_of(name, index)
        counts = clients_by_version(users)
        reads = reads_of(name)
        versions = [
            {"version": each, "clients": counts.get(each, 0), **reads.get(each, Reads(0, 0)).to_json()}
            for each in (entry.version for entry in index.versions(name))
            if each in counts or each in reads
        ]
        clients = [user_to_json(*each) for each in users]
        return respond_json(request, {"name": name, "clients": clients, "versions": versions})

    def can_withdraw(self, request: Request, name: str, version: str) -> HttpResponse:
        check_parameters(request)
        check_identity(name, version)
        return respond_json(request, withdrawal(name, version, actor_of(request)))
