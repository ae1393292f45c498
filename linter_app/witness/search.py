"""The search for witnesses: an instance that one version accepts and the other refuses, checked by two validators."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from linter_app.changes import Change, Witness
from linter_app.compare.comparison import Comparison, SchemaPair
from linter_app.normalize.normalized import NormalizedSchema, normalize
from linter_app.patterns import sample
from linter_app.schema.circles import circular_reference
from linter_app.schema.documents import Subschema
from linter_app.schema.json_pointers import pointer, tokens_of
from linter_app.schema.json_text import MAX_DEPTH, InvalidJSON, check_depth
from linter_app.schema.validation_errors import short_reason
from linter_app.schema.validators import UNUSABLE
from linter_app.witness.assumptions import assumptions
from linter_app.witness.blame import count, pointer_of_cause, reference_to_alternative, split_by_cause
from linter_app.witness.constraints import Contradiction, Focus, Steps
from linter_app.witness.generator import InstanceGenerator
from linter_app.witness.minimizing import minimal
from linter_app.witness.overlaps import Overlap, new_overlaps

MAX_INSTANCE_CHARACTERS = 1_000_000
"""Characters of the largest instance that is checked."""
MAX_INSTANCE_VALUES = 100_000
"""Values in it: validators take long for more."""
CHECK_STEPS = 1
"""What the answer whether an instance is valid counts, in steps of the generator."""
ERROR_STEPS, CHARACTERS_PER_ERROR = 10, 4000
"""What the errors of an instance count: so many steps, and one for each of them, those of alternatives included; one
more for so many characters of the instance, which each error takes along.
"""
MAX_INSTANCE_LEVELS = 12
"""Levels of an instance that is checked with schemas that have references."""
MAX_ERRORS = 50
"""Errors of one instance that are examined."""

FRUITLESS_ATTEMPTS, FRUITLESS_STEPS = 40, 1000
"""Instances that are generated for a change, with so many steps at least, until one is accepted by one version alone:
what these do not find, more seldom do.
"""
MAX_MINIMIZING = 400
"""Smaller instances that are tried for one witness."""

OneDirection = Literal["backward", "forward"]


class Search:
    """Searches for witnesses of one comparison in one direction, for a number of steps and never by the clock."""

    def __init__(self, comparison: Comparison, direction: OneDirection, steps: Steps) -> None:
        """Compile both schemas. Raises what UNUSABLE names where that is impossible (see `open_search`)."""
        self.comparison, self.direction, self.steps = comparison, direction, steps
        documents = (comparison.old, comparison.new) if direction == "backward" else (comparison.new, comparison.old)
        self._keep, self._refuse = documents[0].root_subschema, documents[1].root_subschema
        self._assumptions = list(assumptions(*documents))
        self._assumed = self._assumptions[0]
        self._names = (
            sorted(comparison.names)[:50]
            + sorted(set(_names(comparison.old.root)) | set(_names(comparison.new.root)))[:200]
        )

    def witness(self, change: Change | None, share: int, tries: int, *, straight: bool = False) -> Witness | None:
        """Return a witness for a change (see `_witness`), under the least assumption with which one is found."""
        for assumed in self._assumptions:
            self._assumed = assumed
            found = self._witness(change, share // len(self._assumptions), tries, straight)
            if found is not None:
                return replace(found, error=f"{found.error}{assumed.words}")
        return None

    def _witness(self, change: Change | None, share: int, tries: int, straight: bool) -> Witness | None:
        """Return a witness for a change (for any change: None), or None where none was found in its share of steps.

        An instance that is refused because of this very change is preferred to one that is refused for another reason,
        and one that is refused for nothing else is preferred most. With `straight`, all attempts go the shortest way to
        the change, and no other reason will do.
        """
        rng = random.Random(f"{change.rule} {change.new_pointer}" if change else "any")
        focus = _focus_on(change, self.direction, self.comparison) if change else Focus()
        focus.ignored_names = self.comparison.ignored_names[self.direction]
        if change is None:
            focus.ignored_names = {**self.comparison.tried_names[self.direction], **focus.ignored_names}
        focus.known_names = self.comparison.known_names
        focus.ignored_items = self.comparison.ignored_items[self.direction]
        focus.is_same = self.comparison.equality.is_written_same
        overlaps = new_overlaps(change, self.direction) if change else []
        until, enough = max(self.steps.left - share, 0), self.steps.left - FRUITLESS_STEPS
        mixed, found, last, separates = None, None, tries, False
        for attempt in range(tries):
            if attempt > last or (attempt and self.steps.left <= until):
                break
            if not separates and attempt >= FRUITLESS_ATTEMPTS and self.steps.left <= enough:
                break
            aim = _aimed_at(rng.choice(overlaps), focus) if overlaps else focus
            generator = InstanceGenerator(rng, aim, self._names, self.steps, straight=straight or attempt % 2 == 0)
            try:
                instance = generator.value([self._keep], [self._refuse])
            except (*UNUSABLE, Contradiction):
                continue
            if not self._is_checkable(instance) or not self._separates(instance):
                continue
            separates = True
            small, own, others = self._smallest(instance, change, focus.violated)
            if (own and others and mixed is not None) or (not own and (straight or found is not None)):
                continue  # there is one like it, or it will not do
            if not self._is_confirmed(small):
                continue
            witness = Witness(small, self.direction, _reason(own or others))
            if own and not others:
                return witness
            if own:
                mixed, last = witness, min(last, attempt + 20)
            else:
                found, last = witness, min(last, attempt + 40)
        return mixed or found

    def _is_checkable(self, instance: Any) -> bool:
        """Return whether validators finish with the instance quickly."""
        deep = MAX_INSTANCE_LEVELS if self.comparison.old.refers or self.comparison.new.refers else MAX_DEPTH
        try:
            check_depth(instance, deep)
        except InvalidJSON:
            return False
        return size(instance) <= MAX_INSTANCE_CHARACTERS and _count(instance) <= MAX_INSTANCE_VALUES

    def _errors(self, instance: Any, change: Change | None, towards: frozenset[int]) -> tuple[list[Any], list[Any]]:
        """Return why the instance is rejected: for this change, and for other reasons.

        `towards` are the schemas that lead to the change.
        """
        validator = self._assumed.validators[0][1]
        reference = reference_to_alternative(instance, self._refuse, self.comparison, towards)
        errors: list[Any] = []
        with suppress(*UNUSABLE):  # it may be a definition that is not there
            errors = validator.errors(instance, MAX_ERRORS, reference) if reference else []
        errors = errors or validator.errors(instance, MAX_ERRORS)
        self.steps.take(ERROR_STEPS + count(errors) * (1 + size(instance) // CHARACTERS_PER_ERROR))
        if change is None:
            return errors, []
        return split_by_cause(errors, change, new=self.direction == "backward")

    def _separates(self, instance: Any) -> bool:
        self.steps.take(CHECK_STEPS)
        try:
            return all(one.accepts(instance) and not other.accepts(instance) for one, other in self._assumed.validators)
        except UNUSABLE:
            return False

    def _is_confirmed(self, instance: Any) -> bool:
        return all(
            one.agrees(instance, True) and other.agrees(instance, False) for one, other in self._assumed.validators
        )

    def _smallest(
        self, instance: Any, change: Change | None, towards: frozenset[int]
    ) -> tuple[Any, list[Any], list[Any]]:
        """Return an instance that is as small as possible, and why it is rejected: for the change, and otherwise."""
        left = Steps(MAX_MINIMIZING)

        def separates(value: Any) -> bool:
            left.take(1)
            return left.left > 0 and self.steps.left > 0 and self._separates(value)

        # Making errors takes long, and a smaller instance is mostly rejected for the same reason, or for fewer.
        smallest = minimal(instance, separates)
        reasons, rest = self._errors(smallest, change, towards)
        if reasons and not rest:
            return smallest, reasons, rest
        own, others = self._errors(instance, change, towards)
        if not own or (reasons and len(rest) <= len(others)):
            return smallest, reasons, rest

        best = instance, own, others

        def has_cause(value: Any) -> bool:
            nonlocal best
            found = self._errors(value, change, towards)
            if found[0] and len(found[1]) <= len(others):
                best = value, *found
            return best[0] is value

        minimal(instance, lambda value: separates(value) and has_cause(value))
        return best


def _reason(errors: list[Any]) -> str:
    """Return the first error on one line."""
    for error in errors:
        at = pointer(error.instance_path)
        return short_reason(error) + (f" (at {at})" if at else "")
    return ""


def open_search(comparison: Comparison, direction: OneDirection, steps: Steps) -> Search | None:
    """Return a search, or None where validators cannot decide: unavailable or circular references."""
    if circular_reference(comparison.old) or circular_reference(comparison.new):
        return None
    try:
        return Search(comparison, direction, steps)
    except UNUSABLE:
        return None


def _focus_on(change: Change, direction: OneDirection, comparison: Comparison) -> Focus:
    violated: set[int] = set()
    satisfied: set[int] = set()
    pair: SchemaPair | None = change.pair
    if pair is not None and pair.old.conjunction and pair.new.conjunction:
        roots = comparison.old.root_subschema, comparison.new.root_subschema
        closed = comparison.closed[direction]
        way = comparison.equality.way(pair.old.conjunction[0], pair.new.conjunction[0], roots, closed)
        for old, new in way:
            one, other = (old, new) if direction == "backward" else (new, old)
            violated |= _schema_ids(normalize((other,)))
            satisfied |= _schema_ids(normalize((one,)))
        if way:  # the way by which the comparison came there may be much longer
            accepting, refusing = (pair.old, pair.new) if direction == "backward" else (pair.new, pair.old)
            violated |= _schema_ids(refusing)
            satisfied |= _schema_ids(accepting)
            pair = None
    while pair is not None:
        accepting, refusing = (pair.old, pair.new) if direction == "backward" else (pair.new, pair.old)
        kept, broken = pair.written if direction == "backward" else pair.written[::-1]
        violated |= _schema_ids(refusing) | {each.key for each in broken}
        satisfied |= _schema_ids(accepting) | {each.key for each in kept}
        pair = pair.parent
    at = pointer_of_cause(change, new=direction == "backward")
    is_at_place = at == ((change.new_pointer if direction == "backward" else change.old_pointer) or "")
    places = zip(
        change.places, (satisfied, violated) if direction == "backward" else (violated, satisfied), strict=True
    )
    for place, found in places if is_at_place else ():
        if isinstance(place, Subschema):
            found |= _schema_ids(normalize((place,)))
    detail = change.new if direction == "backward" else change.old
    name = detail if isinstance(detail, str) and change.rule in _ABOUT_NAMES else None
    document = comparison.new if direction == "backward" else comparison.old
    pointed = frozenset(_ids_along(document.root, at))
    keyword = at.rpartition("/")[2] or None
    return Focus(frozenset(violated), frozenset(satisfied), pointed, keyword, name=name)


def _aimed_at(overlap: Overlap, focus: Focus) -> Focus:
    satisfied = focus.satisfied | _schema_ids(normalize((overlap.accepting,)))
    violated = focus.violated.union(*(_schema_ids(normalize((each,))) for each in overlap.refusing))
    return replace(focus, satisfied=satisfied, violated=violated, together=overlap.together)


def _ids_along(root: Any, pointer: str) -> Iterator[int]:
    """Yield the `id` of each value that a JSON Pointer leads through, as far as it leads anywhere."""
    value = root
    for token in tokens_of(pointer):
        yield id(value)
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return


_ABOUT_NAMES = ("property-added", "property-removed")


def _schema_ids(normalized: NormalizedSchema) -> set[int]:
    found = {id(node.subschema.schema) for node in normalized.nodes} | {id(node.schema) for node in normalized.nodes}
    return found | {subschema.key for subschema in normalized.conjunction if isinstance(subschema.schema, dict)}


def _names(root: Any) -> Iterator[str]:
    """Yield the names of properties in a schema."""
    waiting = [root]
    count = 0
    while waiting and count < 300:
        item = waiting.pop()
        if isinstance(item, dict):
            for keyword in ("properties", "dependentSchemas", "dependentRequired", "dependencies"):
                if isinstance(item.get(keyword), dict):
                    yield from item[keyword]
                    count += len(item[keyword])
            if isinstance(item.get("patternProperties"), dict):
                texts = (sample(pattern, random.Random(pattern)) for pattern in item["patternProperties"])
                yield from filter(None, texts)
            if isinstance(item.get("required"), list):
                yield from (name for name in item["required"] if isinstance(name, str))
            waiting.extend(child for child in item.values() if isinstance(child, (dict, list)))
        elif isinstance(item, list):
            waiting.extend(child for child in item if isinstance(child, (dict, list)))


def _count(value: Any) -> int:
    count, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        count += 1
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return count


def size(value: Any) -> int:
    """Return the length of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False))
