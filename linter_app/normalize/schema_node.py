"""Schema objects in the terms of draft 2020-12, whatever draft they are written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linter_app.changes import Path
from linter_app.patterns import matches
from linter_app.schema.documents import Subschema
from linter_app.schema.vocabulary import CHANGED_SPELLINGS, DRAFT4, DRAFT7, DRAFT2020, TABLE, keywords_of

_NAMES = frozenset(each.name for each in TABLE)


@dataclass(eq=False, slots=True)
class SchemaNode:
    """One schema object of a conjunction, in 2020-12 terms, with the spelling of its own draft."""

    schema: dict[str, Any]
    subschema: Subschema
    spelling: dict[str, str]
    """The keywords that are written in another way, by their 2020-12 name."""

    def at(self, keyword: str, *steps: str | int) -> Subschema:
        """Return the subschema under a keyword of 2020-12."""
        child, subschema = self.schema[keyword], self.subschema
        for step in steps:
            child = child[step]
        return subschema.document.subschema(child, (*subschema.path, self.spelling.get(keyword, keyword), *steps))

    def path(self, keyword: str) -> Path:
        """Return the path at which a keyword is written."""
        return (*self.subschema.path, self.spelling.get(keyword, keyword))

    def target(self, keyword: str) -> Subschema | None:
        """Return the target of a reference, or None where it is not available."""
        subschema = self.subschema
        return subschema.document.resolve(Subschema(self.schema, subschema.path, subschema.document), keyword)

    def member(self, name: str) -> list[Subschema]:
        """Return what applies to the value of a property, without `unevaluatedProperties`."""
        found = [self.at("properties", name)] if name in self.schema.get("properties", ()) else []
        found += [self.at("patternProperties", p) for p in self.schema.get("patternProperties", ()) if matches(p, name)]
        if not found and "additionalProperties" in self.schema:
            found.append(self.at("additionalProperties"))
        return found

    def item(self, index: int) -> list[Subschema]:
        """Return what applies to the item at an index, without `unevaluatedItems`."""
        if index < len(self.schema.get("prefixItems", ())):
            return [self.at("prefixItems", index)]
        return [self.at("items")] if "items" in self.schema else []


def node_of(subschema: Subschema) -> SchemaNode:
    """Return a schema object in 2020-12 terms, translated once for a document."""
    schema: dict[str, Any] = subschema.schema
    if CHANGED_SPELLINGS.isdisjoint(schema):
        return SchemaNode(schema, subschema, {})
    document = subschema.document
    kept = document.kept(schema, "translated")
    if kept is None:
        kept = document.keep(schema, "translated", _translated(schema, document.draft))
    return SchemaNode(kept[0], subschema, kept[1])


def followed(subschema: Subschema) -> Subschema:
    """Return what a subschema refers to, where it says nothing else; otherwise itself."""
    schema, document = subschema.schema, subschema.document
    if not isinstance(schema, dict) or "$ref" not in schema:
        return subschema
    target: Subschema | None = document.kept(schema, "followed")
    if target is None:
        target = document.keep(schema, "followed", _target(subschema))
    return target


def _target(subschema: Subschema) -> Subschema:
    seen: set[int] = set()
    while isinstance(subschema.schema, dict) and "$ref" in subschema.schema and subschema.key not in seen:
        seen.add(subschema.key)
        is_alone = len(subschema.schema) == 1
        if not is_alone:
            # Older drafts ignore what is written beside a reference, though not what they do not know.
            known = keywords_of(subschema.document.draft)
            is_alone = len(node_of(subschema).schema) == 1 and all(keyword in known for keyword in subschema.schema)
        target = subschema.document.resolve(subschema, "$ref") if is_alone else None
        if target is None:
            break
        subschema = target
    return subschema


def _translated(schema: dict[str, Any], draft: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the object in 2020-12 terms, and the spellings that differ."""
    if draft <= DRAFT7 and "$ref" in schema:
        return {"$ref": schema["$ref"]}, {}  # its siblings are ignored (draft 7, Core 8.3)
    known = keywords_of(draft)
    made = {keyword: value for keyword, value in schema.items() if keyword in known or keyword not in _NAMES}
    spelling: dict[str, str] = {}
    rest = made.pop("additionalItems", None)
    if draft < DRAFT2020 and isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        spelling["prefixItems"] = "items"
        if rest is not None:
            made["items"] = rest
            spelling["items"] = "additionalItems"
    for name, required in made.pop("dependencies", {}).items():
        keyword = "dependentRequired" if isinstance(required, list) else "dependentSchemas"
        spelling[keyword] = "dependencies"
        made.setdefault(keyword, {})[name] = required
    for end in ("minimum", "maximum"):
        exclusive = "exclusive" + end.capitalize()
        # A number has no meaning in draft 4; it can be written where no meta-schema applies.
        boolean = draft == DRAFT4 or isinstance(made.get(exclusive), bool)
        if boolean and made.pop(exclusive, None) is True and end in made:
            made[exclusive] = made.pop(end)
            spelling[exclusive] = end
    return made, spelling
