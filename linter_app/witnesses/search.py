"""The search for witnesses: an instance that one schema accepts and the other refuses, shown by two validators."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from linter_app.change import Change, Witness
from linter_app.effort import LEVELS, bearable
from linter_app.json_text import MAX_DEPTH, InvalidJSON, check_depth, pointer
from linter_app.patterns import sample
from linter_app.views import View
from linter_app.walk import Place, Walk
from linter_app.witnesses.draw import Draw
from linter_app.witnesses.errors import reason_of
from linter_app.witnesses.judge import UNUSABLE, Judge
from linter_app.witnesses.wanted import Aim, Contradiction

MAX_SIZE = 30_000
"""Characters of the largest instance that is looked at: nobody reads more, and validators take their time."""
MOST_ERRORS = 50
"""Of one instance that are looked at."""

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

        One that is refused for this very fact is preferred to one that is refused for another, and most of all one
        that is refused for nothing else.
        """
        dice = random.Random(f"{change.rule} {change.new_pointer}" if change else "any")
        aim = _aim(change, self.side) if change else Aim()
        aim.holes = self.walk.holes[self.side]
        until = min(until, self.deadline)
        mixed, found, last = None, None, tries
        for attempt in range(tries):
            if attempt > last or (attempt and time.monotonic() > until):
                break
            try:
                instance = Draw(dice, aim, self._names, until).value([self._keep], [self._refuse])
            except (*UNUSABLE, Contradiction):
                continue
            if not self._fit_to_judge(instance) or not self._parts(instance):
                continue
            own, others = self._errors(instance, change)
            if own and not others:
                return self._shown(instance, change, until) or found or mixed
            if own and mixed is None:
                mixed, last = self._shown(instance, change, until), min(last, attempt + 20)
            elif not own and found is None:
                found, last = self._shown(instance, None, until), min(last, attempt + 40)
        return mixed or found

    def _fit_to_judge(self, instance: Any) -> bool:
        """Whether validators will be done with the instance in moments."""
        deep = LEVELS if self.walk.old.refers or self.walk.new.refers else MAX_DEPTH
        try:
            check_depth(instance, deep)
        except InvalidJSON:
            return False
        return size(instance) <= MAX_SIZE

    def _errors(self, instance: Any, change: Change | None) -> tuple[list[Any], list[Any]]:
        """Why the instance is refused: for this fact, as far as the last steps of its pointer tell, and for others."""
        errors = self.refusing.errors(instance, MOST_ERRORS)
        if change is None:
            return errors, []
        at = (change.new_pointer if self.side == "backward" else change.old_pointer) or ""
        steps = at.split("/")[-2:]
        detail = change.new if self.side == "backward" else change.old

        def is_own(error: Any) -> bool:
            path = [str(step).replace("~", "~0").replace("/", "~1") for step in error.schema_path]
            placed = path[-len(steps) :] == steps or steps[-1] in path[-2:]
            return placed and (steps[-1] != "required" or f'"{detail}"' in error.message)

        own = [error for error in errors if is_own(error)]
        return own, [error for error in errors if not is_own(error)]

    def _parts(self, instance: Any) -> bool:
        try:
            return self.accepting.accepts(instance) and not self.refusing.accepts(instance)
        except UNUSABLE:
            return False

    def _proven(self, instance: Any) -> bool:
        return self.accepting.agrees(instance, True) and self.refusing.agrees(instance, False)

    def _shown(self, instance: Any, change: Change | None, until: float) -> Witness | None:
        """The instance, made as small as it can be and shown by both validators."""
        most = len(self._errors(instance, change)[1])

        def holds(value: Any) -> bool:
            if time.monotonic() > until or not self._parts(value):
                return False
            own, others = self._errors(value, change)
            return (change is None or bool(own)) and len(others) <= most

        for value in (_minimal(instance, holds), instance):
            if self._proven(value):
                return Witness(value, self.side, _told(self._errors(value, change)[0]))
        return None


def _told(errors: list[Any]) -> str:
    """The first error in one line."""
    for error in errors:
        place = pointer(error.instance_path)
        return reason_of(error) + (f" (at {place})" if place else "")
    return ""


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


def _minimal(instance: Any, holds: Callable[[Any], bool]) -> Any:
    """A smaller instance for which `holds` is still true: nothing more can be left out of it."""
    before = None
    while instance != before:
        before, instance = instance, _smaller(instance, holds)
    return instance


def _smaller(value: Any, holds: Callable[[Any], bool]) -> Any:
    """The value, with as much left out of it as one look over its members finds."""
    if isinstance(value, dict):
        for name in list(value):
            less = {key: member for key, member in value.items() if key != name}
            value = less if holds(less) else value
        for name in value:
            value = {**value, name: _smaller(value[name], _within(value, name, holds))}
    elif isinstance(value, list):
        for index in reversed(range(len(value))):
            fewer = value[:index] + value[index + 1 :]
            value = fewer if holds(fewer) else value
        for index in range(len(value)):
            item = _smaller(value[index], _within(value, index, holds))
            value = [*value[:index], item, *value[index + 1 :]]
    elif isinstance(value, str):
        step = len(value)
        while step:
            if step <= len(value) and holds(value[: len(value) - step]):
                value = value[: len(value) - step]
            else:
                step //= 2
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value not in (0, 1):
        value = next((simple for simple in (0, 1) if holds(simple)), value)
    return value


def _within(whole: Any, at: Any, holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether it holds with another member in this place."""
    if isinstance(whole, dict):
        return lambda member: holds({**whole, at: member})
    return lambda item: holds([*whole[:at], item, *whole[at + 1 :]])


def size(value: Any) -> int:
    """How much there is to read in a value."""
    return len(json.dumps(value, ensure_ascii=False))
