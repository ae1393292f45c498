"""Keywords that mean nothing to JSON Schema, or not in the draft that they are written in (Core 4.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linter_app.parts import keywords_of
from linter_app.rules.catalogue import rule
from linter_app.views import View, alike

if TYPE_CHECKING:
    from linter_app.walk import Place

KEYWORDS = None  # any other

UNKNOWN = rule(
    "unknown-keyword-changed",
    "none",
    "A keyword changed that means nothing in this draft of JSON Schema; validators ignore it, so look for a slip.",
    {"type": "integer", "multiple": 2},
    {"type": "integer", "multiple": 4},
    kind="documentation",
)


def compare(place: Place) -> None:
    """Report keywords without meaning that differ."""
    old, new = _unknown(place.old), _unknown(place.new)
    for keyword in sorted(old.keys() | new.keys()):
        if keyword in old and keyword in new and alike(old[keyword], new[keyword]):
            continue
        verb = "added" if keyword not in old else "removed" if keyword not in new else "changed"
        message = f"{keyword!r}, which means nothing in this draft, was {verb}"
        place.report(UNKNOWN, message, *place.where(keyword), old.get(keyword), new.get(keyword))


def _unknown(view: View) -> dict[str, Any]:
    return {
        keyword: value
        for part in reversed(view.parts)
        if not (schema := part.source.schema).keys() <= (known := keywords_of(part.source.document.draft))
        for keyword, value in schema.items()
        if keyword not in known
    }
