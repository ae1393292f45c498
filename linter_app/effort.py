"""How much work a schema makes for a validator, before one is let near it: references can multiply without end."""

from __future__ import annotations

from linter_app.dialects import REFERENCES, VALUES
from linter_app.documents import SAME_INSTANCE, Document, Source

LEVELS = 12
"""How deep an instance may be that a schema with references judges."""
LIMIT = 300_000
"""How many steps one path down such an instance may take."""
MAX_PLACES = 60_000


def bearable(document: Document) -> bool:
    """Whether validating takes a bounded number of steps, as far as the schema alone tells.

    Without references the steps are bounded by its size. With them, each evaluation of a definition
    counts as often as ways lead to it, down to LEVELS within an instance.
    """
    if not document.refers:
        return True
    root = document.root
    known = document.kept(root, "bearable") if isinstance(root, dict) else True
    if known is None:
        known = document.keep(root, "bearable", _Effort().bearable(document.source))
    return bool(known)


class _Effort:
    def __init__(self) -> None:
        self.known: dict[tuple[int, int], int] = {}
        self.active: set[tuple[int, int]] = set()

    def bearable(self, source: Source) -> bool:
        try:
            return self.steps(source, LEVELS) < LIMIT
        except RecursionError:
            return False

    def steps(self, source: Source, levels: int) -> int:
        if not isinstance(source.schema, dict):
            return 1
        key = (source.key, levels)
        if key in self.known:
            return self.known[key]
        if key in self.active or len(self.known) > MAX_PLACES:
            return 1 if key in self.active else LIMIT
        self.active.add(key)
        count, deepest = 1, 0
        for keyword, value in source.schema.items():
            if keyword in REFERENCES:
                target = source.document.resolve(source, keyword)
                count += 0 if target is None else self.steps(target, levels)
            elif keyword in ("$defs", "definitions") or keyword in VALUES:
                continue
            elif isinstance(value, (dict, list)):
                inside = source.inside(keyword)
                if keyword in SAME_INSTANCE:
                    count += sum(self.steps(each, levels) for each in inside)
                elif levels:
                    deepest = max([deepest, *(self.steps(each, levels - 1) for each in inside)])
        self.active.discard(key)
        self.known[key] = min(count + deepest, LIMIT)
        return self.known[key]
