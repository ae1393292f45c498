"""The list of contracts, and the page of one contract: its versions in time, its policy, and its dependents."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts_app.bundles import key_of
from contracts_app.console.groups import VIEW
from contracts_app.console.pages import entries_of, page, render_page, trail_to
from contracts_app.console.prefix_groups import may, may_everywhere
from contracts_app.console.verdicts import StepVerdict, verdict_between
from contracts_app.exceptions import ContractNotFound
from contracts_app.lifecycle import COMPARABLE, STATES
from contracts_app.policies import levels_for, levels_of, policy_of
from contracts_app.services.overview import ORDERS, ListQuery, most_used, overview
from contracts_app.services.search import latest
from contracts_app.storage import Entry, contract_store
from linter_app.semver import Version

PER_PAGE = 50
VERSIONS_PER_PAGE = 25
MAX_WAIT_SECONDS = 0.25
"""Seconds that a contract's page waits for verdicts; the browser fetches the others one by one."""
MAX_DEPENDENTS = 100


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
        order=given.get("o", "") if given.get("o", "").removeprefix("-") in ORDERS else "name",
    )
    found = overview(contract_store().index())
    contracts = found.find(query)
    if not may_everywhere(request.user, VIEW):
        contracts = [each for each in contracts if may(request, VIEW, each.name)]
    return render_page(
        request,
        "contracts.html",
        title=_("Contracts"),
        query=query,
        filtered=query != ListQuery(order=query.order),
        overview=found,
        page=Paginator(contracts, PER_PAGE).get_page(given.get("page")),
        columns=_columns(query.order),
        states=[(state, found.states[state]) for state in STATES],
        labels=most_used(found.labels),
        prefixes=most_used(found.prefixes),
    )


def _columns(order: str) -> list[dict[str, str]]:
    """Return the column heads of the list, each with the order that a click on it selects."""
    titles = {"name": _("Contract"), "latest": _("Latest"), "versions": _("Versions"), "changed": _("Last change")}
    columns = []
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
    whole = contract_store().index()
    dependents = sorted(whole.dependents(name), key=lambda entry: (entry.name, entry.precedence))
    return render_page(
        request,
        "contract.html",
        title=name,
        trail=trail_to(),
        name=name,
        rows=rows,
        page=shown,
        latest=latest(entries),
        newest=entries[-1],
        count=len(entries),
        faults=index.faults_of(name),
        policy=policy,
        levels=levels_for(levels_of(index.documents), name),
        dependents=dependents[:MAX_DEPENDENTS],
        dependents_count=len(dependents),
    )


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


def neighbours(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Map each version that was ever current, or is a draft, to the current version before it."""
    found: dict[str, Entry] = {}
    before: Entry | None = None
    for entry in entries:
        if before is not None:
            found[entry.version] = before
        if entry.state in COMPARABLE:
            before = entry
    return found


def bump(older: Entry, newer: Entry) -> str:
    """Return which part of SemVer the step between two versions raises."""
    old, new = Version.parse(older.version), Version.parse(newer.version)
    if old.major != new.major:
        return "major"
    if old.minor != new.minor:
        return "minor"
    return "patch" if old.patch != new.patch else "prerelease"
