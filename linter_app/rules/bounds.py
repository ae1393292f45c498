"""Bounds: JSON Schema Validation sections 6.2 to 6.5, every keyword that limits a number, length or count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linter_app.rules.catalogue import Rule, rule
from linter_app.rules.values import types_of

if TYPE_CHECKING:
    from linter_app.diff import Place

# The types that a bound says something about, by the keyword without its min or max.
_APPLIES = {"Length": {"string"}, "Items": {"array"}, "Properties": {"object"}}
_COUNTS = {
    "Length": "strings",
    "Items": "arrays",
    "Properties": "objects",
}


def _family(subject: str, what: str, lower: bool) -> dict[str, Rule]:
    stricter, looser = ("increased", "decreased") if lower else ("decreased", "increased")
    return {
        "added": rule(f"{subject}-added", "backward", f"A limit on {what} appeared where there was none."),
        "removed": rule(f"{subject}-removed", "forward", f"The limit on {what} is gone."),
        "stricter": rule(f"{subject}-{stricter}", "backward", f"The limit on {what} became stricter."),
        "looser": rule(f"{subject}-{looser}", "forward", f"The limit on {what} became looser."),
    }


_RULES = {
    "minimum": _family("minimum", "numbers from below", True),
    "maximum": _family("maximum", "numbers from above", False),
}
for _suffix, _what in _COUNTS.items():
    for _end, _lower in (("min", True), ("max", False)):
        _RULES[f"{_end}{_suffix}"] = _family(
            f"{_end}-{_suffix.lower()}", f"{_what} from {'below' if _lower else 'above'}", _lower
        )


def _number_bound(schema: dict[str, Any], end: str) -> tuple[Any, bool, str] | None:
    """The effective bound as (limit, exclusive, keyword), reading both draft styles of exclusive bounds."""
    plain, exclusive = schema.get(end), schema.get("exclusive" + end.capitalize())
    keyword = "exclusive" + end.capitalize()
    if isinstance(exclusive, bool):  # draft 4: a flag beside the limit
        return None if plain is None else (plain, exclusive, end)
    if plain is None:
        return None if exclusive is None else (exclusive, True, keyword)
    if exclusive is None:
        return plain, False, end
    tighter = exclusive >= plain if end == "minimum" else exclusive <= plain
    return (exclusive, True, keyword) if tighter else (plain, False, end)


def _bound(schema: dict[str, Any], keyword: str) -> tuple[Any, bool, str] | None:
    if keyword in ("minimum", "maximum"):
        return _number_bound(schema, keyword)
    value = schema.get(keyword)
    if value is None or (keyword.startswith("min") and value == 0):
        return None
    return value, False, keyword


def compare(place: Place) -> None:
    """Report every bound that moved, appeared or went away."""
    common = types_of(place.old) & types_of(place.new)
    for keyword, rules in _RULES.items():
        if not _APPLIES.get(keyword[3:], {"number", "integer"}) & common:
            continue
        old, new = _bound(place.old, keyword), _bound(place.new, keyword)
        if (old is None and new is None) or (old and new and old[:2] == new[:2]):
            continue
        lower = keyword.startswith("min")
        if old is None and new is not None:
            place.report(rules["added"], f"{new[2]} {new[0]} was added", None, new[2], None, new[0])
        elif new is None and old is not None:
            place.report(rules["removed"], f"{old[2]} {old[0]} was removed", old[2], None, old[0], None)
        elif old is not None and new is not None:
            stricter = new[1] if old[0] == new[0] else (new[0] > old[0]) == lower
            place.report(
                rules["stricter" if stricter else "looser"],
                f"{old[2]} {old[0]} became {new[2]} {new[0]}",
                old[2],
                new[2],
                old[0],
                new[0],
            )
