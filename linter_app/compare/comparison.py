"""The state of one comparison, and the pairs of subschemas that it goes through. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from linter_app.changes import DIRECTIONS, Change, Direction, direction_of
from linter_app.compare.equality import Equality
from linter_app.compare.pairing import Pairing, Tags, pair_alternatives
from linter_app.compare.trials import BOTH, NONE, Exactly, Trials
from linter_app.normalize.disjointness import Known, disjoint
from linter_app.normalize.normalized import (
    Conjunction,
    Group,
    NormalizedSchema,
    OwnKeywords,
    normalize,
)
from linter_app.normalize.schema_node import followed
from linter_app.rule_catalogue import Rule, mirrored, rule
from linter_app.schema.documents import Document, Subschema

MAX_PAIRS = 60_000
"""Pairs of subschemas that one comparison visits, equal ones not counted: some seconds. No clock decides a verdict."""
MAX_DEPTH = 30
"""Levels of nested calls after which a pair is deferred, to keep the stack small."""
MAX_CHANGE_CHARACTERS = 2_000_000
"""Characters of all changes together: below long names, a pointer takes more space than the keyword it names."""
MAX_SILENT_DEPTH = 50
"""Levels that are visited to find whether two subschemas differ; beyond them the answer is undecided."""

UNDECIDED = rule(
    "undecided",
    "both",
    "The linter cannot decide whether this difference breaks anything.",
    {"$ref": "https://example.com/a"},
    {"$ref": "https://example.com/b"},
)
REFUSED, ACCEPTED = mirrored(
    ("schema-refuses-all", "schema-accepts-some"),
    ("The schema no longer accepts any value.", "The schema accepted no value before, and accepts some now."),
    True,
    False,
)

Location = str | Subschema | None
"""A keyword of a pair, or a subschema; None where that version has no such location."""
Step = tuple[frozenset[str] | None, Callable[["SchemaPair"], None]]
"""What is done with each pair: the keywords that it is about (None: any), and the function."""


@dataclass(eq=False)
class Comparison:
    """The changes found so far, and the results that are reused within one comparison."""

    old: Document
    new: Document
    strict_open_objects: bool
    steps: tuple[Step, ...]
    documentation_steps: tuple[Callable[[SchemaPair], None], ...]
    """What is done with each pair of subschemas that mean the same."""
    equality: Equality = field(default_factory=Equality)
    readers_ignore: bool = False
    """Whether readers ignore properties that they do not know, although the schema closes its objects to writers."""
    trials: Trials = field(default_factory=Trials)
    changes: list[Change] = field(default_factory=list)
    seen: dict[tuple[Any, ...], _Visit] = field(default_factory=dict)
    """The pairs that are under comparison or done: a recursive schema is visited once."""
    documented: set[tuple[int, int]] = field(default_factory=set)
    """The pairs whose annotations are compared or done."""
    closed: dict[str, set[tuple[int, int]]] = field(default_factory=lambda: {"backward": set(), "forward": set()})
    """Pairs that do not break in a direction as a whole, whatever breaks below them, by the keys of both."""
    # Pairs too deep to be compared at once, with their parent and the directions in question.
    deferred: list[tuple[Conjunction, Conjunction, SchemaPair | None, frozenset[str]]] = field(default_factory=list)
    # Property names that decide something, for the search for witnesses.
    names: set[str] = field(default_factory=set)
    known_names: set[str] = field(default_factory=set)
    """Names that a pattern of one version matches, and that both describe elsewhere: witnesses may use them."""
    # Names that an open object of the accepting schema does not describe and the other schema does.
    ignored_names: dict[str, dict[int, set[tuple[str, bool]]]] = field(
        default_factory=lambda: {"backward": {}, "forward": {}}
    )
    tried_names: dict[str, dict[int, set[tuple[str, bool]]]] = field(
        default_factory=lambda: {"backward": {}, "forward": {}}
    )
    """The same, where it was only tried whether a pair breaks: they count where no change is in question."""
    ignored_items: dict[str, dict[int, set[int]]] = field(default_factory=lambda: {"backward": {}, "forward": {}})
    omitted_directions: frozenset[str] = frozenset()
    """The directions of changes that were left out because of MAX_CHANGE_CHARACTERS."""
    labels: dict[int, tuple[str, str] | None] = field(default_factory=dict)
    """The one string that an alternative lets pass, and in which property, by the key of the alternative."""
    pairs: int = 0
    _change_characters: int = 0
    _disjoint: Known = field(default_factory=dict)
    _tags: dict[tuple[int, str], Tags] = field(default_factory=dict)
    _pairings: dict[tuple[int, int, str], Pairing] = field(default_factory=dict)

    def are_disjoint(self, one: NormalizedSchema, other: NormalizedSchema) -> bool:
        """Return whether it is shown that no value satisfies both, computed once."""
        return disjoint(one, other, self._disjoint)

    def tags(self, group: Group) -> Tags:
        """Return the tags of a union, computed once."""
        key = id(group.node.schema), group.keyword
        if key not in self._tags:
            self._tags[key] = Tags(group.branches)
        return self._tags[key]

    def pairing(self, old: Group, new: Group) -> Pairing:
        """Return the alternatives of two unions in pairs, computed once."""
        key = id(old.node.schema), id(new.node.schema), old.keyword
        if key not in self._pairings:
            self._pairings[key] = pair_alternatives(old.branches, new.branches, self.equality)
        return self._pairings[key]

    def is_exhausted(self) -> bool:
        """Count one more pair; return whether the budget is spent."""
        self.pairs += 1
        return self.pairs > MAX_PAIRS

    def is_same_text(self, old: Conjunction, new: Conjunction) -> bool:
        """Return whether both are equal as they are written, and so is what they refer to."""
        return len(old) == len(new) and all(map(self.equality.same_text, old, new))

    def is_same_meaning(self, old: Conjunction, new: Conjunction) -> bool:
        """Return whether both are equal apart from annotations and identifiers, and so is what they refer to."""
        return len(old) == len(new) and all(map(self.equality.same_meaning, old, new))

    def compare(
        self,
        old: Conjunction,
        new: Conjunction,
        parent: SchemaPair | None = None,
        depth: int = 0,
        directions: frozenset[str] = BOTH,
        *,
        around: SchemaPair | None = None,
    ) -> frozenset[str]:
        """Compare two conjunctions and all below them, and add what differs to `changes`.

        `around` is the pair of which they are alternatives: it is about the same instances. Returns the directions of
        the changes that are reported about them, here or when they were visited before.
        """
        # The same definitions are compared once, wherever a reference leads to them.
        written = old, new
        old, new = _followed(old), _followed(new)
        key = (*_pair_key(old, new), directions)
        visit = self.seen.get(key)
        if visit is not None:
            if visit.reported is not None and visit.around in (None, around):
                return visit.reported
            expected = directions & self.directions(old, new, depth)
            if visit.reported is None:  # it is under comparison, and will report them
                return expected
            if expected <= visit.reported:
                return visit.reported
            # What was around it excluded there what breaks here.
        if self.is_same_meaning(old, new):
            if not self.is_same_text(old, new):
                self._compare_documentation(old, new, parent)
            return NONE
        if depth > MAX_DEPTH:
            self.deferred.append((old, new, parent, directions))
            return directions & self.directions(old, new)
        self.seen[key] = _Visit(around, None)
        pair = SchemaPair(self, normalize(old), normalize(new), parent, depth, directions, written, around=around)
        self._compare_pair(pair)
        for direction in directions - pair.open_directions if len(old) == len(new) == 1 else ():
            self.closed[direction].add((old[0].key, new[0].key))
        reported = pair.reported_directions() | pair.reported_below
        self.seen[key] = _Visit(around, reported)
        return reported

    def _compare_pair(self, pair: SchemaPair) -> None:
        """Do all steps of the comparison with a pair that does not mean the same."""
        if pair.depth > MAX_SILENT_DEPTH or self.is_exhausted():
            pair.undecided("the schemas are too deep or too large to compare", "", "")
            return
        sides = (("backward", pair.old), ("forward", pair.new))
        unknown = frozenset(direction for direction, normalized in sides if normalized.unresolved)
        pair.uncertain = unknown | (pair.parent.uncertain if pair.parent else NONE)
        if not pair.old.types or not pair.new.types:
            if pair.old.types:
                pair.report(REFUSED, "the schema no longer accepts any value", "", "")
            elif pair.new.types:
                pair.report(ACCEPTED, "the schema accepts values and did not accept any before", "", "")
            return
        if pair.unclear:
            pair.undecided("which items or properties are unevaluated depends on the instance", "", "")
        self._take_steps(pair)
        _compare_unresolved(pair)

    def _take_steps(self, pair: SchemaPair) -> None:
        keywords, is_silent = pair.old.keywords | pair.new.keywords, self.is_silent
        for about, step in self.steps:
            if is_silent and step in self.documentation_steps:
                continue
            if about is None or not about.isdisjoint(keywords):
                step(pair)
            if pair.is_settled or (is_silent and not pair.open_directions):
                return

    def _compare_documentation(self, old: Conjunction, new: Conjunction, parent: SchemaPair | None) -> None:
        """Add what differs in the annotations of two conjunctions that mean the same, and of all below them."""
        waiting = list(zip(old, new, strict=True))
        while waiting:
            one, other = waiting.pop()
            key = one.key, other.key
            if key in self.documented or self.equality.same_text(one, other):
                continue
            self.documented.add(key)
            if isinstance(one.schema, dict):
                pair = SchemaPair(self, OwnKeywords((one,)), OwnKeywords((other,)), parent, 0, frozenset())
                for step in self.documentation_steps:
                    step(pair)
            waiting += reversed(self.equality.parts(one, other))

    def directions(
        self, old: Conjunction, new: Conjunction, depth: int = 0, *, exactly: Exactly = ""
    ) -> frozenset[str]:
        """Return the directions in which two conjunctions may break, without adding changes.

        An empty result proves that both mean the same. `exactly` says what of open objects is strict. Below a negation,
        all is: what a schema accepts less, the schema around it accepts more.
        """
        if exactly:
            with self.trials.strict(exactly):
                return self.directions(old, new, depth)
        old, new = _followed(old), _followed(new)
        depth = depth if self.is_silent else 0

        def compare() -> None:
            if not self.is_same_meaning(old, new):
                self._compare_pair(SchemaPair(self, normalize(old), normalize(new), None, depth))

        return self.trials.directions(_pair_key(old, new), compare)

    @property
    def is_silent(self) -> bool:
        """Whether only directions are computed, and no changes are added."""
        return self.trials.are_running

    def add(self, change: Change, directions: frozenset[str]) -> None:
        """Add a change, or note its directions where there is no room for more."""
        if self._change_characters > MAX_CHANGE_CHARACTERS:
            self.omitted_directions |= directions
            return
        self._change_characters += change.characters
        self.changes.append(change)


class _Visit(NamedTuple):
    """A visit of a pair: the pair around it, and the directions of the changes reported; None while it lasts."""

    around: SchemaPair | None
    reported: frozenset[str] | None


@dataclass(eq=False)
class SchemaPair:
    """Two normalized schemas under comparison, to which rules report changes."""

    comparison: Comparison
    old: NormalizedSchema
    new: NormalizedSchema
    parent: SchemaPair | None
    depth: int
    open_directions: frozenset[str] = BOTH
    """The directions in which this pair may break at all."""
    written: tuple[Conjunction, Conjunction] = ((), ())
    """Both versions as they are written at this place, which may be references."""
    differing: tuple[list[Group], list[Group]] = ((), ())  # type: ignore[assignment]  # empty, not written to
    """The groups of alternatives that are not the same in both versions."""
    same_alternatives: list[tuple[Subschema, Subschema]] = field(default_factory=list)
    """The alternatives of groups that accept the same, in pairs."""
    are_versions: bool = False
    """Whether the alternatives are versions of each other, one by one, so that they break by themselves."""
    is_settled: bool = False
    """Whether what was reported is all there is to report about the pair."""
    uncertain: frozenset[str] = frozenset()
    """The directions in which nothing is certain, because an unknown schema applies too."""
    explained: frozenset[str] = frozenset()
    """The directions in which what is reported about its alternatives says how it breaks."""
    reported_below: frozenset[str] = frozenset()
    """The directions of the changes below it, also of those that were reported for another place."""
    around: SchemaPair | None = None
    """The pair of which both are alternatives, about the same instances; None for another place of an instance."""
    _first: int = 0

    def __post_init__(self) -> None:
        self._first = len(self.comparison.changes)

    def known_around(self, name: str) -> tuple[Conjunction, Conjunction]:
        """Return what both versions say of a property around these alternatives; nothing where none describes it."""
        if self.around is None:
            return (), ()
        old, new = self.around.known_around(name)
        return (*old, *self.around.old.property(name)), (*new, *self.around.new.property(name))

    def names_around(self) -> set[str]:
        """Return the properties that are described around these alternatives."""
        if self.around is None:
            return set()
        return self.around.names_around() | self.around.old.properties.keys() | self.around.new.properties.keys()

    @property
    def unclear(self) -> bool:
        """Whether it depends on the instance which items or properties are unevaluated."""
        return self.old.unclear_evaluation or self.new.unclear_evaluation

    def is_strict(self, what: Literal["added", "removed", "patterns"]) -> bool:
        """Return whether properties of open objects count that only one version describes: those that were added or
        removed, or those with a pattern.
        """
        if self.comparison.strict_open_objects:
            return True
        lenient = {"": what, "backward": "added", "forward": "removed", "both": None}[self.comparison.trials.exactly]
        return what != lenient

    @cached_property
    def shared_types(self) -> frozenset[str]:
        return self.old.types & self.new.types

    def reported_directions(self) -> frozenset[str]:
        """Return the directions of the changes reported for this pair and below it."""
        if self.comparison.is_silent:
            return self.comparison.trials.found
        return frozenset[str]().union(*(change.directions for change in self.comparison.changes[self._first :]))

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
        """Report one change. `old_at` and `new_at` are its locations, `old` and `new` the values there."""
        breaks = DIRECTIONS.get(direction or rule.direction) or frozenset({direction or rule.direction}) - {"none"}
        breaks &= self.open_directions
        if self.comparison.is_silent:
            self.comparison.trials.note(breaks, self.open_directions)
            return
        change = Change(
            rule.id,
            self._pointer(self.old, old_at, "old"),
            self._pointer(self.new, new_at, "new"),
            direction_of(breaks),
            message,
            old,
            new,
            decided and not self.unclear and not breaks & self.uncertain,
            rule.level,
            pair=self,
            places=(old_at, new_at),
        )
        self.comparison.add(change, breaks)

    def undecided(self, message: str, old_at: Location, new_at: Location, direction: Direction = "both") -> None:
        """Report a difference whose meaning cannot be decided."""
        self.report(UNDECIDED, message, old_at, new_at, direction=direction, decided=False)

    def pairing(self, old: Group, new: Group) -> Pairing:
        """Return the alternatives of two unions in pairs."""
        return self.comparison.pairing(old, new)

    def directions(self, old: Conjunction, new: Conjunction, *, exactly: Exactly = "") -> frozenset[str]:
        """Return the directions in which two conjunctions break; `exactly` is "both" below a negation."""
        return self.comparison.directions(old, new, self.depth + 1, exactly=exactly)

    def descend(
        self, old: Conjunction, new: Conjunction, directions: frozenset[str] = BOTH, *, here: bool = False
    ) -> frozenset[str]:
        """Compare two conjunctions below this pair; `directions` are those in which they can break at all.

        `here` says that they are alternatives, or conditions, for the same instances. Returns the directions in which
        something is reported about them.
        """
        directions &= self.open_directions
        if not self.comparison.is_silent:
            around = self if here else None
            found = self.comparison.compare(old, new, self, self.depth + 1, directions, around=around)
            self.reported_below |= found
            return found
        found = self.comparison.directions(old, new, self.depth + 1) & directions if directions else NONE
        if found:
            self.report(UNDECIDED, "", None, None, direction=direction_of(found))
        return found

    def where(self, keyword: str) -> tuple[str | None, str | None]:
        """Return the keyword as a location in each version that has it."""
        return keyword if keyword in self.old.keywords else None, keyword if keyword in self.new.keywords else None

    def ignore_name(self, direction: str, name: str, *, pattern: bool = False) -> None:
        """Keep witnesses from using a property that the accepting schema's open object does not describe."""
        normalized = self.old if direction == "backward" else self.new
        # While alternatives are tried against each other, most of them are not versions of one.
        known = self.comparison.tried_names if self.comparison.is_silent else self.comparison.ignored_names
        for node in normalized.nodes:
            known[direction].setdefault(id(node.subschema.schema), set()).add((name, pattern))

    def ignore_item(self, direction: str, index: int) -> None:
        """Keep witnesses from using an item that the accepting schema's open tuple does not describe."""
        normalized = self.old if direction == "backward" else self.new
        for node in () if self.comparison.is_silent else normalized.nodes:
            self.comparison.ignored_items[direction].setdefault(id(node.subschema.schema), set()).add(index)

    def _pointer(self, normalized: NormalizedSchema, at: Location, version: str) -> str | None:
        if at is None:
            return None
        if isinstance(at, Subschema):
            return at.pointer
        for _, node in normalized.found(at):
            return node.subschema.document.pointer(node.path(at))
        return self.base_pointer(version)

    def base_pointer(self, version: str) -> str:
        """Return the pointer of this pair, or of the nearest ancestor that is written in this version."""
        conjunction = getattr(self, version).conjunction
        if conjunction:
            return str(conjunction[0].pointer)
        return self.parent.base_pointer(version) if self.parent else ""


def _followed(conjunction: Conjunction) -> Conjunction:
    return tuple(map(followed, conjunction))


def _pair_key(old: Conjunction, new: Conjunction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(subschema.key for subschema in old), tuple(subschema.key for subschema in new)


def _compare_unresolved(pair: SchemaPair) -> None:
    """Report references without one target, unless they are the same and so is every schema they may lead to."""
    old, new = pair.old.unresolved, pair.new.unresolved
    same = [(one, other) for one in old for other in new if one.is_same(other) and old[one].keys() == new[other].keys()]
    removed, added = old.keys() - {one for one, _ in same}, new.keys() - {other for _, other in same}
    if removed or added:
        names = ", ".join(sorted(set(map(str, removed | added))))
        # Without the reference no more is refused, unless it describes what must not be left unevaluated. Where more is
        # refused by something else, the reference may be why that does not matter.
        counts = pair.old.unevaluated or pair.new.unevaluated
        doubtful: frozenset[str] = frozenset({"forward"} if removed else ()) | frozenset({"backward"} if added else ())
        direction = "both" if counts else direction_of(doubtful | pair.reported_directions())
        message = f"a reference leads to a schema that is not available: {names}"
        pair.undecided(message, "$ref", "$ref", direction)
        return
    for one, other in same:
        changed = [uri for uri, target in old[one].items() if pair.directions((target,), (new[other][uri],))]
        if changed:
            keyword = next(word for word in ("$dynamicRef", "$recursiveRef") if word in pair.old.keywords)
            message = (
                f"{one.text} resolves to different schemas, depending on the instance; changed: {', '.join(changed)}"
            )
            pair.undecided(message, keyword, keyword)
