"""All contracts as one folded text: to find where something is written is one pass of the interpreter's own search."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contracts_app.storage.index import ContractIndex


class SearchText:
    """Names, descriptions and labels at one moment. What it finds is to be looked at more closely: a text may be in
    another version than the one that is wanted."""

    def __init__(self, index: ContractIndex) -> None:
        # First: what is written while the text is made makes it out of date.
        self.changed = index.changed
        self._names: list[str] = []
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for name in index.names_from(""):
            lines = dict.fromkeys([name])
            for entry in index.versions(name):
                lines |= dict.fromkeys((entry.description or "", *entry.labels))
            part = "\n".join(lines).casefold() + "\n"
            self._names.append(name)
            self._starts.append(length)
            parts.append(part)
            length += len(part)
        self._text = "".join(parts)

    def names(self, text: str, start: str) -> Iterator[str]:
        """The names from `start` on, in order, of contracts in which a folded text is written."""
        first = bisect_left(self._names, start)
        at = self._starts[first] if first < len(self._names) else len(self._text)
        while (at := self._text.find(text, at)) != -1:
            found = bisect_right(self._starts, at) - 1
            if found < 0:
                return
            yield self._names[found]
            if found + 1 == len(self._names):
                return
            at = self._starts[found + 1]
