"""Contracts: the seed's routes, and the ways to find and read more."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.body import read_json
from contracts_app.api.parameters import flag, known, number
from contracts_app.api.permissions import OVERRIDE, require
from contracts_app.api.prepared import LIST_CACHING, ready, version_headers
from contracts_app.api.serializers import check_name, read_batch, read_publish
from contracts_app.bundles import ContractBundle, compact
from contracts_app.exceptions import ContractGone, ContractNotFound, ContractRefused, MalformedContract
from contracts_app.lifecycle import SUNSET, WITHDRAWN
from contracts_app.policies import policy_of
from contracts_app.request_context import request_id
from contracts_app.services.batching import Member, publish_contracts
from contracts_app.services.bundling import self_contained
from contracts_app.services.depending import tree
from contracts_app.services.finding import (
    LARGEST_PAGE,
    Search,
    check_states,
    describe_contract,
    is_exact,
    latest,
    page,
    resolve,
)
from contracts_app.services.publishing import publish_contract
from contracts_app.storage import Actor, Prepared, contract_storage

OUTCOME = "registry.outcome"
"""In the environment of a publish: the error that it ended with before it came here, to be told."""
LONGEST_TEXT = 200
_SEARCH = ("q", "prefix", "label", "state", "include", "limit", "cursor")


def actor_of(request: Request) -> Actor:
    return Actor(str(request.user.pk), request_id.get())


class ContractViewSet(ViewSet):
    """The collection of contracts, and one contract."""

    def list(self, request: Request) -> HttpResponse:
        index = contract_storage().index()
        if not request.query_params:
            return ready(request._request, index.listing(), LIST_CACHING)
        known(request._request, *_SEARCH)
        search = _search(request._request)
        groups, cursor = page(index, search)
        if search.with_versions:
            items = [compact(describe_contract(group, latest(index.versions(group[0].name)))) for group in groups]
        else:
            items = [group[0].item for group in groups]
        response = ready(request._request, index.list_of(items), LIST_CACHING)
        if cursor:
            query = [(name, value) for name, values in request._request.GET.lists() for value in values]
            following = urlencode([(name, value) for name, value in query if name != "cursor"] + [("cursor", cursor)])
            response["Link"] = f'<{request.path}?{following}>; rel="next"'
        return response

    def create(self, request: Request) -> Response:
        if (outcome := request.META.get(OUTCOME)) is not None:
            raise outcome
        known(request._request, "dryRun")
        dry_run = flag(request._request, "dryRun")
        order = read_publish(read_json(request._request))
        if order.override is not None:
            require(request, OVERRIDE)
        published = publish_contract(
            bundle=order.bundle,
            actor=actor_of(request),
            draft=order.draft,
            override=order.override,
            dry_run=dry_run,
        )
        if dry_run:
            return Response(created(published) | {"status": "valid", "createdAt": None})
        response = Response(created(published), status=201)
        response["Location"] = location(published.name, published.version)
        response["ETag"] = published.etag
        return response

    def batch(self, request: Request) -> Response:
        known(request._request, "dryRun")
        dry_run = flag(request._request, "dryRun")
        orders = read_batch(read_json(request._request))
        outcomes = publish_contracts(
            members=[Member(order.bundle, order.draft) for order in orders], actor=actor_of(request), dry_run=dry_run
        )
        results = [outcome.to_json() for outcome in outcomes]
        refused = [outcome for outcome in outcomes if outcome.status == "refused"]
        if refused:
            written = sum(outcome.status == "created" for outcome in outcomes)
            raise ContractRefused(
                f"{len(refused)} of {len(orders)} contracts are refused, and {written or 'none'} were written; "
                f"the first is {refused[0].name}/{refused[0].version}: {refused[0].error}",
                results=results,
            )
        return Response({"status": "valid" if dry_run else "created", "results": results})

    def contract(self, request: Request, name: str) -> HttpResponse:
        known(request._request)
        check_name(name)
        index = contract_storage().index(name)
        entries = index.versions(name)
        if not entries:
            raise ContractNotFound(f"Contract {name} not found", name=name)
        described = describe_contract(list(entries), latest(entries))
        described["policy"] = policy_of(index.documents, name).to_json()
        return ready(request._request, Prepared.of(compact(described)), LIST_CACHING)

    def digest(self, request: Request, digest: str) -> HttpResponse:
        known(request._request)
        if len(digest) != 64 or not all(letter in "0123456789abcdef" for letter in digest):
            raise MalformedContract("A digest is 64 lower-case hexadecimal digits", field="digest")
        found = contract_storage().index().with_digest(digest)
        if not found:
            raise ContractNotFound(f"No contract has the digest {digest}", digest=digest)
        body = b'{"contracts":[' + b",".join(entry.item for entry in found) + b"]}"
        return ready(request._request, Prepared.of(body), LIST_CACHING)


def created(bundle: ContractBundle) -> dict[str, Any]:
    """The answer to a publish."""
    return {
        "status": "created",
        "name": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "createdAt": bundle.created_at,
    }


class VersionViewSet(ViewSet):
    """One version, by its exact text, `latest`, or a range; whole or in parts."""

    def retrieve(self, request: Request, name: str, version: str) -> HttpResponse:
        storage = contract_storage()
        prepared = storage.peek(name, version)
        if prepared is not None:
            return ready(request._request, prepared, version_headers(None, exact=True))
        bundle = find_version(request._request, name, version)
        return self._answer(request, bundle, version, Prepared(bundle.to_record(), bundle.etag))

    def json_schema(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        return self._part(request, bundle, version, bundle.json_schema, "schema", "application/schema+json")

    def wit(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        return self._part(request, bundle, version, bundle.wit, "wit", "text/plain; charset=utf-8")

    def descriptor(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        return self._part(request, bundle, version, bundle.descriptor_text, "descriptor", "application/json")

    def bundled(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        text = self_contained(bundle, contract_storage())
        return self._part(request, bundle, version, text, "schema", "application/schema+json")

    def dependencies(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        answer = {
            "name": bundle.name,
            "version": bundle.version,
            "dependencies": tree(bundle, contract_storage()),
        }
        return self._answer(request, bundle, "", Prepared.of(compact(answer)))

    def dependents(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = find_version(request._request, name, version)
        found = contract_storage().index().dependents(bundle.name, bundle.version)
        answer = {
            "name": bundle.name,
            "version": bundle.version,
            "dependents": [
                {"name": entry.name, "version": entry.version, "state": entry.state}
                for entry in sorted(found, key=lambda entry: (entry.name, entry.precedence))
            ],
        }
        return self._answer(request, bundle, "", Prepared.of(compact(answer)))

    def _part(
        self, request: Request, bundle: ContractBundle, asked: str, text: str | None, part: str, media_type: str
    ) -> HttpResponse:
        if text is None:
            raise ContractNotFound(f"Contract {bundle.name}/{bundle.version} has no {part}", part=part)
        return self._answer(request, bundle, asked, Prepared.of(text.encode()), media_type)

    def _answer(
        self,
        request: Request,
        bundle: ContractBundle,
        asked: str,
        prepared: Prepared,
        media_type: str = "application/json",
    ) -> HttpResponse:
        exact = asked == bundle.version
        response = ready(request._request, prepared, version_headers(bundle, exact=exact), media_type)
        if asked and not exact:
            path = location(bundle.name, bundle.version)
            response["Content-Location"] = path + request.path.removeprefix(location(bundle.name, asked, plain=True))
        return response


def find_version(request: HttpRequest, name: str, version: str) -> ContractBundle:
    """The version that a path means. Raises ContractNotFound, ContractGone, MalformedContract."""
    check_name(name)
    storage = contract_storage()
    if is_exact(version):
        bundle = storage.get(name, version)
    else:
        found = resolve(storage.index(name), name, version)
        bundle = storage.get(found.name, found.version)
    if bundle.state in (SUNSET, WITHDRAWN) and not flag(request, "includeWithdrawn"):
        life = bundle.lifecycle
        assert life is not None
        then = f"; its successor is {life.successor}" if life.successor else ""
        reason = f" ({life.reason})" if life.reason else ""
        gone = "has been withdrawn" if bundle.state == WITHDRAWN else f"was sunset on {life.sunset_at}"
        raise ContractGone(
            f"Contract {name}/{bundle.version} {gone}{reason}{then}; ?includeWithdrawn=true reads it all the same",
            name=name,
            version=bundle.version,
            lifecycle=life.to_json(),
        )
    return bundle


def location(name: str, version: str, *, plain: bool = False) -> str:
    return f"/registry/contracts/{name}/{version if plain else quote(version, safe='')}"


def _search(request: HttpRequest) -> Search:
    include = request.GET.get("include", "")
    if include not in ("", "versions"):
        raise MalformedContract("The query parameter include can only be versions", field="include")
    states = tuple(request.GET.getlist("state"))
    check_states(states)
    for name in ("q", "prefix"):
        if len(request.GET.get(name, "")) > LONGEST_TEXT:
            raise MalformedContract(f"The query parameter {name} has at most {LONGEST_TEXT} characters", field=name)
    return Search(
        q=request.GET.get("q", ""),
        prefix=request.GET.get("prefix", ""),
        labels=tuple(request.GET.getlist("label")),
        states=states,
        with_versions=include == "versions",
        limit=number(request, "limit", LARGEST_PAGE, 1, LARGEST_PAGE),
        cursor=request.GET.get("cursor", ""),
    )
