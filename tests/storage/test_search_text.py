"""A search finds what a scan of each version would find, page by page, also with concurrent writes."""

from __future__ import annotations

import random

from contracts_app.services.search import SearchQuery, search_page
from contracts_app.storage import ContractIndex, Entry
from contracts_app.storage.memory import MemoryContractStore
from tests.storage.suite import AUDIT, make

WORDS = ("Order", "order", "STRASSE", "straße", "İstanbul", "x\ny", "", "été", "payment", "a.b", "🦊")


def written(index: ContractIndex, search: SearchQuery) -> list[Entry]:
    """Return the expected results, by scanning each version."""

    def holds(entry: Entry) -> bool:
        texts = (entry.name, entry.description or "", *entry.labels)
        return entry.name.startswith(search.prefix) and any(search.q in text.casefold() for text in texts)

    return [entry for entry in index if holds(entry)]


def pages(index: ContractIndex, **query) -> list[Entry]:
    found: list[Entry] = []
    cursor: str | None = ""
    while cursor is not None:
        groups, cursor = search_page(index, SearchQuery(**query, cursor=cursor))
        found += [entry for group in groups for entry in group]
    return found


def test_random_searches_find_what_a_full_scan_finds():
    choice = random.Random(7).choice
    store = MemoryContractStore()
    index = store.index()
    for number in range(300):
        name = f"{choice(('order', 'pay', 'a'))}.{choice(('x', 'Y', 'strasse'))}.n{choice(range(40))}"
        bundle = make(
            name, f"{number}.0.0", description=choice((None, *WORDS)), labels=tuple({choice(WORDS[:4]), choice("pq")})
        )
        store.create(bundle, after=index.revision(name), audit=AUDIT)
        query = {"q": choice(WORDS), "prefix": choice(("", "", "order", "pay.x", "z"))}
        expected = written(index, SearchQuery(**query))
        assert pages(index, **query, limit=choice((1, 2, 7, 1000))) == expected
        groups = pages(index, **query, limit=choice((1, 3)), with_versions=True)
        assert groups == expected


def test_an_empty_text_has_no_matches():
    index = ContractIndex()
    assert pages(index, q="a", limit=5) == []
    assert list(index.matching("a", "zzz")) == []
