"""Which alternatives of an old and a new union are versions of one: equal, tagged alike, of the same kind, or similar.

Time is nearly linear in the number of alternatives; only what no tag, name or type distinguishes is compared with each
other, and of that no more than MAX_SIMILAR.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from linter_app.compare.equality import Equality
from linter_app.normalize.disjointness import disjoint
from linter_app.normalize.normalized import NormalizedSchema, normalize
from linter_app.patterns import literal
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_equal, json_hashable
from linter_app.schema.json_types import reduced

MAX_SIMILAR = 30
"""Alternatives of each side that are compared with each other by their similarity."""
LIKE = 0.5
"""The similarity from which on two alternatives count as versions of one."""


@dataclass(eq=False)
class Pairing:
    """Alternatives in pairs, and those that only one version has."""

    equal: list[tuple[Subschema, Subschema]] = field(default_factory=list)
    """Those that mean the same."""
    certain: list[tuple[Subschema, Subschema]] = field(default_factory=list)
    """Those that a tag, a name or a type shows to be versions of one."""
    similar: list[tuple[Subschema, Subschema]] = field(default_factory=list)
    renamed: list[tuple[Subschema, Subschema]] = field(default_factory=list)
    """Those that differ in their tag, and are similar otherwise."""
    removed: list[Subschema] = field(default_factory=list)
    added: list[Subschema] = field(default_factory=list)
    exclusive: bool = False
    """Whether tags show that no value satisfies two alternatives of one side."""

    @property
    def pairs(self) -> list[tuple[Subschema, Subschema]]:
        return self.equal + self.differing

    @property
    def differing(self) -> list[tuple[Subschema, Subschema]]:
        """The pairs that do not mean the same."""
        return self.certain + self.similar + self.renamed


class Tags:
    """The tags of a union: a property that each alternative requires with one value of its own (a discriminator)."""

    def __init__(self, branches: list[Subschema]) -> None:
        self.name: str | None = None
        self.values: dict[int, Any] = {}
        """By the key of the alternative."""
        found: list[dict[str, Any]] = []
        for branch in branches:
            wanted = found[0].keys() if found else None
            found.append(_constants(normalize((branch,)), wanted))
            if not found[-1]:
                return
        for name in found[0] if found else ():
            if all(name in each for each in found):
                values = [json_hashable(each[name]) for each in found]
                if len(set(values)) == len(values):
                    self.name = name
                    self.values = {branch.key: each[name] for branch, each in zip(branches, found, strict=True)}
                    return


def _constants(normalized: NormalizedSchema, wanted: Any) -> dict[str, Any]:
    """Return the required properties of an object that have one value, each with that value."""
    constants: dict[str, Any] = {}
    if normalized.types != {"object"}:
        return constants
    required = normalized.names[0]
    for name in required if wanted is None else [each for each in wanted if each in required]:
        values = _listed(normalized, name)
        if values is not None and len(values) == 1 and isinstance(values[0], (str, int, float, bool)):
            constants[name] = values[0]
    return constants


def _listed(normalized: NormalizedSchema, name: str) -> list[Any] | None:
    """Return the listed values of a property, or the one that all alternatives list; None where there are none."""
    values = normalized.normalized_property(name).listed
    for group in normalized.groups if values is None else ():
        listed = [normalize((branch,)).normalized_property(name).listed for branch in group.branches]
        if all(json_equal(each, listed[0]) for each in listed):
            return listed[0]
    return values


def label(normalized: NormalizedSchema) -> tuple[str, str] | None:
    """Return the first required property whose string can only be one, by a pattern such as `^Deploy@1$`, and it.

    Other types may still pass the pattern, so that it shows which alternatives are versions of one, and no more.
    """
    for name in sorted(normalized.required):
        for subschema in normalized.property(name):
            pattern = subschema.schema.get("pattern") if isinstance(subschema.schema, dict) else None
            text = literal(pattern) if isinstance(pattern, str) else None
            if text is not None:
                return name, text
    return None


def _are_apart(one: tuple[str, str] | None, other: tuple[str, str] | None) -> bool:
    """Return whether two labels name the same property and other strings."""
    return one is not None and other is not None and one[0] == other[0] and one[1] != other[1]


def pair_alternatives(olds: list[Subschema], news: list[Subschema], equality: Equality) -> Pairing:
    """Return the alternatives of two unions in pairs."""
    pairing = Pairing()
    before, after = _pair_equal(pairing, olds, news, equality)
    tags = Tags(olds), Tags(news)
    pairing.exclusive = tags[0].name is not None and tags[0].name == tags[1].name
    if pairing.exclusive:
        before, after = _pair_by(
            pairing.certain,
            before,
            after,
            lambda branch: json_hashable((tags[0].values | tags[1].values)[branch.key]),
        )
    before, after = _pair_by(pairing.certain, before, after, lambda branch: _reference(branch, pairing.exclusive))
    before, after = _pair_by(pairing.certain, before, after, lambda branch: label(normalize((branch,))))
    for key in (_kind, _required):
        found: list[tuple[Subschema, Subschema]] = []
        _pair_by(found, before, after, lambda branch, key=key: key(normalize((branch,))))  # type: ignore[misc]
        found = [
            (one, other)
            for one, other in found
            if not _are_apart(label(normalize((one,))), label(normalize((other,))))
            and not disjoint(normalize((one,)), normalize((other,)), {})
        ]
        pairing.certain += found
        paired = {id(branch) for pair in found for branch in pair}
        before, after = ([each for each in side if id(each) not in paired] for side in (before, after))
    before, after = _pair_similar(pairing, before, after)
    pairing.removed, pairing.added = before, after
    return pairing


def _pair_equal(
    pairing: Pairing, olds: list[Subschema], news: list[Subschema], equality: Equality
) -> tuple[list[Subschema], list[Subschema]]:
    """Pair what means the same, in whatever order; return the rest."""
    waiting: dict[Any, list[Subschema]] = {}
    for branch in news:
        waiting.setdefault(equality.shape(branch), []).append(branch)
    before: list[Subschema] = []
    for branch in olds:
        alike = waiting.get(equality.shape(branch), [])
        equal = next((other for other in alike if equality.same_meaning(branch, other)), None)
        if equal is None:
            before.append(branch)
        else:
            alike.remove(equal)
            pairing.equal.append((branch, equal))
    paired = {id(other) for _, other in pairing.equal}
    return before, [branch for branch in news if id(branch) not in paired]


def _pair_by(
    pairs: list[tuple[Subschema, Subschema]],
    olds: list[Subschema],
    news: list[Subschema],
    key: Callable[[Subschema], Hashable | None],
) -> tuple[list[Subschema], list[Subschema]]:
    """Pair what has the same key, if it is the only one of its side that has it; return the rest."""
    if not olds or not news:
        return olds, news
    sides: list[dict[Hashable, list[Subschema]]] = [{}, {}]
    for side, branches in zip(sides, (olds, news), strict=True):
        for branch in branches:
            if (found := key(branch)) is not None:
                side.setdefault(found, []).append(branch)
    for found, ones in sides[0].items():
        others = sides[1].get(found, ())
        if len(ones) == len(others) == 1:
            pairs.append((ones[0], others[0]))
    paired = {id(branch) for pair in pairs for branch in pair}
    return [each for each in olds if id(each) not in paired], [each for each in news if id(each) not in paired]


def _reference(branch: Subschema, tagged: bool) -> Hashable | None:
    if tagged or not isinstance(branch.schema, dict):
        return None
    reference = branch.schema.get("$ref")
    return reference if isinstance(reference, str) else None


def _kind(normalized: NormalizedSchema) -> Hashable | None:
    types = reduced(normalized.types)
    return next(iter(types)) if len(types) == 1 else None


def _required(normalized: NormalizedSchema) -> Hashable | None:
    return frozenset(normalized.required) or None


def _pair_similar(
    pairing: Pairing, olds: list[Subschema], news: list[Subschema]
) -> tuple[list[Subschema], list[Subschema]]:
    scored = [
        (-likeness(one.schema, other.schema), first, second, one, other)
        for first, one in enumerate(olds[:MAX_SIMILAR])
        for second, other in enumerate(news[:MAX_SIMILAR])
    ]
    taken: set[int] = set()
    for score, _, _, one, other in sorted(scored, key=lambda each: each[:3]):
        if {id(one), id(other)} & taken:
            continue
        labels = label(normalize((one,))), label(normalize((other,)))
        apart = _are_apart(*labels) or disjoint(normalize((one,)), normalize((other,)), {})
        is_only = len(olds) == len(news) == 1
        if apart and pairing.exclusive and score <= -LIKE:
            pairing.renamed.append((one, other))
        elif not apart and (score <= -LIKE or is_only):
            pairing.similar.append((one, other))
        else:
            continue
        taken |= {id(one), id(other)}
    return [each for each in olds if id(each) not in taken], [each for each in news if id(each) not in taken]


def likeness(old: object, new: object) -> float:
    """Return how similar two schemas are written, from 0 to about 1."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 0.0
    if "$ref" in old and old.get("$ref") == new.get("$ref"):
        return 1.0
    words = [
        {f"{key}={value}" if isinstance(value, (str, int)) else key for key, value in schema.items()}
        | {f"properties/{name}={value!s:.80}" for name, value in dict(schema.get("properties") or {}).items()}
        for schema in (old, new)
    ]
    bonus = 0.4 if isinstance(old.get("type"), str) and old["type"] == new.get("type") else 0.0
    return bonus + len(words[0] & words[1]) / (len(words[0] | words[1]) or 1)


def shown(branch: Subschema, tags: Tags) -> str:
    """Return what names an alternative in a message: its tag, its reference, its title or its type."""
    if branch.key in tags.values:
        return f" {tags.values[branch.key]!r}"
    schema = branch.schema
    if not isinstance(schema, dict):
        return ""
    if named := label(normalize((branch,))):
        return f" {named[1]!r}"
    if isinstance(schema.get("$ref"), str):
        return f" {schema['$ref'].rpartition('/')[2]!r}"
    if isinstance(schema.get("title"), str):
        return f" {schema['title']!r}"
    return f" {schema['type']!r}" if schema.keys() == {"type"} and isinstance(schema["type"], str) else ""
