"""Equality of subschemas of two documents: in meaning, and in what is written of it.

Equal parts cost nothing to compare. All pairs of subschemas that are in the same place are related in one graph, and
what differs is propagated to what contains or refers to it; the rest is equal, recursive schemas included. The cost is
linear in the size of both documents.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from linter_app.normalize.schema_node import followed, node_of
from linter_app.schema.documents import Subschema, refers
from linter_app.schema.formats import is_asserted
from linter_app.schema.json_text import json_equal, json_hashable
from linter_app.schema.vocabulary import (
    DEFINITIONS,
    DRAFT2020,
    REFERENCES,
    Kind,
    keywords_of,
    names_of,
    subschemas_under,
)

_SILENT = names_of(Kind.ANNOTATION, Kind.IDENTIFIER, Kind.CONTENT)
_SETS = frozenset({"required", "enum", "type"})
_UNIONS = frozenset({"allOf", "anyOf", "oneOf"})
Pair = tuple[Subschema, Subschema]


@dataclass(eq=False, slots=True)
class _Place:
    """One pair of subschemas: whether it is equal as far as is known, and the pairs that rest on it."""

    old: Subschema
    new: Subschema
    meaning: bool = True
    text: bool = True
    children: list[_Place] = field(default_factory=list)
    parents: list[tuple[_Place, Pair]] = field(default_factory=list)
    """Each with the pair as it is written there, which may be references."""


class Equality:
    """The equality of subschemas of an old and a new document, or of others that belong to them."""

    def __init__(self) -> None:
        self._places: dict[tuple[Any, ...], _Place] = {}
        self._keys: dict[tuple[int, int], Any] = {}
        self._referring: dict[int, bool] = {}

    def same_meaning(self, old: Subschema, new: Subschema) -> bool:
        """Return whether both are proven to accept the same instances; annotations and identifiers do not count."""
        return self._place(old, new).meaning

    def is_written_same(self, old: Subschema, new: Subschema) -> bool:
        """Return whether both are written the same and mean the same."""
        old, new = followed(old), followed(new)
        return bool(old.schema == new.schema) and self.same_meaning(old, new)

    def same_text(self, old: Subschema, new: Subschema) -> bool:
        """Return whether both mean the same, and everything that is written in them is equal, annotations included."""
        place = self._place(old, new)
        return place.meaning and place.text

    def parts(self, old: Subschema, new: Subschema) -> list[Pair]:
        """Return the pairs of direct subschemas and targets of references, of two that mean the same."""
        return [(child.old, child.new) for child in self._place(old, new).children]

    def differing(self, old: Subschema, new: Subschema) -> list[Pair]:
        """Return the pairs at and below two subschemas that do not mean the same."""
        found, waiting = dict[int, _Place](), [self._place(old, new)]
        while waiting:
            place = waiting.pop()
            if not place.meaning and id(place) not in found:
                found[id(place)] = place
                waiting += place.children
        return [(place.old, place.new) for place in found.values()]

    def way(self, old: Subschema, new: Subschema, roots: Pair, closed: Container[tuple[int, int]]) -> list[Pair]:
        """Return the fewest pairs that lead from two subschemas up to the roots; nothing where none are known.

        `closed` are pairs that it must not lead through, by the keys of both.
        """
        first, last = (self._places.get(_key(*map(followed, pair))) for pair in ((old, new), roots))
        if first is None or last is None:
            return []
        came: dict[int, tuple[_Place, Pair] | None] = {id(first): None}
        waiting = deque([first])
        while waiting:
            place = waiting.popleft()
            if place is last:
                found: list[Pair] = [(place.old, place.new)]
                while (step := came[id(place)]) is not None:
                    place, written = step
                    found += [written, (place.old, place.new)]
                return found
            for parent, written in place.parents:
                if id(parent) not in came and (parent.old.key, parent.new.key) not in closed:
                    came[id(parent)] = place, written
                    waiting.append(parent)
        return []

    def shape(self, subschema: Subschema) -> Any:
        """Return a hashable key that is equal for subschemas that are written alike, except for annotations."""
        key = id(subschema.document), subschema.key
        if key not in self._keys or isinstance(subschema.schema, bool):
            self._keys[key] = _shape(subschema)
        return self._keys[key]

    def _place(self, old: Subschema, new: Subschema) -> _Place:
        old, new = followed(old), followed(new)
        found = self._places.get(_key(old, new))
        if found is None:
            found = self._explore(old, new)
        return found

    def _explore(self, old: Subschema, new: Subschema) -> _Place:
        """Add the pairs that two subschemas contain and refer to, and propagate what differs."""
        first = self._places[_key(old, new)] = _Place(old, new)
        if self._is_same_without_references(old, new):
            return first  # what is below need not be looked at
        waiting, added = [first], [first]
        while waiting:
            place = waiting.pop()
            place.meaning, place.text, pairs = self._compared(place.old, place.new)
            for written in pairs:
                one, other = map(followed, written)
                if self._is_same_without_references(one, other):
                    continue
                key = _key(one, other)
                child = self._places.get(key)
                if child is None:
                    child = self._places[key] = _Place(one, other)
                    waiting.append(child)
                    added.append(child)
                place.children.append(child)
                child.parents.append((place, written))
        for attribute in ("meaning", "text"):
            differing = [place for place in added if not getattr(place, attribute)]
            differing += [place for place in added if any(not getattr(child, attribute) for child in place.children)]
            while differing:
                place = differing.pop()
                setattr(place, attribute, False)
                differing += [parent for parent, _ in place.parents if getattr(parent, attribute)]
        return first

    def _compared(self, old: Subschema, new: Subschema) -> tuple[bool, bool, list[Pair]]:
        """Return whether two are equal apart from their parts, in meaning and in text, and the pairs of their parts."""
        if not isinstance(old.schema, dict) or not isinstance(new.schema, dict):
            same = old.schema is new.schema if isinstance(old.schema, bool) else False
            return same, same, []
        left, right = node_of(old), node_of(new)
        known, pairs = keywords_of(DRAFT2020), list[Pair]()
        are_alike = old.document.draft == new.document.draft and not (old.document.embedded or new.document.embedded)
        meaning, text = True, json_equal(_unknown(old), _unknown(new))
        for keyword in left.schema | right.schema:
            if keyword in DEFINITIONS:
                continue
            silent = keyword in _SILENT or not (keyword in known or keyword in REFERENCES)
            if keyword not in left.schema or keyword not in right.schema:
                text = False
                meaning = meaning and silent
                continue
            one, other = left.schema[keyword], right.schema[keyword]
            if silent:
                text = text and (keyword in ("$schema", "$id", "id") or json_equal(one, other))
            elif keyword in REFERENCES:
                found = _targets(left.target(keyword), right.target(keyword), old, new, keyword)
                meaning = meaning and found is not None
                pairs += found or []
            elif (kind := known[keyword].kind) is Kind.ASSERTION:
                same = _same_set(one, other) if keyword in _SETS else json_equal(one, other)
                if same and keyword == "format":
                    same = is_asserted(one, old.document.draft) == is_asserted(other, new.document.draft)
                meaning = meaning and same
                text = text and same
            else:
                lefts = dict(subschemas_under(keyword, one, kind))
                rights = dict(subschemas_under(keyword, other, kind))
                steps = self._matched(keyword, left, right, lefts, rights)
                if len(lefts) != len(rights) or len(steps) != len(lefts) or keyword == "dependentRequired":
                    same = json_equal(one, other)
                    meaning = meaning and same
                    text = text and same
                pairs += [
                    (left.at(*before), right.at(*after))
                    for before, after in steps
                    if not (are_alike and self._is_same_value(lefts[before], rights[after]))
                ]
        return meaning, text, pairs

    def _is_same_without_references(self, old: Subschema, new: Subschema) -> bool:
        return old.document.draft == new.document.draft and self._is_same_value(old.schema, new.schema)

    def _is_same_value(self, old: Any, new: Any) -> bool:
        """Return whether two schemas of one draft are equal and refer to nothing: all below them is equal, too."""
        if old != new:
            return False
        if isinstance(old, bool):
            return isinstance(new, bool)
        key = id(old)
        if key not in self._referring:
            self._referring[key] = refers(old)
        return not self._referring[key] and json_equal(old, new)

    def _matched(self, keyword: str, left: Any, right: Any, lefts: Any, rights: Any) -> list[tuple[Any, Any]]:
        """Return the steps to subschemas in the same place of both; in unions, to those that are written alike."""
        if keyword not in _UNIONS or json_equal(list(lefts.values()), list(rights.values())):
            return [(steps, steps) for steps in lefts if steps in rights]
        waiting: dict[Any, list[Any]] = {}
        for steps in rights:
            waiting.setdefault(self.shape(right.at(*steps)), []).append(steps)
        found, rest = [], []
        for steps in lefts:
            alike = waiting.get(self.shape(left.at(*steps)))
            if alike:
                found.append((steps, alike.pop(0)))
            else:
                rest.append(steps)
        unmatched = sorted(steps for each in waiting.values() for steps in each)
        return found + list(zip(rest, unmatched, strict=False))


def _unknown(subschema: Subschema) -> dict[str, Any]:
    """Return the members that mean nothing in the draft of the subschema."""
    known = keywords_of(subschema.document.draft)
    return {keyword: value for keyword, value in subschema.schema.items() if keyword not in known}


def _key(old: Subschema, new: Subschema) -> tuple[Any, ...]:
    # `true` is one object wherever it is written.
    return old.key, new.key, id(old.document), id(new.document)


def _targets(
    left: Subschema | None, right: Subschema | None, old: Subschema, new: Subschema, keyword: str
) -> list[Pair] | None:
    """Return the pairs that two references lead to; None where they lead to different places, or may do so."""
    if left is not None and right is not None:
        return [(left, right)]
    if left is not None or right is not None:
        return None
    lefts, rights = old.document.dynamic_targets(old, keyword), new.document.dynamic_targets(new, keyword)
    if not lefts and not rights:
        return [] if old.document.reference(old, keyword).is_same(new.document.reference(new, keyword)) else None
    return [(lefts[uri], rights[uri]) for uri in lefts] if lefts.keys() == rights.keys() else None


def _same_set(one: Any, other: Any) -> bool:
    if not isinstance(one, list) or not isinstance(other, list):
        one, other = ([each] if isinstance(each, str) else each for each in (one, other))
    if isinstance(one, list) and isinstance(other, list):
        return set(map(json_hashable, one)) == set(map(json_hashable, other))
    return json_equal(one, other)


def _shape(subschema: Subschema) -> Any:
    """Return what is written, without annotations, as a hashable value. References count by their text."""
    if not isinstance(subschema.schema, dict):
        return subschema.schema
    node, known = node_of(subschema), keywords_of(DRAFT2020)
    members: list[Any] = []
    for keyword, value in node.schema.items():
        if keyword in _SILENT or keyword in DEFINITIONS or not (keyword in known or keyword in REFERENCES):
            continue
        kind = known[keyword].kind if keyword in known else Kind.REFERENCE
        below = [(steps, _shape(node.at(keyword, *steps[1:]))) for steps, _ in subschemas_under(keyword, value, kind)]
        if below:
            members.append((keyword, tuple(sorted(below, key=lambda each: repr(each[0])))))
        elif keyword in _SETS and isinstance(value, list):
            members.append((keyword, frozenset(map(json_hashable, value))))
        else:
            members.append((keyword, json_hashable(value)))
    return frozenset(members)
