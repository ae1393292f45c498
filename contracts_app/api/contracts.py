"""`/registry/contracts`: list, search, publish; one contract; and versions by digest."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import OVERRIDE, READ, WRITE, require, require_references, scopes_of
from contracts_app.api.removal import Removal
from contracts_app.api.requests import actor_of, check_parameters, flag, number, read_members, short_text
from contracts_app.api.responses import LIST_CACHING, location, proposal_location, respond, respond_json
from contracts_app.bundles import check_name, compact
from contracts_app.exceptions import ContractNotFound, ContractRefused, MalformedContract, ReviewRequired
from contracts_app.policies import policy_of
from contracts_app.services.batches import BatchMember, publish_contracts
from contracts_app.services.proposals import propose
from contracts_app.services.publish_requests import PublishRequest, read_batch, read_publish
from contracts_app.services.publishing import Published, publish
from contracts_app.services.search import describe_contract, latest
from contracts_app.services.search_pages import MAX_PAGE_ITEMS, SearchQuery, check_states, search_page
from contracts_app.storage import Representation, contract_store

_SEARCH = ("q", "prefix", "label", "state", "include", "limit", "cursor")


class ContractViewSet(Removal, ViewSet):
    """The collection of contracts, and one contract."""

    any_name = ("list", "create", "batch", "digest")

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request, *_SEARCH)
        store = contract_store()
        index = store.index()
        if not request.GET and scopes_of(request).allows(READ):
            return respond(request, index.listing(), LIST_CACHING)
        query = _search_query(request)
        groups, cursor = search_page(index, query, store)
        if query.with_versions:
            items = [compact(describe_contract(group, latest(index.versions(group[0].name)))) for group in groups]
        else:
            items = [group[0].item for group in groups]
        response = respond(request, index.list_of(items), LIST_CACHING)
        if cursor:
            given = [(name, value) for name, values in request.GET.lists() for value in values if name != "cursor"]
            response["Link"] = f'<{request.path}?{urlencode([*given, ("cursor", cursor)])}>; rel="next"'
        return response

    def create(self, request: Request) -> Response:
        check_parameters(request, "dryRun")
        dry_run = flag(request, "dryRun")
        order = read_publish(read_members(request, "a JSON object with name and version"))
        _require_publish(request, order)
        try:
            published = publish(
                bundle=order.bundle,
                actor=actor_of(request),
                draft=order.draft,
                override=order.override,
                dry_run=dry_run,
            )
        except ReviewRequired as required:
            proposal = propose(order.bundle, required, actor_of(request), override=order.override)
            response = Response({"status": "pending", **proposal.to_json()}, status=202)
            response["Location"] = proposal_location(proposal.name, proposal.version)
            return response
        if dry_run:
            return Response(_published_to_json(published) | {"status": "valid", "createdAt": None})
        response = Response(_published_to_json(published), status=201)
        response["Location"] = location(published.bundle.name, published.bundle.version)
        response["ETag"] = published.bundle.etag
        return response

    def batch(self, request: Request) -> Response:
        check_parameters(request, "dryRun")
        dry_run = flag(request, "dryRun")
        orders = read_batch(read_members(request, "a JSON object with contracts, a list"))
        for order in orders:
            _require_publish(request, order)
        members = [BatchMember(order.bundle, order.draft) for order in orders]
        outcomes = publish_contracts(members=members, actor=actor_of(request), dry_run=dry_run)
        results = [outcome.to_json() for outcome in outcomes]
        refused = [outcome for outcome in outcomes if outcome.status == "refused"]
        if refused:
            written = sum(outcome.status == "created" for outcome in outcomes)
            raise ContractRefused(
                f"{len(refused)} of {len(members)} contracts are refused, and {written or 'none'} were written; "
                f"the first is {refused[0].name}/{refused[0].version}: {refused[0].error}",
                results=results,
            )
        return Response({"status": "valid" if dry_run else "created", "results": results})

    def contract(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request)
        check_name(name)
        index = contract_store().index(name)
        entries = index.versions(name)
        if not entries:
            raise ContractNotFound(f"Contract {name} not found", name=name)
        contract = describe_contract(list(entries), latest(entries))
        contract["policy"] = policy_of(index.documents, name).to_json()
        return respond_json(request, contract)

    def digest(self, request: Request, digest: str) -> HttpResponse:
        check_parameters(request)
        if len(digest) != 64 or not all(letter in "0123456789abcdef" for letter in digest):
            raise MalformedContract("A digest is 64 lower-case hexadecimal digits", field="digest")
        may_read = partial(scopes_of(request).allows, READ)
        found = [entry for entry in contract_store().index().with_digest(digest) if may_read(entry.name)]
        if not found:
            raise ContractNotFound(f"No contract has the digest {digest}", digest=digest)
        body = b'{"contracts":[' + b",".join(entry.item for entry in found) + b"]}"
        return respond(request, Representation.of(body), LIST_CACHING)


def _require_publish(request: Request, order: PublishRequest) -> None:
    """Raise PermissionDenied unless the token may write this contract and read what it refers to."""
    require(request, WRITE, order.bundle.name)
    if order.override is not None:
        require(request, OVERRIDE, order.bundle.name)
    require_references(request, order.bundle.json_schema, order.bundle.wit)


def _published_to_json(published: Published) -> dict[str, Any]:
    bundle = published.bundle
    members: dict[str, Any] = {
        "status": "created",
        "name": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "createdAt": bundle.created_at,
    }
    if published.review:
        members["review"] = list(published.review)
    if published.warnings:
        members["warnings"] = [warning.to_json() for warning in published.warnings]
    return members


def _search_query(request: Request) -> SearchQuery:
    include = request.GET.get("include", "")
    if include not in ("", "versions"):
        raise MalformedContract("The query parameter include can only be versions", field="include")
    states = tuple(request.GET.getlist("state"))
    check_states(states)
    for name in ("q", "prefix"):
        short_text(request, name)
    return SearchQuery(
        q=request.GET.get("q", ""),
        prefix=request.GET.get("prefix", ""),
        labels=tuple(request.GET.getlist("label")),
        states=states,
        readable=partial(scopes_of(request).allows, READ),
        with_versions=include == "versions",
        limit=number(request, "limit", MAX_PAGE_ITEMS, 1, MAX_PAGE_ITEMS),
        cursor=request.GET.get("cursor", ""),
    )
