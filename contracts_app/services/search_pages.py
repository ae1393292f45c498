"""Searching an index by query, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract
from contracts_app.lifecycle import STATES
from contracts_app.services.search import latest
from contracts_app.services.search_index import SearchIndex, search_index, words_of
from contracts_app.storage import ContractIndex, ContractStore, Entry
from linter_app.semver import InvalidVersion, Version

MAX_PAGE_ITEMS = 1000


@dataclass(frozen=True)
class SearchQuery:
    """A search; every given part must match."""

    q: str = ""
    """Words that are all in name, description, labels, or the fields of the latest version, in any order and case."""
    prefix: str = ""
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    readable: Callable[[str], bool] = lambda name: True
    """Whether the contract of this name may be shown."""
    with_versions: bool = False
    """One item for each contract, with its versions, instead of one for each version."""
    limit: int = MAX_PAGE_ITEMS
    cursor: str = ""

    @cached_property
    def words(self) -> list[str]:
        return words_of(self.q)

    def admits(self, entry: Entry) -> bool:
        return (not self.states or entry.state in self.states) and all(label in entry.labels for label in self.labels)


def check_states(states: tuple[str, ...]) -> None:
    for state in states:
        if state not in STATES:
            raise MalformedContract(f"The query parameter state must be one of {', '.join(STATES)}", field="state")


def search_page(index: ContractIndex, query: SearchQuery, store: ContractStore) -> tuple[list[list[Entry]], str | None]:
    """Return one page: groups of entries (of one version, or of one contract), and the cursor of the next page.

    The order is by name and precedence, so a write between two pages moves no entry to another page. Raises
    MalformedContract for an invalid cursor.
    """
    found: list[list[Entry]] = []
    last = ("", "")
    for group in _groups(index, query, store, *_read_cursor(query.cursor)):
        if len(found) == query.limit:
            return found, _cursor(*last)
        found.append(group)
        last = (group[-1].name, "" if query.with_versions else group[-1].version)
    return found, None


def _groups(
    index: ContractIndex, query: SearchQuery, store: ContractStore, name: str, version: str
) -> Iterator[list[Entry]]:
    start = max(name, query.prefix)
    texts = search_index(index, store) if query.words else None
    names = index.names_from(start) if texts is None else (n for n in texts.candidates(query.q) if n >= start)
    # The last page may have ended inside a contract's versions, or after the whole contract.
    done = start == name and not version
    for each in names:
        if done and each == start:
            continue
        if not each.startswith(query.prefix):
            return
        if not query.readable(each):
            continue
        entries = index.versions(each)
        if each == name and version:
            after = Version.parse(version).precedence
            entries = tuple(entry for entry in entries if (entry.precedence, entry.version) > (after, version))
        admitted = [entry for entry in entries if query.admits(entry)]
        if texts is not None:
            admitted = _matching(texts, query, index.versions(each), admitted)
        if query.with_versions:
            if admitted:
                yield admitted
        else:
            yield from ([entry] for entry in admitted)


def _matching(texts: SearchIndex, query: SearchQuery, every: tuple[Entry, ...], admitted: list[Entry]) -> list[Entry]:
    shown = latest(every) or (every[-1] if every else None)
    return [entry for entry in admitted if texts.has(entry, query.words, shown=entry is shown)]


def _cursor(name: str, version: str) -> str:
    return base64.urlsafe_b64encode(f"{name}/{version}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    try:
        name, _, version = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode().partition("/")
        if version:
            Version.parse(version)
        if not valid_name(name):
            raise ValueError
    except (ValueError, binascii.Error, InvalidVersion):
        raise MalformedContract("The cursor was not issued by this list; omit it", field="cursor") from None
    return name, version
