"""The constraints on one value, collected from schemas to satisfy and schemas to violate."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from linter_app.normalize.schema_node import SchemaNode
from linter_app.patterns import matches
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_hashable
from linter_app.schema.json_types import ALL_TYPES, type_of

NUMERIC = ("number", "integer")
COUNTED = {"Length": "string", "Items": "array", "Properties": "object"}


class Contradiction(Exception):
    """The constraints gathered so far cannot be met."""


@dataclass
class Steps:
    """A budget of steps: equal inputs use it up at the same place, whatever the machine."""

    left: int

    def take(self, count: int) -> None:
        self.left -= count


@dataclass
class Focus:
    """What an instance should violate, by the `id` of schema objects."""

    violated: frozenset[int] = frozenset()
    """The schemas of the refusing version on the way to the keyword."""
    satisfied: frozenset[int] = frozenset()
    """The schemas of the accepting version on that way, which decide between alternatives."""
    pointed: frozenset[int] = frozenset()
    """Those of the refusing version that the pointer of the keyword leads through."""
    keyword: str | None = None
    """The keyword to violate at the end of the way."""
    together: frozenset[int] = frozenset()
    """Two alternatives of the refusing version, by the `id` of their schemas, to satisfy at once."""
    # Names that an instance must not use in an object that this schema (by `id`) applies to.
    ignored_names: dict[int, set[tuple[str, bool]]] = field(default_factory=dict)
    known_names: set[str] = field(default_factory=set)
    """Names that may be used although an ignored pattern matches them."""
    ignored_items: dict[int, set[int]] = field(default_factory=dict)
    """Indexes that an instance must not have in an array that this schema (by `id`) applies to."""
    name: str | None = None
    """The property that a change is about, where its keyword is about all properties."""
    is_same: Callable[[Subschema, Subschema], bool] = lambda one, other: False
    """Whether two schemas are known to accept the same: what satisfies one does not violate the other."""


@dataclass
class Constraints:
    """The constraints on one value; nodes in 2020-12 terms."""

    nodes: list[SchemaNode] = field(default_factory=list)
    types: frozenset[str] = ALL_TYPES
    values: list[Any] | None = None
    excluded: set[Hashable] = field(default_factory=set)
    """The `json_hashable` of each value that is refused."""
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
    # Where to violate a schema: in a property, in the item at an index, or in every item.
    members: list[tuple[str, Subschema]] = field(default_factory=list)
    items: list[tuple[int, Subschema]] = field(default_factory=list)
    every_item: list[Subschema] = field(default_factory=list)
    contained: list[tuple[Subschema, int]] = field(default_factory=list)
    requested: set[tuple[int, str]] = field(default_factory=set)
    choices: list[tuple[SchemaNode, str]] = field(default_factory=list)
    """Alternatives of which one is still to be chosen: the node and the keyword."""
    conditions: list[SchemaNode] = field(default_factory=list)
    """The nodes with a condition (`if`) that is still to be decided."""

    def at_least(self, what: str, count: Any) -> None:
        """Require a minimum count (of `Length`, `Items` or `Properties`)."""
        self.least[what] = max(self.least.get(what, 0), math.ceil(count))

    def at_most(self, what: str, count: Any) -> None:
        """Allow a maximum count."""
        self.most[what] = min(self.most.get(what, math.inf), math.floor(count))

    def only(self, *types: str) -> None:
        """Exclude all other types."""
        self.types &= frozenset(types)

    def range(self, what: str) -> tuple[int, float]:
        """Return the minimum and maximum count."""
        return self.least.get(what, 0), self.most.get(what, math.inf)

    def is_meant(self, kind: str) -> bool:
        """Return whether the constraints are about values of a type: what people mean who do not write the type."""
        if kind == "string":
            return bool(
                self.patterns or self.not_patterns or self.formats or {"Length"} & (self.least | self.most).keys()
            )
        if kind == "object":
            return bool(self.required or self.members or any("properties" in node.schema for node in self.nodes))
        if kind == "array":
            return bool(self.items or self.every_item or self.contained or any("items" in n.schema for n in self.nodes))
        return kind in NUMERIC and bool(self.lower or self.upper or self.multiples or self.not_multiples)

    def fits(self, value: Any) -> bool:
        """Return whether a value meets the constraints, as far as its members do not matter."""
        kind = type_of(value)
        if kind not in self.types or (self.excluded and json_hashable(value) in self.excluded):
            return False
        if kind == "string":
            return self.string_fits(value)
        if kind in NUMERIC:
            return self.number_fits(value)
        return not (kind == "object" and self.forbidden & value.keys())

    def string_fits(self, text: str) -> bool:
        """Return whether length and patterns are met."""
        least, most = self.range("Length")
        return (
            least <= len(text) <= most
            and all(matches(regex, text) is not False for regex in self.patterns)
            and not any(matches(regex, text) for regex in self.not_patterns)
        )

    def number_fits(self, value: Any) -> bool:
        """Return whether limits and multiples are met."""
        return (
            all(value > limit if exclusive else value >= limit for limit, exclusive in self.lower)
            and all(value < limit if exclusive else value <= limit for limit, exclusive in self.upper)
            and all(Fraction(str(value)) % Fraction(str(each)) == 0 for each in self.multiples)
            and not any(Fraction(str(value)) % Fraction(str(each)) == 0 for each in self.not_multiples)
            and ("number" in self.types or value == int(value))
        )
