"""Pairs of alternatives of `oneOf` that a value may satisfy at once now, and did not before."""

from __future__ import annotations

from typing import Literal, NamedTuple

from linter_app.changes import Change
from linter_app.compare.bases import without_groups
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.rules.alternatives import ALTERNATIVES_CHANGED
from linter_app.normalize.normalized import normalize
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
    pairing = pair.pairing(old[0], new[0])
    sides = [both if direction == "backward" else both[::-1] for both in pairing.pairs]
    before = {after.key: former for former, after in sides}
    written = {after.key: both for (_, after), both in zip(sides, pairing.pairs, strict=True)}
    unchanged = {both[direction == "backward"].key for both in pairing.equal}
    gained = [each for each in refusing.branches if accepting.keyword != "oneOf" or each.key not in unchanged]
    if len(gained) * len(refusing.branches) > MAX_PAIRS:
        return []
    around = without_groups(pair.new if direction == "backward" else pair.old, [refusing]) or ()
    schemas = {each.key: normalize((*around, each)) for each in refusing.branches}
    found = []
    for one in gained:
        differing = pair.comparison.equality.differing(*written[one.key]) if one.key in written else []
        refused = tuple(both[direction == "forward"] for both in differing)
        found += [
            Overlap(frozenset({one.key, key}), before[key], refused)
            for key, schema in schemas.items()
            if key != one.key and key in before and not pair.comparison.are_disjoint(schemas[one.key], schema)
        ]
    return found
