"""All contracts as one case-folded text, so that a search is one pass of `str.find`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class SearchText:
    """Names, descriptions and labels at one moment.

    A match is only a candidate: the text may belong to another version than the wanted one.
    """

    def __init__(self, texts: Iterable[tuple[str, Iterable[str]]], *, changed: int) -> None:
        """Add names in order, each with its texts; `changed` is the index's sequence that they were read at."""
        self.changed = changed
        self._names: list[str] = []
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for name, lines in texts:
            part = "\n".join(dict.fromkeys([name, *lines])).casefold() + "\n"
            self._names.append(name)
            self._starts.append(length)
            parts.append(part)
            length += len(part)
        self._text = "".join(parts)

    def names(self, text: str, start: str) -> Iterator[str]:
        """Yield names in order, from `start` on, of contracts that contain a folded text."""
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
