"""What the presence of a property requires: `dependentRequired`, `dependentSchemas` (Validation 6.5.4, Core 10.2.2.4).

`dependencies` of the drafts up to 7 is read as these two.
"""

from __future__ import annotations

from linter_app.changes import Direction, direction_of
from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import Conjunction, NormalizedSchema, constrains, normalize
from linter_app.rule_catalogue import mirrored
from linter_app.schema.documents import Subschema

KEYWORDS = frozenset({"dependentRequired", "dependentSchemas"})

REQUIRED_ADDED, REQUIRED_REMOVED = mirrored(
    ("dependent-required-added", "dependent-required-removed"),
    (
        "If one property is present, another one is now required.",
        "If one property is present, another one is no longer required.",
    ),
    {"type": "object"},
    {"type": "object", "dependentRequired": {"card": ["address"]}},
)
SCHEMA_ADDED, SCHEMA_REMOVED = mirrored(
    ("dependent-schema-added", "dependent-schema-removed"),
    (
        "If a property is present, the object must now match a schema.",
        "If a property is present, the object no longer has to match a schema.",
    ),
    {"type": "object"},
    {"type": "object", "dependentSchemas": {"card": {"required": ["address"]}}},
)


def compare(pair: SchemaPair) -> None:
    """Report dependencies that were added, removed or changed."""
    if "object" not in pair.shared_types:
        return
    old, new = _required(pair.old), _required(pair.new)
    for name, wanted in sorted(new - old):
        message = f"if {name!r} is present, {wanted!r} is now required"
        direction: Direction | None = "none" if _is_new(pair, name) else None
        pair.report(REQUIRED_ADDED, message, None, "dependentRequired", None, wanted, direction=direction)
    for name, wanted in sorted(old - new):
        message = f"if {name!r} is present, {wanted!r} is no longer required"
        direction = "none" if _is_refused(pair.new, name) else None
        pair.report(REQUIRED_REMOVED, message, "dependentRequired", None, wanted, direction=direction)
    old_schemas, new_schemas = _schemas(pair.old), _schemas(pair.new)
    for name in sorted(old_schemas.keys() | new_schemas.keys()):
        if name in old_schemas and name in new_schemas:
            _descend(pair, old_schemas[name], new_schemas[name])
        elif name in new_schemas:
            if not _is_new(pair, name) and pair.directions(pair.old.conjunction, new_schemas[name]) & {"backward"}:
                message = f"if {name!r} is present, the object must now match a schema"
                pair.report(SCHEMA_ADDED, message, None, new_schemas[name][0])
        elif not _is_refused(pair.new, name) and pair.directions(old_schemas[name], pair.new.conjunction) & {"forward"}:
            message = f"if {name!r} is present, the object no longer has to match a schema"
            pair.report(SCHEMA_REMOVED, message, old_schemas[name][0], None)


def _is_refused(normalized: NormalizedSchema, name: str) -> bool:
    """Return whether no object of a version has a property."""
    return not normalized.normalized_property(name).types


def _is_new(pair: SchemaPair, name: str) -> bool:
    """Return whether a property was refused before, or is described only now in an open object, so that what it
    requires breaks nothing.
    """
    if _is_refused(pair.old, name):
        return True
    is_new = name in pair.new.properties and name not in pair.old.properties and not constrains(pair.old.property(name))
    if not is_new or pair.is_strict("added"):
        return False
    pair.ignore_name("backward", name)
    return True


def _descend(pair: SchemaPair, old: Conjunction, new: Conjunction) -> None:
    """Compare what must hold beside the pair's own schemas, which describe properties, too."""
    described = pair.old.properties.keys() | pair.new.properties.keys()
    inner = [normalize(each).properties.keys() for each in (old, new)]
    if pair.comparison.is_silent and described & (inner[0] ^ inner[1]):
        if found := pair.directions(old, new, exactly="both"):
            pair.report(SCHEMA_ADDED, "", None, new[0], direction=direction_of(found))
        return
    pair.descend(old, new, here=True)


def _required(normalized: NormalizedSchema) -> set[tuple[str, str]]:
    """Return the pairs of a property and what it requires, without what is required anyway."""
    return {
        (name, wanted)
        for names, _ in normalized.found("dependentRequired")
        for name, all_wanted in names.items()
        for wanted in all_wanted
        if wanted not in normalized.required and wanted != name
    }


def _schemas(normalized: NormalizedSchema) -> dict[str, tuple[Subschema, ...]]:
    found: dict[str, tuple[Subschema, ...]] = {}
    for names, node in normalized.found("dependentSchemas"):
        for name in names:
            found[name] = (*found.get(name, ()), node.at("dependentSchemas", name))
    return found
