"""Whether no value satisfies two schemas, as far as types, listed values and required properties show."""

from __future__ import annotations

from itertools import product

from linter_app.normalize.normalized import NormalizedSchema, normalize
from linter_app.normalize.string_sets import strings_of
from linter_app.patterns import shortest
from linter_app.schema.json_text import json_equal

MAX_BRANCHES = 32
"""Alternatives of a union that are looked at, each by itself, to show that it excludes a schema."""
MAX_CLAUSES = 16
"""Pairs of sets of strings that are compared where a schema says `not`."""
Known = dict[tuple[NormalizedSchema, NormalizedSchema, int], bool]


def disjoint(one: NormalizedSchema, other: NormalizedSchema, known: Known, levels: int = 3) -> bool:
    """Return whether no value satisfies both, as far as types, listed values and discriminating properties show.

    `levels` of properties, and of alternatives, are looked through. `known` keeps the results.
    """
    key = one, other, levels
    if key not in known:
        known[key] = _plainly_disjoint(one, other) or _disjoint_within(one, other, known, levels)
    return known[key]


def _disjoint_within(one: NormalizedSchema, other: NormalizedSchema, known: Known, levels: int) -> bool:
    if one.types & other.types == {"object"}:
        if _are_objects_apart(one, other) or _are_objects_apart(other, one):
            return True
        # A property that one requires is there, and has to satisfy what both say of it.
        names = one.required.keys() | other.required.keys()
        both = [(one.normalized_property(name), other.normalized_property(name)) for name in names]
        both = [(left, right) for left, right in both if _may_differ(left, right)]
        if any(_plainly_disjoint(left, right) for left, right in both):
            return True
        if levels > 0 and any(disjoint(left, right, known, levels - 1) for left, right in both):
            return True
    return levels > 0 and any(
        all(disjoint(normalize((branch,)), against, known, levels - 1) for branch in group.branches)
        for side, against in ((one, other), (other, one))
        for group in side.groups
        if group.keyword != "if" and len(group.branches) <= MAX_BRANCHES
    )


def _are_objects_apart(one: NormalizedSchema, other: NormalizedSchema) -> bool:
    """Return whether one requires a property that the other refuses, or that has other values there."""
    required, (_, allowed) = one.names[0], other.names
    if allowed is not None and not required <= allowed:
        return True
    return any(name in other.tags and values.isdisjoint(other.tags[name]) for name, values in one.tags.items())


def _plainly_disjoint(one: NormalizedSchema, other: NormalizedSchema) -> bool:
    types = one.types & other.types
    if not types or (types == {"string"} and _are_strings_apart(one, other)):
        return True
    if one.possible is not None and other.possible is not None:
        return not any(json_equal(value, known) for value in one.possible for known in other.possible)
    return any(
        values and all(refusing.refuses(value) for value in values)
        for values, refusing in ((one.possible, other), (other.possible, one))
    )


def _are_strings_apart(one: NormalizedSchema, other: NormalizedSchema) -> bool:
    """Return whether no string has a length that both accept, and matches the patterns of both."""
    least = max(one.lengths[0], other.lengths[0])
    most = min(one.lengths[1], other.lengths[1])
    if least > most:
        return True
    if "not" in one.keywords | other.keywords:
        left, right = strings_of(one), strings_of(other)
        if left is not None and right is not None and len(left) * len(right) <= MAX_CLAUSES:
            return all(mine.both(others).is_empty() for mine, others in product(left, right))
    if not one.texts or not other.texts or one.texts == other.texts:
        return False
    return shortest(one.texts | other.texts, frozenset(), least, most) == (None, True)


def _may_differ(one: NormalizedSchema, other: NormalizedSchema) -> bool:
    """Return whether both say something, and are not the same object of the schema, reached in two ways."""
    if one.refuses_all or other.refuses_all:
        return True
    return bool(one.nodes) and bool(other.nodes) and one.nodes[-1].schema is not other.nodes[-1].schema
