"""Objects: described properties, names, patterns and the rest (JSON Schema Core 10.3.2, Validation 6.5)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from linter_app.patterns import matches, sample
from linter_app.rules.catalogue import mirrored, rule
from linter_app.views import Conjunction

if TYPE_CHECKING:
    from linter_app.diff import Place

KEYWORDS = frozenset(
    {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required", "propertyNames"}
)

_NAMED = {"type": "object", "properties": {"a": {"type": "string"}}}
REQUIRED_ADDED, REQUIRED_REMOVED = mirrored(
    ("required-added", "required-removed"),
    ("A property must be present that could be absent.", "A property may be absent that had to be present."),
    _NAMED,
    {**_NAMED, "required": ["a"]},
)
REQUIRED_PROPERTY_REMOVED = rule(
    "required-property-removed",
    "both",
    "A property that consumers could rely on is no longer described.",
    {**_NAMED, "required": ["a"]},
    {"type": "object"},
    kind="removed",
)
PROPERTY_ADDED = rule(
    "property-added", "none", "An optional property is newly described.", {"type": "object"}, _NAMED, kind="added"
)
PROPERTY_REMOVED = rule(
    "property-removed",
    "none",
    "An optional property is no longer described.",
    _NAMED,
    {"type": "object"},
    kind="removed",
)
OPEN_TYPED, OPEN_FREED = mirrored(
    ("open-property-constrained", "open-property-freed"),
    (
        "A property that could hold anything is now held to a schema (counted with strict open objects).",
        "A property that was held to a schema may now hold anything (counted with strict open objects).",
    ),
    {"type": "object"},
    _NAMED,
)
CLOSED, OPENED = mirrored(
    ("additional-properties-refused", "additional-properties-accepted"),
    ("Properties beyond the described ones are now refused.", "Properties beyond the described ones are now accepted."),
    {"type": "object"},
    {"type": "object", "additionalProperties": False},
)
PATTERN_ADDED = rule(
    "pattern-property-added",
    "none",
    "Properties whose names match a pattern are newly described.",
    {"type": "object"},
    {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
    kind="added",
)
PATTERN_REMOVED = rule(
    "pattern-property-removed",
    "none",
    "Properties whose names match a pattern are no longer described.",
    {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
    {"type": "object"},
    kind="removed",
)
NAMES_ADDED, NAMES_REMOVED = mirrored(
    ("property-names-added", "property-names-removed"),
    ("The names of properties are now held to a schema.", "The names of properties are no longer held to a schema."),
    {"type": "object"},
    {"type": "object", "propertyNames": {"maxLength": 3}},
)


def compare(place: Place) -> None:
    """Report what changed in the members that objects must, may and must not have."""
    if "object" not in place.shared_types:
        return
    _required(place)
    _properties(place)
    _patterns(place)
    _rest(place)
    old_names, new_names = place.old.sources("propertyNames"), place.new.sources("propertyNames")
    if old_names and new_names:
        place.descend(old_names, new_names)
    elif old_names:
        place.report(NAMES_REMOVED, "names of properties are no longer restricted", "propertyNames", None)
    elif new_names:
        place.report(NAMES_ADDED, "names of properties are restricted now", None, "propertyNames")


def _required(place: Place) -> None:
    old, new = place.old, place.new
    for name in sorted(new.required.keys() - old.required.keys()):
        place.report(REQUIRED_ADDED, f"property {name!r} became required", None, "required", None, name)
    for name in sorted(old.required.keys() - new.required.keys()):
        if name in old.properties and name not in new.properties:
            at = old.properties[name].at("properties", name)
            place.report(REQUIRED_PROPERTY_REMOVED, f"required property {name!r} was removed", at, None, name)
        else:
            place.report(REQUIRED_REMOVED, f"property {name!r} is no longer required", "required", None, name)


def _properties(place: Place) -> None:
    old, new = place.old, place.new
    for name in sorted(old.properties.keys() | new.properties.keys()):
        old_value, new_value = old.property(name), new.property(name)
        if name in old.properties and name in new.properties:
            place.descend(old_value, new_value)
        elif name in new.properties:
            at = new.properties[name].at("properties", name)
            place.report(PROPERTY_ADDED, f"optional property {name!r} was added", None, at)
            if old_value:
                place.descend(old_value, new_value)
            elif place.strict_open_objects:
                if place.sides((), new_value):
                    place.report(OPEN_TYPED, f"property {name!r} could hold anything before", None, at)
            else:
                place.hole("backward", name)
        else:
            at = old.properties[name].at("properties", name)
            if name not in old.required:
                place.report(PROPERTY_REMOVED, f"optional property {name!r} was removed", at, None)
            if new_value:
                place.descend(old_value, new_value)
            elif place.strict_open_objects:
                if place.sides(old_value, ()):
                    place.report(OPEN_FREED, f"property {name!r} may now hold anything", at, None)
            else:
                place.hole("forward", name)


def _patterns(place: Place) -> None:
    old, new = place.old, place.new
    for regex in sorted(old.patterns.keys() | new.patterns.keys()):
        if regex in old.patterns and regex in new.patterns:
            place.descend(old.matching(regex), new.matching(regex))
            continue
        added = regex in new.patterns
        name, told = _name_matching(regex, place)
        message = f"properties matching {regex!r} are {'newly' if added else 'no longer'} described"
        at = (new if added else old).patterns.get(regex)
        where = at.at("patternProperties", regex) if at else None
        place.report(PATTERN_ADDED if added else PATTERN_REMOVED, message, *((None, where) if added else (where, None)))
        if told:
            continue
        old_value: Conjunction = old.property(name) if name else old.rest()
        new_value = new.property(name) if name else new.rest()
        if not added:
            old_value = old_value or old.matching(regex)
        elif not new_value:
            new_value = new.matching(regex)
        if not place.strict_open_objects and not (old_value if added else new_value):
            place.hole("backward" if added else "forward", regex, pattern=True)
        else:
            place.descend(old_value, new_value)
            _overlaps(place, regex, added)


def _name_matching(regex: str, place: Place) -> tuple[str | None, bool]:
    """A name that this pattern alone describes, to read what held for such names on the other side.

    And whether, as far as samples tell, it matches only names that are described anyway.
    """
    known = (place.old.patterns.keys() | place.new.patterns.keys()) - {regex}
    described = place.old.properties.keys() & place.new.properties.keys()
    described |= place.old.properties.keys() if regex in place.new.patterns else place.new.properties.keys()
    dice = random.Random(regex)
    names = {name for name in (sample(regex, dice) for _ in range(20)) if name is not None and matches(regex, name)}
    fits = (name for name in sorted(names - described) if not any(matches(other, name) for other in known))
    return next(fits, None), bool(names) and names <= described


def _overlaps(place: Place, regex: str, added: bool) -> None:
    """A name may match this pattern and one that stayed; then the other side said something else of it."""
    here, there = (place.new, place.old) if added else (place.old, place.new)
    for other in there.patterns.keys() - {regex}:
        pair = (there.matching(other), here.matching(regex))
        if ("backward" if added else "forward") in place.sides(*(pair if added else pair[::-1])):
            place.undecided(f"names may match both {regex!r} and {other!r}", "patternProperties", "patternProperties")


def _rest(place: Place) -> None:
    old, new = place.old.rest(), place.new.rest()
    refused = [any(source.schema is False for source in rest) for rest in (old, new)]
    if refused[1] and not old:
        place.report(CLOSED, "additional properties are refused now", _closing(old), _closing(new))
    elif refused[0] and not new:
        place.report(OPENED, "additional properties are accepted now", _closing(old), _closing(new))
    elif old or new:
        place.descend(old, new)


def _closing(rest: Conjunction) -> str | object:
    return rest[0] if rest else "additionalProperties"
