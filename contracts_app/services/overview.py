"""An overview of all contracts: one line for each, and the figures of the registry."""

from __future__ import annotations

import weakref
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from contracts_app.lifecycle import DEPRECATED, STATES
from contracts_app.policies import effective_policy, levels_of, policy_revision
from contracts_app.services.owners import Owner, owner_of
from contracts_app.services.search import latest
from contracts_app.services.search_index import SearchIndex, words_of
from contracts_app.storage import ContractIndex, Entry
from contracts_app.timestamps import utc_now

CHART_DAYS = 30
MAX_FACETS = 20
"""Values of a facet that are counted for display."""
SOON_DAYS = 60
"""Days within which a sunset counts as soon."""


@dataclass(frozen=True)
class ContractSummary:
    """One contract in a list."""

    name: str
    description: str
    versions: int
    latest: Entry | None
    newest: Entry
    """The greatest version, in any state."""
    states: frozenset[str]
    labels: tuple[str, ...]
    has_wit: bool
    changed_at: str
    owner: Owner

    @property
    def shown(self) -> Entry:
        return self.latest or self.newest


@dataclass(frozen=True)
class ListQuery:
    """A filter of the list of contracts; every given part must match."""

    q: str = ""
    state: str = ""
    prefix: str = ""
    label: str = ""
    wit: str = ""
    """`yes`, `no`, or empty for both."""
    owner: str = ""
    order: str = ""
    """A column of ORDERS, with `-` before it for descending order. Empty: the best matches first, or else by name."""

    @cached_property
    def words(self) -> list[str]:
        return words_of(self.q)

    def admits(self, each: ContractSummary) -> bool:
        return (
            (not self.state or self.state in each.states)
            and each.name.startswith(self.prefix)
            and (not self.label or self.label in each.labels)
            and (not self.wit or each.has_wit is (self.wit == "yes"))
            and (not self.owner or self.owner == each.owner.team)
        )


@dataclass(frozen=True)
class Facets:
    """How many of some contracts have each state, label, prefix and owner; the most frequent first."""

    states: list[tuple[str, int]]
    labels: list[tuple[str, int]]
    prefixes: list[tuple[str, int]]
    owners: list[tuple[str, int]]

    @classmethod
    def of(cls, found: list[ContractSummary]) -> Facets:
        """Return the facets of these contracts."""
        states = Counter(state for each in found for state in each.states)
        labels = Counter(label for each in found for label in each.labels)
        prefixes = Counter(each.name.partition(".")[0] for each in found)
        owners = Counter(each.owner.team for each in found if each.owner.team)
        return cls(
            [(state, states[state]) for state in STATES if states[state]],
            labels.most_common(MAX_FACETS),
            prefixes.most_common(MAX_FACETS),
            owners.most_common(MAX_FACETS),
        )


ORDERS = {
    "name": lambda each: each.name,
    "versions": lambda each: each.versions,
    "latest": lambda each: each.latest.created_at if each.latest else "",
    "changed": lambda each: each.changed_at,
}


def changed_at(entry: Entry) -> str:
    """When a version was last changed."""
    return (entry.lifecycle.changed_at if entry.lifecycle else "") or entry.created_at


class Overview:
    """The figures of the registry at one moment."""

    def __init__(self, index: ContractIndex) -> None:
        self.today = utc_now()
        self._levels = levels_of(index.documents)
        self.states: Counter[str] = Counter()
        self.days: Counter[str] = Counter()
        self.soon: list[Entry] = []
        self.versions = 0
        until = (date.fromisoformat(self.today[:10]) + timedelta(days=SOON_DAYS)).isoformat()
        summaries = []
        for name in index.names_from(""):
            if entries := index.versions(name):
                summaries.append(self._add(name, entries, until))
        self.summaries = tuple(summaries)
        self.soon.sort(key=lambda entry: (entry.lifecycle.sunset_at or "") if entry.lifecycle else "")
        self.unreadable = len(index.faults)

    def _add(self, name: str, entries: tuple[Entry, ...], until: str) -> ContractSummary:
        states = [entry.state for entry in entries]
        self.states.update(states)
        self.days.update(entry.created_at[:10] for entry in entries)
        self.versions += len(entries)
        for entry, state in zip(entries, states, strict=True):
            life = entry.lifecycle
            if state == DEPRECATED and life is not None and life.sunset_at and life.sunset_at[:10] <= until:
                self.soon.append(entry)
        greatest = latest(entries)
        shown = greatest or entries[-1]
        description = shown.description or ""
        return ContractSummary(
            name=name,
            description=description,
            versions=len(entries),
            latest=greatest,
            newest=entries[-1],
            states=frozenset(states),
            labels=shown.labels,
            has_wit=shown.has_wit,
            changed_at=max(map(changed_at, entries)),
            owner=owner_of(shown.labels, effective_policy(self._levels, name)),
        )

    def find(self, query: ListQuery, texts: SearchIndex) -> list[ContractSummary]:
        """Return the contracts that match a query, in its order."""
        found = [each for each in self.summaries if query.admits(each)]
        if query.words:
            ranks = {each.name: each.rank for each in texts.find(query.q)}
            found = [each for each in found if each.name in ranks]
            if not query.order:
                found.sort(key=lambda each: -ranks[each.name])
        column = query.order.removeprefix("-")
        if column in ORDERS:
            found.sort(key=ORDERS[column], reverse=query.order.startswith("-"))
        return found

    def publishes(self) -> list[tuple[str, int]]:
        """Return how many of the existing versions were published on each of the last CHART_DAYS days."""
        last = date.fromisoformat(self.today[:10])
        days = [(last - timedelta(days=ago)).isoformat() for ago in reversed(range(CHART_DAYS))]
        return [(day, self.days[day]) for day in days]


_kept: tuple[weakref.ref[ContractIndex], int, int, str, Overview] | None = None


def overview(index: ContractIndex) -> Overview:
    """Return the overview of an index, recomputed after a change and once a minute for sunsets."""
    global _kept
    # The index itself and not its id, which may be reused.
    key = (weakref.ref(index), index.changed, policy_revision(index.documents), utc_now()[:16])
    kept = _kept
    if kept is not None and kept[:4] == key:
        return kept[4]
    made = Overview(index)
    _kept = (*key, made)
    return made
