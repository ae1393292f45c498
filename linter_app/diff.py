"""The walk: both schemas side by side, through `$ref`, yielding facts. Pure; never fetches anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from linter_app.change import Change, Direction
from linter_app.json_text import pointer, same
from linter_app.rules import bounds, objects, values
from linter_app.rules.catalogue import Rule, rule

MAX_PLACES = 100_000
MAX_DEPTH = 100

UNDECIDED = rule("undecided", "both", "The schemas differ in a way whose meaning the linter cannot tell.")
REFUSED = rule("schema-refuses-all", "backward", "No value is accepted here any more.")
ACCEPTED = rule("schema-accepts-some", "forward", "Values are accepted here where none was.")

# Keywords that say nothing about which instances are valid (JSON Schema Core 8, Validation 9).
ANNOTATIONS = frozenset(
    {"$schema", "$id", "id", "$comment", "$anchor", "$defs", "definitions", "$vocabulary"}
    | {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"contentEncoding", "contentMediaType", "contentSchema"}
)
# Assertions and applicators without rules of their own: equal on both sides, or the place is undecided.
# Any other keyword is an annotation (JSON Schema Core 6.5).
_WHOLE = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef"}
    | {"$dynamicAnchor", "$recursiveAnchor", "contains", "minContains", "maxContains", "propertyNames"}
    | {"dependencies", "dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"}
)

Path = tuple[str | int, ...]


def _local(root: Any, reference: str) -> tuple[Any, Path] | None:
    """The target of a `#/...` reference within `root`; None where it is elsewhere."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    target: Any = root
    path: list[str | int] = []
    for token in reference[2:].split("/") if len(reference) > 1 else []:
        token = unquote(token).replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and token in target:
            target = target[token]
            path.append(token)
        elif isinstance(target, list) and token.isdigit() and int(token) < len(target):
            target = target[int(token)]
            path.append(int(token))
        else:
            return None
    return target, tuple(path)


@dataclass
class Walk:
    """The state of one comparison: both roots, the facts so far, and what has been compared already."""

    old_root: Any
    new_root: Any
    strict_open_objects: bool
    changes: list[Change] = field(default_factory=list)
    # Pairs of places under comparison or done: a recursive schema meets itself and stops.
    seen: set[tuple[Path, Path]] = field(default_factory=set)

    @cached_property
    def same_targets(self) -> bool:
        return _same_targets(self.old_root, self.new_root)


@dataclass
class Place:
    """One pair of subschemas (objects, references followed) and where they stand."""

    walk: Walk
    old: dict[str, Any]
    new: dict[str, Any]
    old_path: Path
    new_path: Path
    depth: int

    @property
    def strict_open_objects(self) -> bool:
        return self.walk.strict_open_objects

    def report(
        self,
        rule: Rule,
        message: str,
        old_at: str | Path | None,
        new_at: str | Path | None,
        old: Any = None,
        new: Any = None,
        *,
        direction: Direction | None = None,
        decided: bool = True,
    ) -> None:
        """State one fact; `old_at` and `new_at` are places below this one, None where absent there."""
        self.walk.changes.append(
            Change(
                rule.id,
                _pointer(self.old_path, old_at, self.old),
                _pointer(self.new_path, new_at, self.new),
                direction or rule.direction,
                message,
                old,
                new,
                decided,
            )
        )

    def undecided(self, message: str, old_at: str | Path | None, new_at: str | Path | None) -> None:
        """State that something differs whose meaning cannot be told."""
        self.report(UNDECIDED, message, old_at, new_at, decided=False)

    def descend(self, old: Any, new: Any, old_at: str | Path, new_at: str | Path) -> None:
        """Compare two subschemas found at these places."""
        old_path, new_path = self.old_path + _path(old_at), self.new_path + _path(new_at)
        _compare(self.walk, old, new, old_path, new_path, self.depth + 1)


def _path(at: str | Path) -> Path:
    return (at,) if isinstance(at, str) else at


def _pointer(base: Path, at: str | Path | None, schema: Any) -> str | None:
    if at is None:
        return None
    path = _path(at)
    if len(path) == 1 and isinstance(schema, dict) and path[0] not in schema:
        return pointer(base)  # the keyword is absent on this side: its schema is the place
    return pointer(base + path)


def diff(old: Any, new: Any, *, strict_open_objects: bool = False) -> tuple[Change, ...]:
    """All facts about the step from `old` to `new` (parsed, valid JSON Schemas)."""
    walk = Walk(old, new, strict_open_objects)
    _compare(walk, old, new, (), (), 0)
    return tuple(walk.changes)


def too_deep(reason: str) -> Change:
    """The one fact about schemas that are too deep to walk."""
    return Change(UNDECIDED.id, "", "", "both", reason, decided=False)


def _follow(root: Any, schema: Any, path: Path) -> tuple[Any, Path]:
    """Follow local references that stand alone (annotations beside them do not matter)."""
    for _ in range(50):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            break
        if not (schema.keys() - ANNOTATIONS) <= {"$ref"}:
            break
        found = _local(root, schema["$ref"])
        if found is None:
            break
        schema, path = found
    return schema, path


def _compare(walk: Walk, old: Any, new: Any, old_path: Path, new_path: Path, depth: int) -> None:
    old, old_path = _follow(walk.old_root, old, old_path)
    new, new_path = _follow(walk.new_root, new, new_path)
    if (old_path, new_path) in walk.seen:
        return
    walk.seen.add((old_path, new_path))
    if old in (True, {}) and new in (True, {}):
        return
    old_place = {} if old is True else old
    new_place = {} if new is True else new
    if old is False or new is False:
        place = Place(walk, {}, {}, old_path, new_path, depth)
        if old is not False:
            place.report(REFUSED, "no value is accepted here any more", (), ())
        elif new is not False:
            place.report(ACCEPTED, "values are accepted here where none was", (), ())
        return
    if not isinstance(old_place, dict) or not isinstance(new_place, dict):
        return
    place = Place(walk, old_place, new_place, old_path, new_path, depth)
    if depth > MAX_DEPTH or len(walk.seen) > MAX_PLACES:
        place.undecided("the schemas are too deep or too large to compare", (), ())
        return
    values.compare(place)
    bounds.compare(place)
    common = values.types_of(old_place) & values.types_of(new_place)
    if "object" in common:
        objects.compare(place)
    if "array" in common:
        _items(place)
    _others(place)


def _items(place: Place) -> None:
    old, new = place.old, place.new
    positional = ("prefixItems", "additionalItems")
    if any(isinstance(schema.get("items"), list) or "prefixItems" in schema for schema in (old, new)):
        _same_or_undecided(place, ("items", *positional))
        return
    place.descend(old.get("items", True), new.get("items", True), "items", "items")


def _others(place: Place) -> None:
    _same_or_undecided(place, sorted((place.old.keys() | place.new.keys()) & _WHOLE))


def _same_or_undecided(place: Place, keywords: Any) -> None:
    for keyword in keywords:
        old, new = place.old.get(keyword, _ABSENT), place.new.get(keyword, _ABSENT)
        if old is _ABSENT and new is _ABSENT:
            continue
        if old is _ABSENT or new is _ABSENT or not same(old, new) or (_refers(old) and not place.walk.same_targets):
            at_old = None if old is _ABSENT else keyword
            at_new = None if new is _ABSENT else keyword
            place.undecided(f"{keyword} differs, and its meaning cannot be compared yet", at_old, at_new)


_ABSENT = object()


def _refers(value: Any) -> bool:
    """Whether `value` holds a reference, so that equal texts may mean different things."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and value is item:
            return True  # the value of $ref itself
        if isinstance(item, dict):
            if not _REFERENCES.isdisjoint(item):
                return True
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


def _references(root: Any) -> Iterator[Any]:
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from (item[keyword] for keyword in _REFERENCES & item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _same_targets(old: Any, new: Any) -> bool:
    """Whether equal references in both documents surely mean the same: all lead into equal definitions."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    if not all(same(old.get(keyword), new.get(keyword)) for keyword in ("$id", "id", "$defs", "definitions")):
        return False
    return all(_leads_to_definitions(reference) for root in (old, new) for reference in _references(root))


def _leads_to_definitions(reference: Any) -> bool:
    """Whether a reference leads into the definitions, or out of the document, where equal means equal."""
    if not isinstance(reference, str):
        return False
    return not reference.startswith("#") or reference.startswith(("#/$defs/", "#/definitions/"))
