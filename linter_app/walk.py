"""The walk: both schemas side by side, yielding facts. Pure; never fetches anything."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from linter_app.change import SIDES, Change, Direction, NotInTime, direction_of
from linter_app.documents import Document, Source, references_in, refers
from linter_app.rules import comparisons
from linter_app.rules.catalogue import Rule, mirrored, rule
from linter_app.views import Conjunction, Group, View, alike
from linter_app.weighing import weigh

MAX_PLACES = 200_000
MAX_DEPTH = 30
"""How deep the walk goes before it comes back later, with less on the stack."""
MOST_TOLD = 2_000_000
"""Characters of all facts together: below long names, a place takes more to name than to write."""
MAX_SILENT_DEPTH = 50
"""How deep it goes to see whether two places differ, before it says that it cannot tell."""

UNDECIDED = rule(
    "undecided",
    "both",
    "The schemas differ in a way whose meaning the linter cannot tell.",
    {"$ref": "https://example.com/a"},
    {"$ref": "https://example.com/b"},
)
REFUSED, ACCEPTED = mirrored(
    ("schema-refuses-all", "schema-accepts-some"),
    ("No value is accepted here any more.", "Values are accepted here where none was."),
    True,
    False,
)

BOTH = SIDES["both"]
Pair = tuple[tuple[int, ...], tuple[int, ...], bool]
"""Both places, and whether open objects are strict."""
Location = str | Source | None


@dataclass(eq=False)
class Walk:
    """The state of one comparison: the facts so far, and what has been compared already."""

    old: Document
    new: Document
    strict_open_objects: bool
    deadline: float
    """When to give up, as `time.monotonic` tells it."""
    in_time: bool = False
    """Whether to raise NotInTime then, rather than to leave the rest undecided."""
    changes: list[Change] = field(default_factory=list)
    # Pairs of places under comparison or done: a recursive schema meets itself and stops.
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    # Pairs that stand too deep to be compared at once, with the place above them and the directions in question.
    later: list[tuple[Conjunction, Conjunction, Place | None, frozenset[str]]] = field(default_factory=list)
    # Names of properties on which something turns, for whoever looks for witnesses.
    names: set[str] = field(default_factory=set)
    # Names that an open object of the accepting schema says nothing about and the other describes.
    holes: dict[str, dict[int, set[tuple[str, bool]]]] = field(default_factory=lambda: {"backward": {}, "forward": {}})
    untold: frozenset[str] = frozenset()
    """The directions that facts break for which there was no room."""
    places: int = 0
    _told: int = 0
    _spent: bool = False
    _views: dict[tuple[tuple[int, int], ...], View] = field(default_factory=dict)
    _known_sides: dict[Pair, frozenset[str]] = field(default_factory=dict)
    # Pairs whose sides are being found: how deep each is, and the lowest that was taken for granted.
    _active: dict[Pair, int] = field(default_factory=dict)
    _granted: int = 1 << 30

    def view(self, conjunction: Conjunction) -> View:
        """The conjunction, read; once for those that are met again and again."""
        # With the document: both schemas may be built of shared parts, whose references lead to different places.
        key = tuple((id(source.document), source.key) for source in conjunction)
        if any(isinstance(source.schema, bool) for source in conjunction):
            return View(conjunction)  # `true` is the same wherever it stands
        if key not in self._views:
            self._views[key] = View(conjunction)
        return self._views[key]

    def exhausted(self) -> bool:
        """Whether the budget of this walk is spent."""
        self.places += 1
        self._spent = self._spent or self.places > MAX_PLACES or time.monotonic() > self.deadline
        if self._spent and self.in_time:
            raise NotInTime
        return self._spent

    def alike(self, old: Conjunction, new: Conjunction) -> bool:
        """Whether both say the same in the same words of one dialect, with references that mean the same."""
        return (
            len(old) == len(new)
            and all(
                one.document.draft == other.document.draft and alike(one.schema, other.schema)
                for one, other in zip(old, new, strict=True)
            )
            and (self.same_targets or not any(refers(one.schema) for one in old))
        )

    @cached_property
    def same_targets(self) -> bool:
        """Whether equal references in both documents surely mean the same: all lead into equal definitions."""
        if not self.old.refers and not self.new.refers:
            return True
        old, new = self.old.root, self.new.root
        if not isinstance(old, dict) or not isinstance(new, dict) or self.old.draft != self.new.draft:
            return False
        if not all(alike(old.get(word), new.get(word)) for word in ("$id", "id", "$defs", "definitions")):
            return False
        return all(_leads_to_definitions(word, target) for root in (old, new) for word, target in references_in(root))

    def sides(self, old: Conjunction, new: Conjunction, depth: int, *, exactly: bool = False) -> frozenset[str]:
        """In which directions something may break between two places, without stating facts.

        An empty answer is a proof of equal meaning. It rests on induction: where a pair meets itself,
        it is taken to be equal, so that what was found on that ground is kept only if the ground holds.
        With `exactly`, open objects are strict: below a negation, what nobody speaks of is not accepted but refused.
        """
        strict = self.strict_open_objects
        if exactly and not strict:
            self.strict_open_objects = True
            try:
                return self.sides(old, new, depth)
            finally:
                self.strict_open_objects = strict
        pair = *_pair(old, new), strict
        if pair in self._known_sides:
            return self._known_sides[pair]
        if pair in self._active:
            self._granted = min(self._granted, self._active[pair])
            return frozenset()
        depth = depth if self._active else 0
        before, level = self._granted, len(self._active)
        kept, self.changes = self.changes, []
        seen, self.seen = self.seen, set[tuple[Any, ...]]()
        self._active[pair], self._granted = level, 1 << 30
        try:
            with suppress(_Enough):
                compare(self, old, new, None, depth)
            found = frozenset[str]().union(*(change.sides for change in self.changes))
            if found or self._granted >= level:
                self._known_sides[pair] = found
        finally:
            del self._active[pair]
            self.changes, self.seen = kept, seen
            self._granted = min(before, self._granted) if self._granted < level else before
        return found


class _Enough(Exception):
    """Both directions break, and nobody asked for more than that."""


@dataclass(eq=False)
class Place:
    """One pair of places in both schemas, read, and where facts about it are stated."""

    walk: Walk
    old: View
    new: View
    parent: Place | None
    depth: int
    open_sides: frozenset[str] = BOTH
    """The directions in which something here may break at all."""
    differing: tuple[list[Group], list[Group]] = ((), ())  # type: ignore[assignment]  # empty, not written to
    """The groups of alternatives that are not the same on both sides."""
    uncertain: frozenset[str] = frozenset()
    """The directions in which nothing is certain, for something unknown holds here too."""
    explained: frozenset[str] = frozenset()
    """The directions that facts break which were stated where this was met before."""
    _first: int = 0

    def __post_init__(self) -> None:
        self._first = len(self.walk.changes)

    @property
    def unclear(self) -> bool:
        """Whether it hangs on the instance what is asked of some items or properties here."""
        return self.old.unclear_evaluation or self.new.unclear_evaluation

    @property
    def strict_open_objects(self) -> bool:
        return self.walk.strict_open_objects

    @cached_property
    def shared_types(self) -> frozenset[str]:
        return self.old.types & self.new.types

    def reported_sides(self) -> frozenset[str]:
        """The directions that the facts stated from here on break."""
        return frozenset[str]().union(*(change.sides for change in self.walk.changes[self._first :]))

    def report(
        self,
        rule: Rule,
        message: str,
        old_at: Location,
        new_at: Location,
        old: Any = None,
        new: Any = None,
        *,
        direction: Direction | None = None,
        decided: bool = True,
    ) -> None:
        """State one fact. `old_at` and `new_at` name a keyword here, or a place; None where there is none."""
        if self.walk.in_time:
            self.walk.exhausted()  # one place can have many facts
        sides = SIDES.get(direction or rule.direction) or frozenset({direction or rule.direction}) - {"none"}
        if self.walk._active and sides & self.open_sides == BOTH:
            self.walk.changes.append(Change(rule.id, None, None, "both", message))
            raise _Enough
        if self.walk._told > MOST_TOLD:
            self.walk.untold |= sides & self.open_sides
            return
        change = Change(
            rule.id,
            self._pointer(self.old, old_at, "old"),
            self._pointer(self.new, new_at, "new"),
            direction_of(sides & self.open_sides),
            message,
            old,
            new,
            decided and not self.unclear and not sides & self.open_sides & self.uncertain,
            rule.level,
            place=None if self.walk.in_time else self,  # where there is no time, no witness is looked for
        )
        self.walk._told += change.characters
        self.walk.changes.append(change)

    def undecided(self, message: str, old_at: Location, new_at: Location) -> None:
        """State that something differs whose meaning cannot be told."""
        self.report(UNDECIDED, message, old_at, new_at, decided=False)

    def sides(self, old: Conjunction, new: Conjunction, *, exactly: bool = False) -> frozenset[str]:
        """In which directions something may break between these two; `exactly` where they stand below a negation."""
        return self.walk.sides(old, new, self.depth + 1, exactly=exactly)

    def descend(self, old: Conjunction, new: Conjunction, sides: frozenset[str] = BOTH) -> None:
        """Compare what is found below; `sides` says in which directions it can break at all."""
        if not self.walk._active:
            compare(self.walk, old, new, self, self.depth + 1, self.open_sides & sides)
        elif found := self.walk.sides(old, new, self.depth + 1) & self.open_sides & sides:
            self.report(UNDECIDED, "", None, None, direction=direction_of(found))

    def where(self, keyword: str) -> tuple[str | None, str | None]:
        """The keyword, on each side where it stands."""
        return keyword if keyword in self.old.keywords else None, keyword if keyword in self.new.keywords else None

    def hole(self, side: str, name: str, *, pattern: bool = False) -> None:
        """Leave a name out of account that the accepting schema's open object says nothing about."""
        view = self.old if side == "backward" else self.new
        for part in view.parts:
            self.walk.holes[side].setdefault(id(part.source.schema), set()).add((name, pattern))

    def _pointer(self, view: View, at: Location, side: str) -> str | None:
        if self.walk._active or at is None:
            return None
        if isinstance(at, Source):
            return at.pointer
        for _, part in view.found(at):
            return part.source.document.pointer(part.path(at))
        return self._base(side)

    def _base(self, side: str) -> str:
        """The pointer of this place, or of the nearest above that is written."""
        conjunction = getattr(self, side).conjunction
        if conjunction:
            return str(conjunction[0].pointer)
        return self.parent._base(side) if self.parent else ""


def _pair(old: Conjunction, new: Conjunction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(source.key for source in old), tuple(source.key for source in new)


def compare(
    walk: Walk, old: Conjunction, new: Conjunction, parent: Place | None, depth: int, sides: frozenset[str] = BOTH
) -> None:
    """Compare two places and all below them, stating facts in `walk.changes`."""
    key = (*_pair(old, new), sides)
    if key in walk.seen or walk.alike(old, new):
        return
    walk.seen.add(key)
    place = Place(walk, walk.view(old), walk.view(new), parent, depth, sides)
    if depth > MAX_DEPTH and not walk._active:
        walk.seen.remove(key)
        walk.later.append((old, new, parent, sides))
        return
    if depth > MAX_SILENT_DEPTH or walk.exhausted():
        place.undecided("the schemas are too deep or too large to compare", "", "")
        return
    unknown = {side for side, view in (("backward", place.old), ("forward", place.new)) if view.unresolved}
    place.uncertain = frozenset(unknown) | (parent.uncertain if parent else frozenset())
    if not place.old.types or not place.new.types:
        if place.old.types:
            place.report(REFUSED, "no value is accepted here any more", "", "")
        elif place.new.types:
            place.report(ACCEPTED, "values are accepted here where none was", "", "")
        return
    _compare_unresolved(place)
    if place.unclear:
        place.undecided("what unevaluated items or properties are hangs on the instance", "", "")
    weigh(place)
    keywords = place.old.keywords | place.new.keywords
    if walk.in_time and "pattern" in keywords:
        raise NotInTime  # what patterns mean is found out by automata
    for about, compare_keywords in comparisons():
        if about is None or not about.isdisjoint(keywords):
            compare_keywords(place)


def _compare_unresolved(place: Place) -> None:
    """Equal references without a target mean the same, unless they lead to places that differ, as the instance is."""
    old, new = place.old.unresolved, place.new.unresolved
    if differing := old.keys() ^ new.keys():
        names = ", ".join(sorted({reference for reference, *_ in differing}))
        place.undecided(f"a reference leads to a schema that is not known here: {names}", "$ref", "$ref")
        return
    for (reference, *uris), ways in old.items():
        changed = [uri for uri in uris if place.sides((ways[uri],), (new[reference, *uris][uri],))]
        if changed:
            keyword = next(word for word in ("$dynamicRef", "$recursiveRef") if word in place.old.keywords)
            message = f"{reference} leads to one schema or another as the instance is; changed are {', '.join(changed)}"
            place.undecided(message, keyword, keyword)


def _leads_to_definitions(keyword: str, reference: Any) -> bool:
    """Whether a reference leads into the definitions, or out of the document, where equal means equal."""
    if keyword != "$ref" or not isinstance(reference, str):
        return False
    return not reference.startswith("#") or reference.startswith(("#/$defs/", "#/definitions/"))
