"""Numbers: `multipleOf` (JSON Schema Validation 6.2.1)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from linter_app.rules.catalogue import mirrored, rule
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.diff import Place

KEYWORDS = frozenset({"multipleOf"})

CHANGED = rule(
    "multiple-of-changed",
    "both",
    "Numbers must be multiples of another number, and neither divides the other.",
    {"multipleOf": 2},
    {"multipleOf": 3},
)
STRICTER, LOOSER = mirrored(
    ("multiple-of-stricter", "multiple-of-looser"),
    ("Fewer numbers are multiples of the divisor.", "More numbers are multiples of the divisor."),
    {"multipleOf": 2},
    {"multipleOf": 4},
)


def _divisors(view: View) -> set[Fraction]:
    found = {Fraction(str(value)) for value, _ in view.found("multipleOf") if value > 0}
    return found | {Fraction(1)} if "number" not in view.types else found


def compare(place: Place) -> None:
    """Report divisors that the other side does not imply."""
    if not place.shared_types & {"number", "integer"}:
        return
    old, new = _divisors(place.old), _divisors(place.new)
    stricter = any(all(other % divisor for other in old) for divisor in new)
    looser = any(all(other % divisor for other in new) for divisor in old)
    if stricter or looser:
        which = CHANGED if stricter and looser else STRICTER if stricter else LOOSER
        before, after = (_shown(divisors) for divisors in (old, new))
        at = [None if "multipleOf" not in view.keywords else "multipleOf" for view in (place.old, place.new)]
        place.report(which, f"multipleOf changed from {before} to {after}", *at, before, after)


def _shown(divisors: set[Fraction]) -> str:
    return " and ".join(str(float(each) if each.denominator > 1 else each) for each in sorted(divisors)) or "any number"
