"""What the presence of a property asks for: `dependentRequired`, `dependentSchemas` (Validation 6.5.4, Core 10.2.2.4).

`dependencies` of the drafts up to 7 is read as these two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linter_app.documents import Source
from linter_app.rules.catalogue import mirrored
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.walk import Place

KEYWORDS = frozenset({"dependentRequired", "dependentSchemas"})

REQUIRED_ADDED, REQUIRED_REMOVED = mirrored(
    ("dependent-required-added", "dependent-required-removed"),
    (
        "Where one property is present, another must be too, and did not have to.",
        "Where one property is present, another need not be any more.",
    ),
    {"type": "object"},
    {"type": "object", "dependentRequired": {"card": ["address"]}},
)
SCHEMA_ADDED, SCHEMA_REMOVED = mirrored(
    ("dependent-schema-added", "dependent-schema-removed"),
    (
        "Where a property is present, the object must satisfy a schema, and did not have to.",
        "Where a property is present, the object need not satisfy a schema any more.",
    ),
    {"type": "object"},
    {"type": "object", "dependentSchemas": {"card": {"required": ["address"]}}},
)


def compare(place: Place) -> None:
    """Report dependencies that came, went or changed."""
    if "object" not in place.shared_types:
        return
    old, new = _required(place.old), _required(place.new)
    for name, wanted in sorted(new - old):
        message = f"where {name!r} is present, {wanted!r} must be too"
        place.report(REQUIRED_ADDED, message, None, "dependentRequired", None, wanted)
    for name, wanted in sorted(old - new):
        message = f"where {name!r} is present, {wanted!r} need not be any more"
        place.report(REQUIRED_REMOVED, message, "dependentRequired", None, wanted)
    old_schemas, new_schemas = _schemas(place.old), _schemas(place.new)
    for name in sorted(old_schemas.keys() | new_schemas.keys()):
        if name in old_schemas and name in new_schemas:
            place.descend(old_schemas[name], new_schemas[name])
        elif name in new_schemas:
            if place.sides(place.old.conjunction, new_schemas[name]) & {"backward"}:
                message = f"where {name!r} is present, a schema must be satisfied"
                place.report(SCHEMA_ADDED, message, None, new_schemas[name][0])
        elif place.sides(old_schemas[name], place.new.conjunction) & {"forward"}:
            message = f"where {name!r} is present, a schema need not be satisfied any more"
            place.report(SCHEMA_REMOVED, message, old_schemas[name][0], None)


def _required(view: View) -> set[tuple[str, str]]:
    """The pairs of a property and what it asks for, less what is required anyway."""
    return {
        (name, wanted)
        for names, _ in view.found("dependentRequired")
        for name, all_wanted in names.items()
        for wanted in all_wanted
        if wanted not in view.required and wanted != name
    }


def _schemas(view: View) -> dict[str, tuple[Source, ...]]:
    found: dict[str, tuple[Source, ...]] = {}
    for names, part in view.found("dependentSchemas"):
        for name in names:
            found[name] = (*found.get(name, ()), part.at("dependentSchemas", name))
    return found
