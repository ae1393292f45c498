"""`GET /registry/search`: the contracts that match some words, the best first, and what matches in each."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, scopes_of
from contracts_app.api.requests import check_parameters, number, required, short_text
from contracts_app.api.responses import respond_json
from contracts_app.exceptions import ContractError
from contracts_app.services.overview import ContractSummary, Facets, ListQuery, overview
from contracts_app.services.search_index import matched_names, search_index
from contracts_app.services.search_pages import check_states
from contracts_app.storage import ContractIndex, ContractStore, contract_store

MAX_FOUND = 100
MAX_NAMES_FOUND = 20
"""Fields and functions shown of one contract."""


class SearchViewSet(ViewSet):
    any_name = ("list",)

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request, "q", "prefix", "label", "state", "owner", "limit")
        required(request, "q")
        given = {name: short_text(request, name) for name in ("q", "prefix", "label", "state", "owner")}
        if given["state"]:
            check_states((given["state"],))
        limit = number(request, "limit", 20, 1, MAX_FOUND)
        store = contract_store()
        index = store.index()
        texts = search_index(index, store)
        query = ListQuery(**given)
        may_read = partial(scopes_of(request).allows, READ)
        found = [each for each in overview(index).find(query, texts) if may_read(each.name)]
        facets = Facets.of(found)
        members: dict[str, Any] = {
            "q": given["q"],
            "total": len(found),
            "contracts": [_found_to_json(each, query, index, store) for each in found[:limit]],
            "facets": {name: dict(getattr(facets, name)) for name in ("states", "labels", "prefixes", "owners")},
        }
        if not found and scopes_of(request).allows(READ):
            members["suggestion"] = texts.suggest(given["q"])
        if texts.waiting:
            members["waiting"] = texts.waiting
        return respond_json(request, members)


def _found_to_json(each: ContractSummary, query: ListQuery, index: ContractIndex, store: ContractStore) -> Any:
    try:
        names = matched_names(store.content(each.shown, index), query.words, MAX_NAMES_FOUND)
    except ContractError:  # it was removed meanwhile
        names = []
    return {
        "name": each.name,
        "version": each.shown.version,
        "state": each.shown.state,
        "description": each.description or None,
        "labels": list(each.labels),
        "owner": each.owner.team or None,
        "contact": each.owner.contact or None,
        "matches": [
            {"kind": name.kind, "name": name.name, "path": name.path}
            | ({"pointer": name.pointer, "type": name.type, "required": name.required} if name.pointer else {})
            for name in names
        ],
    }
