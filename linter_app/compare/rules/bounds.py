"""Bounds: every keyword that limits a number, length or count (JSON Schema Validation 6.2 to 6.5)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import NormalizedSchema
from linter_app.patterns import shortest
from linter_app.rule_catalogue import Rule, mirrored

_NUMBERS = frozenset({"number", "integer"})
# Each bound: the types and the property of values that it limits, and a JSON type for the example.
_LIMITED: dict[str, tuple[frozenset[str], str, str]] = {
    "minimum": (_NUMBERS, "a lower limit of numbers", "integer"),
    "maximum": (_NUMBERS, "an upper limit of numbers", "integer"),
    "minLength": (frozenset({"string"}), "a lower limit of the length of strings", "string"),
    "maxLength": (frozenset({"string"}), "an upper limit of the length of strings", "string"),
    "minItems": (frozenset({"array"}), "a lower limit of the number of items", "array"),
    "maxItems": (frozenset({"array"}), "an upper limit of the number of items", "array"),
    "minProperties": (frozenset({"object"}), "a lower limit of the number of properties", "object"),
    "maxProperties": (frozenset({"object"}), "an upper limit of the number of properties", "object"),
}
KEYWORDS = frozenset({*_LIMITED, "exclusiveMinimum", "exclusiveMaximum"})


def _family(keyword: str) -> dict[str, Rule]:
    _, what, kind = _LIMITED[keyword]
    subject = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in keyword)
    stricter, looser, limits = ("increased", "decreased", (2, 5))
    if keyword.startswith("max"):
        stricter, looser, limits = looser, stricter, limits[::-1]
    without, loose, strict = {"type": kind}, {"type": kind, keyword: limits[0]}, {"type": kind, keyword: limits[1]}
    added, removed = mirrored(
        (f"{subject}-added", f"{subject}-removed"),
        (f"{keyword}, {what}, was added.", f"{keyword}, {what}, was removed."),
        without,
        strict,
    )
    tighter, wider = mirrored(
        (f"{subject}-{stricter}", f"{subject}-{looser}"),
        (f"{keyword}, {what}, became stricter.", f"{keyword}, {what}, became looser."),
        loose,
        strict,
    )
    return {"added": added, "removed": removed, "stricter": tighter, "looser": wider}


_RULES = {keyword: _family(keyword) for keyword in _LIMITED}


class Bound(NamedTuple):
    """A limit, and how it is written."""

    limit: Any
    exclusive: bool
    keyword: str
    written: Any


def bound(normalized: NormalizedSchema, keyword: str) -> Bound | None:
    """Return the tightest bound of a schema; None where there is none, or one that constrains nothing."""
    lower = keyword.startswith("min")
    found = [Bound(value, False, keyword, value) for value, _ in normalized.found(keyword)]
    if keyword in ("minimum", "maximum"):
        exclusive = "exclusive" + keyword.capitalize()
        found += [Bound(value, True, exclusive, value) for value, _ in normalized.found(exclusive)]
        if normalized.divisor:
            found = [_on_lattice(each, normalized.divisor, lower) for each in found]
    elif lower:
        found = [each for each in found if each.limit > 0]
    if not found:
        return None
    return max(found, key=lambda each: (each.limit if lower else -each.limit, each.exclusive))


def _on_lattice(bound: Bound, divisor: Fraction, lower: bool) -> Bound:
    """Return the bound as the last multiple of the divisor within it: for integers, above 0 is from 1."""
    steps = Fraction(str(bound.limit)) / divisor
    if lower:
        last = math.floor(steps) + 1 if bound.exclusive else math.ceil(steps)
    else:
        last = math.ceil(steps) - 1 if bound.exclusive else math.floor(steps)
    return bound._replace(limit=last * divisor, exclusive=False)


def compare(pair: SchemaPair) -> None:
    """Report every bound that was changed, added or removed."""
    for keyword, rules in _RULES.items():
        if not _LIMITED[keyword][0] & pair.shared_types:
            continue
        old, new = bound(pair.old, keyword), bound(pair.new, keyword)
        if (old is None and new is None) or (old and new and old[:2] == new[:2]):
            continue
        stricter = old is None or (new is not None and _stricter(old, new, keyword))
        strict, other = (new, pair.old) if stricter else (old, pair.new)
        if strict and _implied(keyword, strict.limit, other):
            continue
        if old is None and new:
            pair.report(rules["added"], f"{new.keyword} {new.written} was added", None, new.keyword, None, new.written)
        elif old and new is None:
            message = f"{old.keyword} {old.written} was removed"
            pair.report(rules["removed"], message, old.keyword, None, old.written, None)
        elif old and new:
            message = f"{old.keyword} {old.written} became {new.keyword} {new.written}"
            which = rules["stricter" if stricter else "looser"]
            pair.report(which, message, old.keyword, new.keyword, old.written, new.written)


def _stricter(old: Bound, new: Bound, keyword: str) -> bool:
    return new.exclusive if old.limit == new.limit else (new.limit > old.limit) == keyword.startswith("min")


def _implied(keyword: str, limit: Any, by: NormalizedSchema) -> bool:
    """Return whether the strings that a schema accepts are proven to be within the limit."""
    if keyword not in ("minLength", "maxLength"):
        return False
    least, most = by.lengths
    if least >= limit if keyword == "minLength" else most <= limit:
        return True
    if not by.texts:
        return False
    beyond = (least, min(most, limit - 1)) if keyword == "minLength" else (max(least, limit + 1), most)
    return shortest(by.texts, frozenset(), *beyond) == (None, True)
