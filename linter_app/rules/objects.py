"""Objects: properties, required, additionalProperties (JSON Schema Core 10.3.2, Validation 6.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linter_app.rules.catalogue import rule

if TYPE_CHECKING:
    from linter_app.diff import Place

REQUIRED_ADDED = rule("required-added", "backward", "A property must be present that could be absent.")
REQUIRED_REMOVED = rule("required-removed", "forward", "A property may be absent that had to be present.")
REQUIRED_PROPERTY_REMOVED = rule(
    "required-property-removed", "both", "A property that consumers could rely on is no longer described."
)
PROPERTY_ADDED = rule("property-added", "none", "An optional property is newly described.")
PROPERTY_REMOVED = rule("property-removed", "none", "An optional property is no longer described.")
OPEN_PROPERTY_TYPED = rule(
    "open-property-constrained", "backward", "A property that could hold anything is now held to a schema."
)
OPEN_PROPERTY_FREED = rule(
    "open-property-freed", "forward", "A property that was held to a schema may now hold anything."
)
CLOSED = rule("additional-properties-refused", "backward", "Properties beyond the described ones are now refused.")
OPENED = rule("additional-properties-accepted", "forward", "Properties beyond the described ones are now accepted.")


def _open(schema: Any) -> bool:
    return schema is True or schema == {}


def compare(place: Place) -> None:
    """Report what changed in the members that objects must, may and must not have."""
    old, new = place.old, place.new
    old_properties, new_properties = old.get("properties", {}), new.get("properties", {})
    old_rest, new_rest = old.get("additionalProperties", True), new.get("additionalProperties", True)
    patterns_stay = old.get("patternProperties", {}) == new.get("patternProperties", {})
    # With patternProperties, a property that is not described may still be held to a pattern's schema.
    patterned = bool(old.get("patternProperties") or new.get("patternProperties"))
    old_required, new_required = set(old.get("required", [])), set(new.get("required", []))

    for name in sorted(new_required - old_required):
        place.report(REQUIRED_ADDED, f"property {name!r} became required", None, "required", None, name)
    for name in sorted(old_required - new_required):
        if name in old_properties and name not in new_properties:
            message = f"required property {name!r} was removed"
            place.report(REQUIRED_PROPERTY_REMOVED, message, ("properties", name), None, name)
        else:
            place.report(REQUIRED_REMOVED, f"property {name!r} is no longer required", "required", None, name)

    for name in sorted(old_properties.keys() | new_properties.keys()):
        path = ("properties", name)
        if name in old_properties and name in new_properties:
            place.descend(old_properties[name], new_properties[name], path, path)
        elif name in new_properties:
            place.report(PROPERTY_ADDED, f"optional property {name!r} was added", None, path)
            if patterned:
                place.undecided(f"property {name!r} appeared beside patternProperties", None, path)
            elif _open(old_rest):
                if place.strict_open_objects and not _open(new_properties[name]):
                    place.report(OPEN_PROPERTY_TYPED, f"property {name!r} could hold anything before", None, path)
            else:
                place.descend(old_rest, new_properties[name], "additionalProperties", path)
        else:
            if name not in old_required:
                place.report(PROPERTY_REMOVED, f"optional property {name!r} was removed", path, None)
            if patterned:
                place.undecided(f"property {name!r} went away beside patternProperties", path, None)
            elif _open(new_rest):
                if place.strict_open_objects and not _open(old_properties[name]):
                    place.report(OPEN_PROPERTY_FREED, f"property {name!r} may now hold anything", path, None)
            else:
                place.descend(old_properties[name], new_rest, path, "additionalProperties")

    if not patterns_stay:
        place.undecided("patternProperties changed", "patternProperties", "patternProperties")
    if _open(old_rest) and new_rest is False:
        place.report(CLOSED, "additional properties are refused now", "additionalProperties", "additionalProperties")
    elif old_rest is False and _open(new_rest):
        place.report(OPENED, "additional properties are accepted now", "additionalProperties", "additionalProperties")
    else:
        place.descend(old_rest, new_rest, "additionalProperties", "additionalProperties")
