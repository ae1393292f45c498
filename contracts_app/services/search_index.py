"""The words of every contract, in memory: names, descriptions, labels, owners, fields, and what WIT declares.

A contract matches if each word of the query is somewhere in its texts, in any order and any case. The texts of fields
are those of the latest version. Plain strings are faster here than an index on disk: looking for a word in the texts of
10,000 contracts takes some milliseconds.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz import fuzz, process

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractError
from contracts_app.policies import Policy, effective_policy, levels_of, policy_revision
from contracts_app.services.owners import owner_of
from contracts_app.services.schema_names import FoundName, names_in
from contracts_app.services.search import latest
from contracts_app.storage import ContractIndex, ContractStore, Entry

MAX_WAIT_SECONDS = 0.5
"""Seconds that a search waits for the texts of contracts that have changed."""
MAX_SUGGESTED_WORDS = 3
MIN_SIMILARITY = 75
"""Least similarity, in percent, of a word that is suggested."""
_APART = re.compile(r"[\s./:,;@()\[\]{}\"'<>]+")
_JOINED = re.compile(r"[_-]+")
_DIGEST = re.compile("[0-9a-f]{8,64}")


class Texts(NamedTuple):
    """The folded texts of one contract, and the revision of the contract that they were made of."""

    revision: int
    name: str
    about: str
    """The description and labels of the version shown, and the owner."""
    older: str
    """The descriptions and labels of the other versions."""
    names: str | None
    """Names of fields and of WIT; None until they are read."""


def words_of(query: str) -> list[str]:
    """Return the words of a query: what is between spaces, dots and other punctuation, folded."""
    return [word for word in fold(query).split() if word]


def fold(text: str) -> str:
    """Return a text as it is searched: without case, and with spaces instead of dots and slashes."""
    return _APART.sub(" ", text.casefold())


def _with_joined(text: str) -> str:
    """Return a folded text, followed by its words that have a hyphen or an underscore without them."""
    joined = {_JOINED.sub("", word) for word in text.split() if "_" in word or "-" in word}
    return f"{text} {' '.join(joined)}" if joined else text


@dataclass(frozen=True)
class Found:
    """A contract that matches, and how well."""

    name: str
    rank: int


class SearchIndex:
    """The texts of the contracts of one ContractIndex, brought up to date before each search."""

    def __init__(self, index: ContractIndex, store: ContractStore) -> None:
        self._index, self._store = weakref.ref(index), store
        self._texts: dict[str, Texts] = {}
        self._waiting: dict[str, None] = {}
        """Contracts whose fields are not read yet."""
        self._state = (-1, -1)
        self._lock = threading.Lock()
        self._vocabulary: tuple[tuple[int, int], list[str]] | None = None

    @property
    def waiting(self) -> int:
        """Number of contracts whose fields are not read yet."""
        return len(self._waiting)

    def refresh(self, seconds: float = MAX_WAIT_SECONDS) -> None:
        """Read what has changed, for at most about this long."""
        index = self._index()
        if index is None:
            return
        with self._lock:
            self._note_changes(index)
            deadline = time.monotonic() + seconds
            while self._waiting and time.monotonic() < deadline:
                name = next(iter(self._waiting))
                texts = self._texts.get(name)
                if texts is not None:
                    try:
                        names = self._names_of(name, index)
                    except ContractError:
                        return  # the store is away, or the record is unreadable: tried again at the next search
                    self._texts[name] = texts._replace(names=names)
                del self._waiting[name]

    def _note_changes(self, index: ContractIndex) -> None:
        """Note the contracts that were written since the last search, with what is known without their contents."""
        state = (index.changed, policy_revision(index.documents))
        if state == self._state:
            return
        levels = levels_of(index.documents)
        everything = state[1] != self._state[1]  # a policy may name other owners
        present = set()
        for name in index.names_from(""):
            present.add(name)
            known, revision = self._texts.get(name), index.revision(name)
            if known is not None and known.revision == revision and not everything:
                continue
            entries = index.versions(name)
            if not entries:
                continue
            current = known is not None and known.revision == revision
            about, older = _about(entries, effective_policy(levels, name))
            folded = _with_joined(fold(name))
            self._texts[name] = Texts(revision, folded, about, older, known.names if known and current else None)
            if not current:
                self._waiting[name] = None
        for name in self._texts.keys() - present:
            del self._texts[name]
        self._state = state

    def _names_of(self, name: str, index: ContractIndex) -> str:
        entries = index.versions(name)
        if not entries:
            return ""
        shown = latest(entries) or entries[-1]
        return fold_names(names_in(self._store.content(shown, index)))

    def find(self, query: str) -> list[Found]:
        """Return the contracts that match every word of a query, the best first."""
        self.refresh()
        words = words_of(query)
        index = self._index()
        if not words:
            return [Found(name, 1) for name in sorted(self._texts)]
        found = [Found(name, rank) for name, texts in list(self._texts.items()) if (rank := _rank(texts, words)) > 0]
        if index is not None and _DIGEST.fullmatch(query.strip().lower()):
            known = {each.name for each in found}
            digest = query.strip().lower()
            found += [Found(name, 50) for name in _with_digest(index, digest) if name not in known]
        found.sort(key=lambda each: (-each.rank, each.name))
        return found

    def suggest(self, query: str) -> str | None:
        """Return the query with unknown words replaced by similar ones that exist; None without a better query."""
        words = words_of(query)
        if not words or len(words) > 10:
            return None
        vocabulary = self._words()
        better = []
        for word in words:
            if any(word in known for known in vocabulary):
                better.append(word)
                continue
            similar = process.extractOne(word, vocabulary, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY)
            if similar is None:
                return None
            better.append(similar[0])
        suggested = " ".join(better)
        return suggested if suggested != " ".join(words) and self.find(suggested) else None

    def _words(self) -> list[str]:
        if self._vocabulary is None or self._vocabulary[0] != self._state:
            words = {
                word
                for texts in list(self._texts.values())
                for text in texts[1:]
                for word in (text or "").split()
                if 2 < len(word) <= 60
            }
            self._vocabulary = self._state, sorted(words)
        return self._vocabulary[1]

    def has(self, entry: Entry, words: list[str], *, shown: bool) -> bool:
        """Return whether a version matches every word: its own texts, with owner and fields for the one shown."""
        own = [_with_joined(fold(" ".join((entry.name, entry.description or "", *entry.labels))))]
        if shown and (texts := self._texts.get(entry.name)) is not None:
            own += [texts.about, texts.names or ""]
        return all(any(word in text for text in own) for word in words)

    def candidates(self, query: str) -> list[str]:
        """Return the names of the contracts of which some version may match, in order."""
        self.refresh()
        words = words_of(query)
        return sorted(
            name
            for name, (_, *texts) in list(self._texts.items())
            if all(any(word in (text or "") for text in texts) for word in words)
        )


def _about(entries: tuple[Entry, ...], policy: Policy) -> tuple[str, str]:
    shown = latest(entries) or entries[-1]
    own = [shown.description or "", *shown.labels]
    older = {text for each in entries for text in (each.description or "", *each.labels)} - set(own)
    about = " ".join((*own, *owner_of(shown.labels, policy)))
    return _with_joined(fold(about)), _with_joined(fold(" ".join(sorted(older))))


def fold_names(names: Iterator[FoundName]) -> str:
    """Return the names of a version as one text, each once."""
    return _with_joined(" ".join(dict.fromkeys(fold(each.name) for each in names)))


def _rank(texts: Texts, words: list[str]) -> int:
    """Return how well a contract matches; 0 if a word is missing."""
    rank = 0
    segments = texts.name.split()
    for word in words:
        if word in texts.name:
            rank += 100 if word in segments else 60
        elif word in texts.about:
            rank += 20
        elif texts.names is not None and word in texts.names:
            rank += 10
        else:
            return 0
    return rank + (200 if words and words == segments else 0)


def _with_digest(index: ContractIndex, digest: str) -> list[str]:
    """Return the contracts of which a version's digest begins so."""
    return sorted({entry.name for entry in index if entry.digest.startswith(digest)})


def matched_names(bundle: ContractBundle, words: list[str], limit: int) -> list[FoundName]:
    """Return the names in a version that contain a word of a query; exact ones first."""
    found = []
    for each in names_in(bundle):
        folded = _with_joined(fold(each.name))
        hits = [word for word in words if word in folded]
        if hits:
            found.append((folded.split()[0] not in hits, len(each.path), each))
    found.sort(key=lambda item: item[:2])
    return [each for _, _, each in found[:limit]]


_indexes: weakref.WeakKeyDictionary[ContractIndex, SearchIndex] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def search_index(index: ContractIndex, store: ContractStore) -> SearchIndex:
    """Return the search index of a ContractIndex, made at its first use."""
    with _making:
        found = _indexes.get(index)
        if found is None:
            found = _indexes[index] = SearchIndex(index, store)
        return found


def keep_current(store: ContractStore, stopped: threading.Event) -> None:
    """Read what changes in the background, a little at a time, until `stopped` is set: for a thread of a worker."""
    while not stopped.wait(0.05):
        replica = store.replica
        if replica is None:
            return
        found = search_index(replica.index, store)
        found.refresh(0.01)
        if not found.waiting:
            stopped.wait(1)
