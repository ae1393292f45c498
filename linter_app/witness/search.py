"""The search for witnesses: an instance that one version accepts and the other refuses, checked by two validators."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from linter_app.changes import Change, Witness
from linter_app.compare.comparison import Comparison, SchemaPair
from linter_app.normalize.normalized import NormalizedSchema
from linter_app.patterns import sample
from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_text import MAX_DEPTH, InvalidJSON, check_depth
from linter_app.schema.validation_errors import short_reason
from linter_app.schema.validators import UNUSABLE, ValidatorPair
from linter_app.witness.constraints import Contradiction, Focus
from linter_app.witness.generator import InstanceGenerator

MAX_INSTANCE_CHARACTERS = 30_000
"""Characters of the largest instance that is checked: larger ones are unreadable, and validators take long for them."""
MAX_INSTANCE_LEVELS = 12
"""Levels of an instance that is checked with schemas that have references."""
MAX_ERRORS = 50
"""Errors of one instance that are examined."""

OneDirection = Literal["backward", "forward"]


class Search:
    """Searches for witnesses of one comparison in one direction, until the deadline."""

    def __init__(
        self, comparison: Comparison, direction: OneDirection, deadline: float, resources: Mapping[str, Any]
    ) -> None:
        """Compile both schemas. Raises what UNUSABLE names where that is impossible (see `open_search`)."""
        self.comparison, self.direction, self.deadline = comparison, direction, deadline
        documents = (comparison.old, comparison.new) if direction == "backward" else (comparison.new, comparison.old)
        self._keep, self._refuse = documents[0].root_subschema, documents[1].root_subschema
        self.accepting, self.refusing = (ValidatorPair(document.root, resources) for document in documents)
        self._names = (
            sorted(comparison.names)[:50]
            + sorted(set(_names(comparison.old.root)) | set(_names(comparison.new.root)))[:200]
        )

    def witness(self, change: Change | None, until: float, tries: int) -> Witness | None:
        """Return a witness for a change (for any change: None), or None where none was found in time.

        An instance that is refused because of this very change is preferred to one that is refused for another reason,
        and one that is refused for nothing else is preferred most.
        """
        rng = random.Random(f"{change.rule} {change.new_pointer}" if change else "any")
        focus = _focus_on(change, self.direction) if change else Focus()
        focus.ignored_names = self.comparison.ignored_names[self.direction]
        until = min(until, self.deadline)
        mixed, found, last = None, None, tries
        for attempt in range(tries):
            if attempt > last or (attempt and time.monotonic() > until):
                break
            try:
                instance = InstanceGenerator(rng, focus, self._names, until).value([self._keep], [self._refuse])
            except (*UNUSABLE, Contradiction):
                continue
            if not self._is_checkable(instance) or not self._separates(instance):
                continue
            own, others = self._errors(instance, change)
            if own and not others:
                return self._verified(instance, change, until) or found or mixed
            if own and mixed is None:
                mixed, last = self._verified(instance, change, until), min(last, attempt + 20)
            elif not own and found is None:
                found, last = self._verified(instance, None, until), min(last, attempt + 40)
        return mixed or found

    def _is_checkable(self, instance: Any) -> bool:
        """Return whether validators finish with the instance quickly."""
        deep = MAX_INSTANCE_LEVELS if self.comparison.old.refers or self.comparison.new.refers else MAX_DEPTH
        try:
            check_depth(instance, deep)
        except InvalidJSON:
            return False
        return size(instance) <= MAX_INSTANCE_CHARACTERS

    def _errors(self, instance: Any, change: Change | None) -> tuple[list[Any], list[Any]]:
        """Return why the instance is rejected: for this change, and for other reasons."""
        errors = self.refusing.errors(instance, MAX_ERRORS)
        if change is None:
            return errors, []
        at = (change.new_pointer if self.direction == "backward" else change.old_pointer) or ""
        steps = at.split("/")[-2:]
        detail = change.new if self.direction == "backward" else change.old

        def is_own(error: Any) -> bool:
            path = [str(step).replace("~", "~0").replace("/", "~1") for step in error.schema_path]
            placed = path[-len(steps) :] == steps or steps[-1] in path[-2:]
            return placed and (steps[-1] != "required" or f'"{detail}"' in error.message)

        own = [error for error in errors if is_own(error)]
        return own, [error for error in errors if not is_own(error)]

    def _separates(self, instance: Any) -> bool:
        try:
            return self.accepting.accepts(instance) and not self.refusing.accepts(instance)
        except UNUSABLE:
            return False

    def _is_confirmed(self, instance: Any) -> bool:
        return self.accepting.agrees(instance, True) and self.refusing.agrees(instance, False)

    def _verified(self, instance: Any, change: Change | None, until: float) -> Witness | None:
        """Return the instance, as small as possible and confirmed by both validators."""
        most = len(self._errors(instance, change)[1])

        def holds(value: Any) -> bool:
            if time.monotonic() > until or not self._separates(value):
                return False
            own, others = self._errors(value, change)
            return (change is None or bool(own)) and len(others) <= most

        for value in (_minimal(instance, holds), instance):
            if self._is_confirmed(value):
                return Witness(value, self.direction, _reason(self._errors(value, change)[0]))
        return None


def _reason(errors: list[Any]) -> str:
    """Return the first error on one line."""
    for error in errors:
        at = pointer(error.instance_path)
        return short_reason(error) + (f" (at {at})" if at else "")
    return ""


def open_search(
    comparison: Comparison, direction: OneDirection, deadline: float, resources: Mapping[str, Any]
) -> Search | None:
    """Return a search, or None where validators cannot decide: unavailable or circular references."""
    if comparison.old.circular or comparison.new.circular:
        return None
    try:
        return Search(comparison, direction, deadline, resources)
    except UNUSABLE:
        return None


def _focus_on(change: Change, direction: OneDirection) -> Focus:
    violated: set[int] = set()
    satisfied: set[int] = set()
    pair: SchemaPair | None = change.pair
    while pair is not None:
        accepting, refusing = (pair.old, pair.new) if direction == "backward" else (pair.new, pair.old)
        violated |= _schema_ids(refusing)
        satisfied |= _schema_ids(accepting)
        pair = pair.parent
    at = change.new_pointer if direction == "backward" else change.old_pointer
    return Focus(frozenset(violated), frozenset(satisfied), (at or "").rpartition("/")[2] or None)


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


def _minimal(instance: Any, holds: Callable[[Any], bool]) -> Any:
    """Return a smaller instance for which `holds` is still true, from which nothing can be removed."""
    before = None
    while instance != before:
        before, instance = instance, _smaller(instance, holds)
    return instance


def _smaller(value: Any, holds: Callable[[Any], bool]) -> Any:
    """Return the value without what one pass over its members can remove."""
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
    """Return a predicate for one member: whether `holds` with this member replaced."""
    if isinstance(whole, dict):
        return lambda member: holds({**whole, at: member})
    return lambda item: holds([*whole[:at], item, *whole[at + 1 :]])


def size(value: Any) -> int:
    """Return the length of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False))
