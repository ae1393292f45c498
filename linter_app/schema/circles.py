"""References that lead back to themselves without going into the instance, which has no meaning (Core 9.4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from linter_app.schema.documents import Document, Subschema
from linter_app.schema.vocabulary import IN_PLACE, REFERENCES


def circular_reference(document: Document) -> Subschema | None:
    """Return a schema that applies to the same instance as itself, over references; found once for a document."""
    if not document.refers:
        return None
    known: tuple[Subschema | None] | None = document.kept(document.root, "circle")
    if known is None:
        known = document.keep(document.root, "circle", (_found(document),))
    return known[0]


def _found(document: Document) -> Subschema | None:
    done: set[int] = set()
    targets = document.local_targets
    starts = [each for each in (targets or {}).values() if each is not None and isinstance(each.schema, dict)]
    # In most documents there is none, whatever applies, which is found out faster than what applies.
    if targets is not None and not any(_circle(each, done) for each in starts):
        return None
    done.clear()
    for subschema in _used(document):
        if any(keyword in subschema.schema for keyword in REFERENCES) and (found := _circle(subschema, done)):
            return found
    return None


def _used(document: Document) -> Iterator[Subschema]:
    """Yield the subschemas that apply; definitions count where a reference leads to them."""
    seen: set[int] = set()
    waiting = [document.root_subschema]
    while waiting:
        subschema = waiting.pop()
        if not isinstance(subschema.schema, dict) or subschema.key in seen:
            continue
        seen.add(subschema.key)
        yield subschema
        waiting += [child for _, child in subschema.below()]
        for keyword in REFERENCES:
            if keyword in subschema.schema:
                target = subschema.document.resolve(subschema, keyword)
                waiting += [target] if target is not None else []


def _circle(start: Subschema, done: set[int]) -> Subschema | None:
    active: set[int] = set()
    waiting: list[tuple[Subschema, bool]] = [(start, False)]
    while waiting:
        subschema, left = waiting.pop()
        if left:
            active.discard(subschema.key)
            done.add(subschema.key)
        elif subschema.key in active:
            return subschema
        elif subschema.key not in done:
            active.add(subschema.key)
            waiting += [(subschema, True), *((each, False) for each in _in_place(subschema))]
    return None


def _in_place(subschema: Subschema) -> Iterator[Subschema]:
    """Yield the subschemas that apply to the same instance."""
    document = subschema.document
    targets = (document.resolve(subschema, keyword) for keyword in REFERENCES if keyword in subschema.schema)
    children = (child for keyword, child in subschema.below() if keyword in IN_PLACE)
    yield from (each for each in (*targets, *children) if each is not None and isinstance(each.schema, dict))
