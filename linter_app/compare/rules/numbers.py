"""Numbers: `multipleOf` (JSON Schema Validation 6.2.1)."""

from __future__ import annotations

from fractions import Fraction

from linter_app.compare.comparison import SchemaPair
from linter_app.rule_catalogue import mirrored, rule

KEYWORDS = frozenset({"multipleOf"})

CHANGED = rule(
    "multiple-of-changed",
    "both",
    "multipleOf changed to a number that is neither a multiple nor a divisor of the old one.",
    {"multipleOf": 2},
    {"multipleOf": 3},
)
STRICTER, LOOSER = mirrored(
    ("multiple-of-stricter", "multiple-of-looser"),
    ("multipleOf changed so that fewer numbers match.", "multipleOf changed so that more numbers match."),
    {"multipleOf": 2},
    {"multipleOf": 4},
)


def compare(pair: SchemaPair) -> None:
    """Report a divisor that the other version does not imply."""
    if not pair.shared_types & {"number", "integer"}:
        return
    old, new = pair.old.divisor, pair.new.divisor
    stricter, looser = not _implied(new, old), not _implied(old, new)
    if stricter or looser:
        which = CHANGED if stricter and looser else STRICTER if stricter else LOOSER
        before, after = (_shown(divisor) for divisor in (old, new))
        at = pair.where("multipleOf")
        pair.report(which, f"multipleOf {before} became {after}", *at, before, after)


def _implied(divisor: Fraction, by: Fraction) -> bool:
    """Return whether every multiple of `by` is one of `divisor`; 0 means no divisor."""
    return not divisor or (by != 0 and by % divisor == 0)


def _shown(divisor: Fraction) -> str:
    return "any number" if not divisor else str(float(divisor) if divisor.denominator > 1 else divisor)
