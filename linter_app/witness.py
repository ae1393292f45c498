"""The search for witnesses: an instance that one schema accepts and the other refuses, shown by two validators."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import jsonschema
import jsonschema_rs
import referencing.exceptions
import regex
from jsonschema import FormatChecker, validators
from jsonschema_specifications import REGISTRY
from referencing import Resource

from linter_app import dialects
from linter_app.change import Change, Witness
from linter_app.diff import Place, Walk
from linter_app.instances import Aim, Contradiction, Draw, size
from linter_app.patterns import sample

Side = Literal["backward", "forward"]
_UNUSABLE = (ValueError, RecursionError, OverflowError, TimeoutError, TypeError, jsonschema_rs.ReferencingError)


class Judge:
    """One schema as two independent validators see it. Formats count as assertions."""

    def __init__(self, schema: Any, resources: Mapping[str, Any]) -> None:
        self.schema = schema
        self._resources = resources
        self._draft = dialects.guessed_draft_of(schema)
        registry = jsonschema_rs.Registry(list(resources.items())) if resources else None
        draft = {} if isinstance(schema, dict) and "$schema" in schema else {"draft": self._draft}
        classes = {4: "Draft4", 6: "Draft6", 7: "Draft7", 19: "Draft201909", 20: "Draft202012"}
        make = getattr(jsonschema_rs, f"{classes[self._draft]}Validator") if draft else jsonschema_rs.validator_for
        self._quick = make(
            schema,
            validate_formats=True,
            registry=registry,
            retriever=_refuse,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000),
        )
        self._slow: Any = None

    def accepts(self, instance: Any) -> bool:
        """What the quicker validator (jsonschema-rs) says."""
        return bool(self._quick.is_valid(instance))

    def agrees(self, instance: Any, accepted: bool) -> bool:
        """Whether the other validator (jsonschema) says the same."""
        if self._slow is None:
            self._slow = self._independent()
        try:
            return bool(self._slow.is_valid(instance)) is accepted
        except (*_UNUSABLE, referencing.exceptions.Unresolvable, jsonschema.exceptions._WrappedReferencingError):
            return False

    def errors(self, instance: Any) -> Iterator[Any]:
        """The errors of the quicker validator."""
        return iter(self._quick.iter_errors(instance))

    def error(self, instance: Any) -> str:
        """Why the instance is refused, in one line."""
        for error in self.errors(instance):
            place = "".join(f"/{step}" for step in error.instance_path)
            text = str(error.message)
            return (text if len(text) < 300 else text[:297] + "...") + (f" (at {place})" if place else "")
        return ""

    def _independent(self) -> Any:
        base = validators.validator_for({"$schema": _URIS[self._draft]})
        limited = {"pattern": _pattern, "patternProperties": _pattern_properties}
        made = validators.extend(base, {word: check for word, check in limited.items() if word in base.VALIDATORS})
        specification = dialects.SPECIFICATIONS
        named = [
            (uri, Resource(schema, specification[dialects.guessed_draft_of(schema)]))
            for uri, schema in self._resources.items()
        ]
        return made(self.schema, registry=REGISTRY.with_resources(named), format_checker=_FORMATS)


_URIS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    19: "https://json-schema.org/draft/2019-09/schema",
    20: dialects.DEFAULT,
}
_FORMATS = FormatChecker()


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not known here")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # As jsonschema has it, but with a time limit: expressions come from strangers.
    if isinstance(instance, str) and not regex.search(pattern, instance, timeout=0.05):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name, value in instance.items():
                if regex.search(pattern, name, timeout=0.05):
                    yield from validator.descend(value, subschema, path=name, schema_path=pattern)


class Search:
    """Looks for witnesses of one comparison in one direction, until the deadline."""

    def __init__(self, walk: Walk, side: Side, deadline: float, resources: Mapping[str, Any]) -> None:
        """Raises ValueError (or the like, see `open_search`) where a schema cannot be compiled."""
        self.walk, self.side, self.deadline = walk, side, deadline
        documents = (walk.old, walk.new) if side == "backward" else (walk.new, walk.old)
        self._keep, self._refuse = documents[0].source, documents[1].source
        self.accepting, self.refusing = (Judge(document.root, resources) for document in documents)
        self._names = sorted(set(_names(walk.old.root)) | set(_names(walk.new.root)))[:200]

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
            if attempt > last or (attempt % 8 == 7 and time.monotonic() > until):
                break
            try:
                instance = Draw(dice, aim, self._names).value([self._keep], [self._refuse])
            except (*_UNUSABLE, Contradiction):
                continue
            if not self._parts(instance):
                continue
            if change is None or self._shows(instance, change):
                return self._shown(instance, change) or found
            if found is None:
                found, last = self._shown(instance, None), attempt + 40
        return found

    def _shows(self, instance: Any, change: Change) -> bool:
        """Whether the refusal names the place of this fact, as far as the last steps of its pointer tell."""
        at = (change.new_pointer if self.side == "backward" else change.old_pointer) or ""
        steps = at.split("/")[-2:]
        detail = change.new if self.side == "backward" else change.old
        for error in self.refusing.errors(instance):
            path = [str(step).replace("~", "~0").replace("/", "~1") for step in error.schema_path]
            if path[-len(steps) :] == steps or steps[-1] in path[-2:]:
                if steps[-1] != "required" or f'"{detail}"' in error.message:
                    return True
        return False

    def _parts(self, instance: Any) -> bool:
        try:
            return self.accepting.accepts(instance) and not self.refusing.accepts(instance)
        except _UNUSABLE:
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
    """A search, or None where the validators cannot be made (a reference to an unknown schema, say)."""
    try:
        return Search(walk, side, deadline, resources)
    except _UNUSABLE:
        return None


def _aim(change: Change, side: Side) -> Aim:
    way: set[int] = set()
    place: Place | None = change.place
    while place is not None:
        view = place.new if side == "backward" else place.old
        way |= {id(part.source.schema) for part in view.parts} | {id(part.schema) for part in view.parts}
        way |= {source.key for source in view.conjunction if isinstance(source.schema, dict)}
        place = place.parent
    at = change.new_pointer if side == "backward" else change.old_pointer
    return Aim(frozenset(way), (at or "").rpartition("/")[2] or None)


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
