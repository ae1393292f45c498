"""The sets of strings that schemas accept, as patterns and lengths, and whether one contains another.

Alternatives and negations are written out (De Morgan), so that `not`, `anyOf`, `pattern` and the lengths are compared
whatever form they have. What cannot be expressed so is not decided.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

from linter_app.normalize.normalized import NormalizedSchema, normalize
from linter_app.normalize.schema_node import SchemaNode
from linter_app.patterns import literal, matches, shortest
from linter_app.schema.documents import Subschema
from linter_app.schema.formats import FORMATS, is_asserted

MAX_CLAUSES = 64
MAX_EXCLUDED = 4
"""Listed strings that are excluded by patterns of their own, where patterns are compared."""


class Strings(NamedTuple):
    """The strings that match some patterns and no others, within lengths; and have formats, which say more.

    Of listed ones (`values`), or all without some (`excluded`).
    """

    matching: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    least: float = 0
    most: float = math.inf
    formats: frozenset[str] = frozenset()
    values: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    def is_empty(self) -> bool:
        """Return whether it is proven that there is no such string."""
        if self.least > self.most:
            return True
        if self.values is not None:
            return not any(self._may_have(value) for value in self.values - self.excluded)
        if not self.matching and not self.failing:
            return bool(self.excluded) and self.most == 0 and "" in self.excluded
        failing = self.failing
        if len(self.excluded) <= MAX_EXCLUDED:
            failing |= set(map(_exactly, self.excluded))
        return shortest(self.matching, failing, int(self.least), self.most) == (None, True)

    def _may_have(self, value: str) -> bool:
        return (
            self.least <= len(value) <= self.most
            and all(matches(pattern, value) is not False for pattern in self.matching)
            and not any(matches(pattern, value) for pattern in self.failing)
        )

    def both(self, other: Strings) -> Strings:
        """Return the strings of both sets."""
        return Strings(
            self.matching | other.matching,
            self.failing | other.failing,
            max(self.least, other.least),
            min(self.most, other.most),
            self.formats | other.formats,
            other.values
            if self.values is None
            else self.values & other.values
            if other.values is not None
            else self.values,
            self.excluded | other.excluded,
        )

    def others(self) -> list[Strings] | None:
        """Return the strings that are not in it; None where that is not expressible."""
        if self.formats:
            return None
        found = [Strings(failing=frozenset({each})) for each in self.matching]
        found += [Strings(excluded=self.values)] if self.values is not None else []
        found += [Strings(values=self.excluded)] if self.excluded else []
        found += [Strings(matching=frozenset({each})) for each in self.failing]
        found += [Strings(most=self.least - 1)] if self.least > 0 else []
        return found + ([Strings(least=self.most + 1)] if self.most < math.inf else [])


def strings_of(normalized: NormalizedSchema, levels: int = 6) -> list[Strings] | None:
    """Return the sets that together are the strings that a schema accepts; None where that is not expressible."""
    if "string" not in normalized.types:
        return []
    if normalized.unresolved or not levels:
        return None
    found: list[Strings] | None = [Strings()]
    for node in normalized.nodes:
        found = _product(found, _strings_of_node(node, levels))
    return found


def possible_names(normalized: NormalizedSchema) -> frozenset[str] | None:
    """Return the names that properties can have, where they are listed or the object is closed; None otherwise."""
    schemas, allowed = normalized.subschemas("propertyNames"), normalized.allowed
    if not schemas:
        return None if allowed is None else frozenset(allowed)
    names: set[str] = set()
    for each in strings_of(normalize(schemas)) or [Strings()]:
        if each.values is None or each != Strings(values=each.values):
            return None
        names |= each.values
    return frozenset(names if allowed is None else names & allowed)


def _product(one: list[Strings] | None, other: list[Strings] | None) -> list[Strings] | None:
    if one is None or other is None or len(one) * len(other) > MAX_CLAUSES:
        return None
    return [each.both(another) for each, another in product(one, other)]


def _strings_of_node(node: SchemaNode, levels: int) -> list[Strings] | None:
    """Return the strings that one object of the schema accepts, found once."""
    document, purpose = node.subschema.document, ("strings", levels)
    kept: tuple[list[Strings] | None] | None = document.kept(node.schema, purpose)
    if kept is None:
        kept = document.keep(node.schema, purpose, (_strings_of_keywords(node, levels),))
    return kept[0]


def _strings_of_keywords(node: SchemaNode, levels: int) -> list[Strings] | None:
    schema = node.schema
    if "if" in schema and ("then" in schema or "else" in schema):
        return None
    asserted = str(schema.get("format", ""))
    is_known = is_asserted(asserted, node.subschema.document.draft)
    text = literal(schema["pattern"]) if "pattern" in schema else None
    found: list[Strings] | None = [
        Strings(
            frozenset({schema["pattern"]}) if "pattern" in schema and text is None else frozenset(),
            frozenset(),
            max(schema.get("minLength", 0), FORMATS[asserted].shortest if is_known else 0),
            min(schema.get("maxLength", math.inf), FORMATS[asserted].longest if is_known else math.inf),
            frozenset({asserted}) if is_known else frozenset(),
            None if text is None else frozenset({text}),
        )
    ]
    if "enum" in schema or "const" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        found = _product(found, [Strings(values=frozenset(each for each in values if isinstance(each, str)))])
    if "not" in schema:
        found = _product(found, _negated(node.at("not"), levels - 1))
    for keyword in ("anyOf", "oneOf"):
        if len(schema.get(keyword, ())) > 1:
            branches = [node.at(keyword, index) for index in range(len(schema[keyword]))]
            found = _product(found, _union(branches, levels - 1, exclusive=keyword == "oneOf"))
    return found


def _union(branches: list[Subschema], levels: int, *, exclusive: bool) -> list[Strings] | None:
    """Return the strings of any of these alternatives; of `oneOf`, where no string satisfies two of them."""
    listed: list[frozenset[str]] = []
    others: list[list[Strings]] = []
    for branch in branches:
        found = strings_of(normalize((branch,)), levels)
        if found is None or len(others) > MAX_CLAUSES:
            return None
        if all(each.values is not None and each == Strings(values=each.values) for each in found):
            listed.append(frozenset[str]().union(*(each.values or () for each in found)))
        else:
            others.append(found)
    values = frozenset[str]().union(*listed)
    sets = [[Strings(values=values)]] if values else []
    sets += others
    if exclusive and (len(values) < sum(map(len, listed)) or _overlap(sets)):
        return None
    return [one for each in sets for one in each]


def _overlap(sets: list[list[Strings]]) -> bool:
    return any(
        not one.both(other).is_empty()
        for index, first in enumerate(sets)
        for second in sets[:index]
        for one, other in product(first, second)
    )


def _negated(subschema: Subschema, levels: int) -> list[Strings] | None:
    inner = strings_of(normalize((subschema,)), levels)
    if inner is None:
        return None
    found = [Strings()]
    for each in inner:
        others = each.others()
        if others is None or len(found) * len(others) > MAX_CLAUSES:
            return None
        found = [one.both(other) for one, other in product(found, others)]
    return found


def are_included(narrower: list[Strings], wider: list[Strings]) -> bool:
    """Return whether it is proven that every string of the narrower sets is in one of the wider ones."""
    for one in narrower:
        left = [one]
        for other in wider:
            implied = {name for known in one.formats for name in (known, *FORMATS[known].implies)}
            without = other._replace(formats=other.formats - implied)
            others = without.others()
            if others is None:
                continue
            if len(left) * len(others) > MAX_CLAUSES:
                return False
            left = [each.both(rest) for each, rest in product(left, others)]
            left = [each for each in left if not each.is_empty()]
        if left:
            return False
    return True


def _exactly(text: str) -> str:
    return "^" + "".join(f"\\u{{{ord(character):x}}}" for character in text) + "$"
