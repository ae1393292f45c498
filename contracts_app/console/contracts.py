"""The list of contracts, and the page of one contract: its versions in time, its policy, and its dependents."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts_app.bundles import key_of
from contracts_app.console.groups import VIEW
from contracts_app.console.pages import entries_of, page, render_page, trail_to
from contracts_app.console.prefix_groups import may, may_everywhere
from contracts_app.console.verdicts import StepVerdict, verdict_between
from contracts_app.console.versions import NOT_BREAKING, bump, neighbours, overrides, relations_of
from contracts_app.exceptions import ContractNotFound
from contracts_app.lifecycle import DRAFT, STATES
from contracts_app.policies import levels_for, levels_of, policy_of
from contracts_app.services.overview import ORDERS, ContractSummary, Facets, ListQuery, overview
from contracts_app.services.owners import owner_of
from contracts_app.services.reads import Reads, known_reads
from contracts_app.services.schema_fields import schema_fields
from contracts_app.services.schema_names import FoundName
from contracts_app.services.search import latest
from contracts_app.services.search_index import matched_names, search_index
from contracts_app.services.usage import clients_by_version, known_users
from contracts_app.storage import ContractIndex, Entry, contract_store
from linter_app.schema.json_text import InvalidJSON, loads

PER_PAGE = 50
VERSIONS_PER_PAGE = 25
MAX_WAIT_SECONDS = 0.25
"""Seconds that a contract's page waits for verdicts; the browser fetches the others one by one."""
MAX_DEPENDENTS = 100
MAX_FIRST_FIELDS = 20
"""Fields of the latest schema that a contract's page shows."""
MAX_FIRST_LOOK_CHARACTERS = 2_000_000
MAX_MATCHES = 4
"""Fields and functions shown of a contract in the results of a search."""
MAX_MATCH_SECONDS = 0.1
"""Seconds after which the rest of a page of results is shown without them."""


@page(VIEW)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    given = request.GET
    query = ListQuery(
        q=given.get("q", "").strip()[:200],
        state=given.get("state", "") if given.get("state") in STATES else "",
        prefix=given.get("prefix", "").strip()[:200],
        label=given.get("label", "").strip()[:100],
        wit=given.get("wit", "") if given.get("wit") in ("yes", "no") else "",
        owner=given.get("owner", "").strip()[:200],
        order=given.get("o", "") if given.get("o", "").removeprefix("-") in ORDERS else "",
    )
    store = contract_store()
    index = store.index()
    found, texts = overview(index), search_index(index, store)
    contracts = found.find(query, texts)
    everywhere = may_everywhere(request.user, VIEW)
    if not everywhere:
        contracts = [each for each in contracts if may(request, VIEW, each.name)]
    shown = Paginator(contracts, PER_PAGE).get_page(given.get("page"))
    return render_page(
        request,
        "contracts.html",
        title=_("Search: %s") % query.q if query.q else _("Contracts"),
        query=query,
        filtered=query != ListQuery(order=query.order),
        total=len(found.summaries) if everywhere else None,
        overview=found,
        page=shown,
        rows=[(each, names) for each, names in zip(shown, _matches(list(shown), query, index), strict=True)],
        columns=_columns(query.order, by_rank=bool(query.words)),
        facets=Facets.of(contracts),
        suggestion=texts.suggest(query.q) if query.words and not contracts and everywhere else None,
        waiting=texts.waiting if query.words else 0,
    )


def _matches(page: list[ContractSummary], query: ListQuery, index: ContractIndex) -> list[list[FoundName]]:
    """Return the fields and functions that match in each contract of a page."""
    if not query.words:
        return [[] for _ in page]
    deadline = time.monotonic() + MAX_MATCH_SECONDS
    found: list[list[FoundName]] = []
    for each in page:
        bundle = index.bundle(each.shown) if time.monotonic() < deadline else None
        found.append(matched_names(bundle, query.words, MAX_MATCHES) if bundle is not None else [])
    return found


def _columns(order: str, *, by_rank: bool) -> list[dict[str, str]]:
    """Return the column heads of the list, each with the order that a click on it selects."""
    titles = {"name": _("Contract"), "latest": _("Latest"), "versions": _("Versions"), "changed": _("Last change")}
    columns = []
    order = order or ("" if by_rank else "name")
    for column, title in titles.items():
        sorted_by = order.removeprefix("-") == column
        # The first click on a column of dates or numbers orders by the greatest first.
        following = column if order == f"-{column}" or (column == "name" and not sorted_by) else f"-{column}"
        direction = ("descending" if order.startswith("-") else "ascending") if sorted_by else ""
        columns.append({"title": title, "order": following, "direction": direction})
    return columns


@dataclass(frozen=True)
class Row:
    """A version in the timeline. `before` is the version that its verdict compares it with."""

    entry: Entry
    before: Entry | None
    bump: str
    verdict: StepVerdict | None
    override: str = ""
    """Why it was published although its policy refused it."""
    clients: int = 0
    """Clients that use it, as they declare."""
    heat: int = 0
    """1 to 3, by its share of the clients of the version that most of them use."""
    reads: Reads | None = None
    """Of the last 30 days."""


@page(VIEW)
@require_safe
def contract(request: HttpRequest, name: str) -> HttpResponse:
    index, entries = entries_of(name)
    policy = policy_of(index.documents, name)
    pages = Paginator(list(reversed(entries)), VERSIONS_PER_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    before = neighbours(entries)
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    rows = []
    for entry in shown:
        older = before.get(entry.version)
        if older is None:
            rows.append(Row(entry, None, "", None))
            continue
        late = time.monotonic() >= deadline
        verdict = verdict_between(older, entry, policy, index, only_known=late)
        rows.append(Row(entry, older, bump(older, entry), verdict))
    if any(row.bump in NOT_BREAKING and row.verdict is not None and row.verdict.breaking for row in rows):
        reasons = {version: entry.get("reason") or "" for version, entry in overrides(request, name, index).items()}
        rows = [replace(row, override=reasons.get(row.entry.version, "")) for row in rows]
    users = known_users(name, index)
    rows = _with_use(rows, clients_by_version(users), known_reads(name))
    greatest = latest(entries)
    shown_version = greatest or entries[-1]
    return render_page(
        request,
        "contract.html",
        title=name,
        trail=trail_to(),
        name=name,
        rows=rows,
        page=shown,
        latest=greatest,
        newest=entries[-1],
        drafts=[entry for entry in entries if entry.state == DRAFT],
        owner=owner_of(shown_version.labels, policy),
        dependents=_dependents(request, name),
        users=users,
        **_latest_fields(shown_version, index),
        **relations_of(request, shown_version),
        count=len(entries),
        faults=index.faults_of(name),
        policy=policy,
        levels=levels_for(levels_of(index.documents), name),
    )


def _with_use(rows: list[Row], counts: dict[str, int], reads: dict[str, Reads]) -> list[Row]:
    most = max(counts.values(), default=1)
    found = [(row, counts.get(row.entry.version, 0), reads.get(row.entry.version)) for row in rows]
    return [replace(row, clients=count, heat=math.ceil(3 * count / most), reads=read) for row, count, read in found]


def _dependents(request: HttpRequest, name: str) -> list[tuple[Entry, str]]:
    """Return the versions that depend on any version of a contract, as far as the user may see them, each with that."""
    found = sorted(contract_store().index().dependents(name), key=lambda entry: (entry.name, entry.precedence))
    visible = [entry for entry in found if may(request, VIEW, entry.name)]
    pins = [next(pin.version for pin in entry.dependencies if pin.name == name) for entry in visible]
    return list(zip(visible, pins, strict=True))[:MAX_DEPENDENTS]


def _latest_fields(entry: Entry, index: ContractIndex) -> dict[str, Any]:
    """Return the first fields of a version's schema, for a first look."""
    bundle = contract_store().content(entry, index)
    if bundle.json_schema is None or len(bundle.json_schema) > MAX_FIRST_LOOK_CHARACTERS:
        return {"fields": []}
    try:
        every = schema_fields(loads(bundle.json_schema))
    except InvalidJSON:
        return {"fields": []}
    return {
        "fields": every[1 : MAX_FIRST_FIELDS + 1],
        "fields_count": len(every) - 1,
        "pins": {pin.reference: pin for pin in bundle.dependencies},
    }


@page(VIEW)
@require_safe
def verdict(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Return the verdict cell of one version, which the contract's page fetches where computing it takes long."""
    index, entries = entries_of(name)
    entry, older = index.get(key_of(name, version)), neighbours(entries).get(version)
    if entry is None or older is None:
        raise ContractNotFound(f"{name}/{version} follows no version")
    found = verdict_between(older, entry, policy_of(index.documents, name), index)
    return render_page(request, "_verdict.html", title="", row=Row(entry, older, "", found))
