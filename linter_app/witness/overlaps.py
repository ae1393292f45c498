"""Pairs of alternatives of `oneOf` that a value may satisfy at once now, and did not before."""

from __future__ import annotations

from typing import Literal, NamedTuple

from linter_app.changes import Change
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.exclusivity import Widening
from linter_app.compare.rules.alternatives import ALTERNATIVES_CHANGED
from linter_app.schema.documents import Subschema

MAX_PAIRS = 2000
"""Pairs of alternatives that are looked at."""


class Overlap(NamedTuple):
    """Two alternatives of the refusing version, and their versions before: one accepts the value, one refuses it."""

    together: frozenset[int]
    """Both by the `id` of their schemas."""
    accepting: Subschema
    refusing: tuple[Subschema, ...]
    """What differs in the one that refuses the value; nothing where it is new."""


def new_overlaps(change: Change, direction: Literal["backward", "forward"]) -> list[Overlap]:
    """Return what may explain that values which satisfy several alternatives are refused; nothing for other changes."""
    pair: SchemaPair | None = change.pair
    if change.rule != ALTERNATIVES_CHANGED.id or pair is None:
        return []
    old, new = pair.differing
    if len(old) != 1 or len(new) != 1:
        return []
    accepting, refusing = (old[0], new[0]) if direction == "backward" else (new[0], old[0])
    if refusing.keyword != "oneOf":
        return []
    versions = Widening(pair, direction, accepting, refusing)
    changed = {wide.key for _, wide in versions.differing} | {each.key for each in versions.added}
    gained = [each for each in refusing.branches if accepting.keyword != "oneOf" or each.key in changed]
    if len(gained) * len(refusing.branches) > MAX_PAIRS:
        return []
    found = []
    for one in gained:
        former = versions.before.get(one.key)
        refused: tuple[Subschema, ...] = ()
        if former is not None:
            both = (former, one) if direction == "backward" else (one, former)
            refused = tuple(each[direction == "forward"] for each in pair.comparison.equality.differing(*both))
        found += [
            Overlap(frozenset({one.key, key}), versions.before[key], refused)
            for key, schema in versions.schemas.items()
            if key != one.key
            and key in versions.before
            and not pair.comparison.are_disjoint(versions.schemas[one.key], schema)
        ]
    return found
