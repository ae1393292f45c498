"""What a version depends on and what depends on it, as a graph: versions by their distance, and the references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from contracts_app.bundles import key_of
from contracts_app.storage import ContractIndex, Entry

MAX_LEVELS = 3
"""References that are followed from the version, in each direction."""
MAX_RELATED = 60
"""Versions of a graph in each direction."""


@dataclass(frozen=True)
class Related:
    """A version in a graph. `level` is negative for dependents, and positive for dependencies."""

    name: str
    version: str
    state: str
    level: int

    @property
    def key(self) -> str:
        return key_of(self.name, self.version)


@dataclass(frozen=True)
class Reference:
    """That one version refers to another, in its own words. Both are keys of nodes."""

    source: str
    target: str
    written: str


@dataclass
class Relations:
    """A graph around one version. `more` is whether some were left out."""

    nodes: dict[str, Related] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    more: bool = False

    def of_level(self, level: int) -> list[Related]:
        """Return the versions of one level by name and version."""
        return sorted((each for each in self.nodes.values() if each.level == level), key=lambda each: each.key)

    @property
    def levels(self) -> list[int]:
        return sorted({each.level for each in self.nodes.values()})


def relations(entry: Entry, index: ContractIndex, readable: Callable[[str], bool]) -> Relations:
    """Return the graph around a version, nearest first, of versions whose name is `readable`."""
    found = Relations({entry.key: Related(entry.name, entry.version, entry.state, 0)})
    _follow(found, entry, readable, 1, lambda each: _dependencies(each, index))
    _follow(found, entry, readable, -1, lambda each: _dependents(each, index))
    return found


_Related = list[tuple[Related, Entry | None, Reference]]


def _follow(
    found: Relations, entry: Entry, readable: Callable[[str], bool], step: int, related: Callable[[Entry], _Related]
) -> None:
    waiting = [entry]
    count = 0
    for level in range(1, MAX_LEVELS + 1):
        following: list[Entry] = []
        for each in waiting:
            for node, following_entry, reference in related(each):
                if not readable(node.name):
                    continue
                if node.key not in found.nodes:
                    if count == MAX_RELATED:
                        found.more = True
                        continue
                    count += 1
                    found.nodes[node.key] = Related(node.name, node.version, node.state, step * level)
                    following += [following_entry] if following_entry is not None else []
                if reference not in found.references:
                    found.references.append(reference)
        waiting = following
    found.more = found.more or any(related(each) for each in waiting)


def _dependencies(entry: Entry, index: ContractIndex) -> _Related:
    made: _Related = []
    for pin in entry.dependencies:
        target = index.get(key_of(pin.name, pin.version))
        node = Related(pin.name, pin.version, target.state if target else "missing", 0)
        made.append((node, target, Reference(entry.key, node.key, pin.reference)))
    return made


def _dependents(entry: Entry, index: ContractIndex) -> _Related:
    made: _Related = []
    for each in index.dependents(entry.name, entry.version, withdrawn=True):
        written = next(
            pin.reference for pin in each.dependencies if (pin.name, pin.version) == (entry.name, entry.version)
        )
        node = Related(each.name, each.version, each.state, 0)
        made.append((node, each, Reference(node.key, entry.key, written)))
    return made
