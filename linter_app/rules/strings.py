"""Strings: `pattern` and `format` (JSON Schema Validation 6.3.3 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linter_app.patterns import included, says_nothing
from linter_app.rules.catalogue import Rule, mirrored, rule
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.diff import Place

KEYWORDS = frozenset({"pattern", "format"})

PATTERN = (
    *mirrored(
        ("pattern-added", "pattern-removed"),
        (
            "Strings are held to a regular expression, and were not.",
            "Strings are no longer held to a regular expression.",
        ),
        {"type": "string"},
        {"type": "string", "pattern": "^[a-z]+$"},
    ),
    rule(
        "pattern-changed",
        "both",
        "Strings are held to another regular expression.",
        {"pattern": "^[a-z]+$"},
        {"pattern": "^[0-9]+$"},
    ),
)
FORMAT = (
    *mirrored(
        ("format-added", "format-removed"),
        ("A format is asked for that was not.", "A format is no longer asked for."),
        {"type": "string"},
        {"type": "string", "format": "email"},
    ),
    rule(
        "format-changed",
        "both",
        "Strings are held to another format.",
        {"type": "string", "format": "email"},
        {"type": "string", "format": "uri"},
    ),
)
# Formats whose strings all are of another format too (RFC 3986, 3987, 5890, 6531).
_WIDER = {
    "email": {"idn-email"},
    "hostname": {"idn-hostname"},
    "uri": {"uri-reference", "iri", "iri-reference"},
    "iri": {"iri-reference"},
    "uri-reference": {"iri-reference"},
}


def compare(place: Place) -> None:
    """Report patterns and formats that came, went or changed."""
    if "string" not in place.shared_types and "format" not in place.old.keywords | place.new.keywords:
        return
    if "string" in place.shared_types:
        _compare(place, "pattern", *PATTERN)
    _compare(place, "format", *FORMAT)


def _words(view: View, keyword: str) -> set[str]:
    return {value for value, _ in view.found(keyword) if keyword == "format" or not says_nothing(value)}


def _implied(keyword: str, word: str, others: set[str]) -> bool:
    if keyword == "format":
        return any(word in _WIDER.get(other, ()) for other in others)
    return any(included(other, word) for other in others)


def _compare(place: Place, keyword: str, added: Rule, removed: Rule, changed: Rule) -> None:
    old, new = _words(place.old, keyword), _words(place.new, keyword)
    came = {word for word in new - old if not _implied(keyword, word, old)}
    went = {word for word in old - new if not _implied(keyword, word, new)}
    if not came and not went:
        return
    before, after = (" and ".join(map(repr, sorted(words))) for words in (old, new))
    if not old:
        place.report(added, f"{keyword} {after} was added", None, keyword, None, after)
    elif not new:
        place.report(removed, f"{keyword} {before} was removed", keyword, None, before)
    else:
        direction = changed.direction if came and went else "backward" if came else "forward"
        message = f"{keyword} {before} became {after}"
        place.report(changed, message, keyword, keyword, before, after, direction=direction)
