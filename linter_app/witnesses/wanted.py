"""What one value must satisfy, gathered from schemas that it shall obey and schemas that it shall break."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from linter_app.documents import Source
from linter_app.json_text import identity
from linter_app.parts import ALL_TYPES, Part, type_of
from linter_app.patterns import matches

NUMERIC = ("number", "integer")
COUNTED = {"Length": "string", "Items": "array", "Properties": "object"}


class Contradiction(Exception):
    """This draw leads nowhere."""


@dataclass
class Aim:
    """Where a draw is steered to, by the `id` of schemas, and the keyword to break there."""

    way: frozenset[int] = frozenset()
    """Places to break, on the way to what shall be broken."""
    kept: frozenset[int] = frozenset()
    """Places to obey on that way, which tell the alternatives to choose."""
    keyword: str | None = None
    # Names that an instance must not use in an object judged by this schema (by `id`).
    holes: dict[int, set[tuple[str, bool]]] = field(default_factory=dict)


@dataclass
class Wanted:
    """The demands on one value; parts in 2020-12 terms."""

    parts: list[Part] = field(default_factory=list)
    types: frozenset[str] = ALL_TYPES
    values: list[Any] | None = None
    excluded: set[Hashable] = field(default_factory=set)
    """The `identity` of each value that is refused."""
    # Limits of numbers, each with whether it is exclusive.
    lower: list[tuple[Any, bool]] = field(default_factory=list)
    upper: list[tuple[Any, bool]] = field(default_factory=list)
    multiples: list[Any] = field(default_factory=list)
    not_multiples: list[Any] = field(default_factory=list)
    # Limits of lengths and counts, by what is counted.
    least: dict[str, int] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    not_patterns: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    not_formats: list[str] = field(default_factory=list)
    repeated: bool = False
    unique: bool = False
    required: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    # What is to be broken within: by a member of a name, the item at an index, or every item.
    members: list[tuple[str, Source]] = field(default_factory=list)
    items: list[tuple[int, Source]] = field(default_factory=list)
    every_item: list[Source] = field(default_factory=list)
    contained: list[tuple[Source, int]] = field(default_factory=list)
    asked: set[tuple[int, str]] = field(default_factory=set)

    def at_least(self, what: str, count: Any) -> None:
        """Ask for that many of what is counted (`Length`, `Items`, `Properties`)."""
        self.least[what] = max(self.least.get(what, 0), math.ceil(count))

    def at_most(self, what: str, count: Any) -> None:
        """Allow that many of what is counted."""
        self.most[what] = min(self.most.get(what, math.inf), math.floor(count))

    def only(self, *types: str) -> None:
        """Rule out all other types."""
        self.types &= frozenset(types)

    def range(self, what: str) -> tuple[int, float]:
        """The least and the most of what is counted."""
        return self.least.get(what, 0), self.most.get(what, math.inf)

    def fits(self, value: Any) -> bool:
        """Whether a value meets the demands, as far as can be told without looking into it."""
        kind = type_of(value)
        if kind not in self.types or (self.excluded and identity(value) in self.excluded):
            return False
        if kind == "string":
            return self.string_fits(value)
        if kind in NUMERIC:
            return self.number_fits(value)
        return not (kind == "object" and self.forbidden & value.keys())

    def string_fits(self, text: str) -> bool:
        """Whether length and patterns are met."""
        least, most = self.range("Length")
        return (
            least <= len(text) <= most
            and all(matches(regex, text) is not False for regex in self.patterns)
            and not any(matches(regex, text) for regex in self.not_patterns)
        )

    def number_fits(self, value: Any) -> bool:
        """Whether limits and multiples are met."""
        return (
            all(value > limit if exclusive else value >= limit for limit, exclusive in self.lower)
            and all(value < limit if exclusive else value <= limit for limit, exclusive in self.upper)
            and all(Fraction(str(value)) % Fraction(str(each)) == 0 for each in self.multiples)
            and not any(Fraction(str(value)) % Fraction(str(each)) == 0 for each in self.not_multiples)
            and ("number" in self.types or value == int(value))
        )
