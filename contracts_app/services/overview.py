"""An overview of all contracts: one line for each, and the figures of the registry."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from contracts_app.lifecycle import DEPRECATED
from contracts_app.services.search import latest
from contracts_app.storage import ContractIndex, Entry
from contracts_app.timestamps import utc_now

CHART_DAYS = 30
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
    searched: str

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
    order: str = "name"
    """A column of ORDERS, with `-` before it for descending order."""

    @cached_property
    def folded(self) -> str:
        return self.q.casefold()

    def admits(self, each: ContractSummary) -> bool:
        return (
            self.folded in each.searched
            and (not self.state or self.state in each.states)
            and each.name.startswith(self.prefix)
            and (not self.label or self.label in each.labels)
            and (not self.wit or each.has_wit is (self.wit == "yes"))
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
        self.states: Counter[str] = Counter()
        self.days: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.prefixes: Counter[str] = Counter()
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
        self.labels.update(shown.labels)
        self.prefixes[name.partition(".")[0]] += 1
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
            searched="\n".join([name, description, *shown.labels]).casefold(),
        )

    def find(self, query: ListQuery) -> list[ContractSummary]:
        """Return the contracts that match a query, in its order."""
        found = [each for each in self.summaries if query.admits(each)]
        column = query.order.removeprefix("-")
        if column in ORDERS and query.order != "name":
            found.sort(key=ORDERS[column], reverse=query.order.startswith("-"))
        return found

    def publishes(self) -> list[tuple[str, int]]:
        """Return how many of the existing versions were published on each of the last CHART_DAYS days."""
        last = date.fromisoformat(self.today[:10])
        days = [(last - timedelta(days=ago)).isoformat() for ago in reversed(range(CHART_DAYS))]
        return [(day, self.days[day]) for day in days]


_kept: tuple[weakref.ref[ContractIndex], int, str, Overview] | None = None


def overview(index: ContractIndex) -> Overview:
    """Return the overview of an index, recomputed after a change and once a minute for sunsets."""
    global _kept
    # The index itself and not its id, which may be reused.
    key = (weakref.ref(index), index.changed, utc_now()[:16])
    kept = _kept
    if kept is not None and kept[:3] == key:
        return kept[3]
    made = Overview(index)
    _kept = (*key, made)
    return made


def most_used(counts: Counter[str], most: int = 20) -> Iterable[str]:
    """Return the most frequent values, in alphabetical order."""
    return sorted(name for name, _ in counts.most_common(most))
