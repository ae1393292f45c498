"""The search for witnesses: an instance that one schema accepts and the other refuses, shown by two validators."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from linter_app.change import Change, Witness
from linter_app.effort import LEVELS, bearable
from linter_app.json_text import MAX_DEPTH, InvalidJSON, check_depth
from linter_app.patterns import sample
from linter_app.views import View
from linter_app.walk import Place, Walk
from linter_app.witnesses.draw import Draw
from linter_app.witnesses.judge import UNUSABLE, Judge
from linter_app.witnesses.wanted import Aim, Contradiction

MAX_SIZE = 30_000
"""Characters of the largest instance that is looked at: nobody reads more, and validators take their time."""

Side = Literal["backward", "forward"]


class Search:
    """Looks for witnesses of one comparison in one direction, until the deadline."""

    def __init__(self, walk: Walk, side: Side, deadline: float, resources: Mapping[str, Any]) -> None:
        """Raises ValueError (or the like, see `open_search`) where a schema cannot be compiled."""
        self.walk, self.side, self.deadline = walk, side, deadline
        documents = (walk.old, walk.new) if side == "backward" else (walk.new, walk.old)
        self._keep, self._refuse = documents[0].source, documents[1].source
        self.accepting, self.refusing = (Judge(document.root, resources) for document in documents)
        self._names = sorted(walk.names)[:50] + sorted(set(_names(walk.old.root)) | set(_names(walk.new.root)))[:200]

    def witness(self, change: Change | None, until: float, tries: int) -> Witness | None:
        """An instance for this fact (for none in particular: None), or None where none was found in time.

        One that is refused for this very fact is preferred to one that is refused for another.
        """
        dice = random.Random(f"{change.rule} {change.new_pointer}" if change else "any")
        aim = _aim(change, self.side) if change else Aim()
        aim.holes = self.walk.holes[self.side]
        until = min(until, self.deadline)
        found, last = None, tries
        for attempt in range(tries):
            if attempt > last or (attempt and time.monotonic() > until):
                break
            try:
                instance = Draw(dice, aim, self._names, until).value([self._keep], [self._refuse])
            except (*UNUSABLE, Contradiction):
                continue
            if not self._fit_to_judge(instance) or not self._parts(instance):
                continue
            if change is None or self._shows(instance, change):
                return self._shown(instance, change) or found
            if found is None:
                found, last = self._shown(instance, None), attempt + 40
        return found

    def _fit_to_judge(self, instance: Any) -> bool:
        """Whether validators will be done with the instance in moments."""
        deep = LEVELS if self.walk.old.refers or self.walk.new.refers else MAX_DEPTH
        try:
            check_depth(instance, deep)
        except InvalidJSON:
            return False
        return size(instance) <= MAX_SIZE

    def _shows(self, instance: Any, change: Change) -> bool:
        """Whether the refusal names the place of this fact, as far as the last steps of its pointer tell."""
        at = (change.new_pointer if self.side == "backward" else change.old_pointer) or ""
        steps = at.split("/")[-2:]
        detail = change.new if self.side == "backward" else change.old
        for error in self.refusing.errors(instance):
            path = [str(step).replace("~", "~0").replace("/", "~1") for step in error.schema_path]
            placed = path[-len(steps) :] == steps or steps[-1] in path[-2:]
            if placed and (steps[-1] != "required" or f'"{detail}"' in error.message):
                return True
        return False

    def _parts(self, instance: Any) -> bool:
        try:
            return self.accepting.accepts(instance) and not self.refusing.accepts(instance)
        except UNUSABLE:
            return False

    def _proven(self, instance: Any) -> bool:
        return self.accepting.agrees(instance, True) and self.refusing.agrees(instance, False)

    def _shown(self, instance: Any, change: Change | None) -> Witness | None:
        """The instance, made as small as it can be and shown by both validators."""

        def holds(value: Any) -> bool:
            return self._parts(value) and (change is None or self._shows(value, change))

        for value in (_minimal(instance, holds, self.deadline), instance):
            if self._proven(value):
                return Witness(value, self.side, self.refusing.error(value))
        return None


def open_search(walk: Walk, side: Side, deadline: float, resources: Mapping[str, Any]) -> Search | None:
    """A search, or None where validators cannot judge: references to unknown schemas, in a circle, or without end."""
    if walk.old.circular or walk.new.circular or not (bearable(walk.old) and bearable(walk.new)):
        return None
    try:
        return Search(walk, side, deadline, resources)
    except UNUSABLE:
        return None


def _aim(change: Change, side: Side) -> Aim:
    way: set[int] = set()
    kept: set[int] = set()
    place: Place | None = change.place
    while place is not None:
        accepting, refusing = (place.old, place.new) if side == "backward" else (place.new, place.old)
        way |= _places(refusing)
        kept |= _places(accepting)
        place = place.parent
    at = change.new_pointer if side == "backward" else change.old_pointer
    return Aim(frozenset(way), frozenset(kept), (at or "").rpartition("/")[2] or None)


def _places(view: View) -> set[int]:
    found = {id(part.source.schema) for part in view.parts} | {id(part.schema) for part in view.parts}
    return found | {source.key for source in view.conjunction if isinstance(source.schema, dict)}


def _names(root: Any) -> Iterator[str]:
    """The names of properties that a schema speaks of."""
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


def _minimal(instance: Any, holds: Callable[[Any], bool], deadline: float) -> Any:
    """A smaller instance for which `holds` is still true: nothing more can be left out of it."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(instance):
            if time.monotonic() > deadline:
                return instance
            if size(candidate) < size(instance) and holds(candidate):
                instance, smaller = candidate, True
                break
    return instance


def size(value: Any) -> int:
    """How much there is to read in a value."""
    return len(json.dumps(value, ensure_ascii=False))


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in value:
            yield {key: member for key, member in value.items() if key != name}
        for name, member in value.items():
            for less in _smaller(member):
                yield {**value, name: less}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, item in enumerate(value):
            for less in _smaller(item):
                yield [*value[:index], less, *value[index + 1 :]]
    elif isinstance(value, str) and value:
        yield ""
        if len(value) > 3:
            yield value[: len(value) // 2]
        yield value[:-1]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from (0, 1)
