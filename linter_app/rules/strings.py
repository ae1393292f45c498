"""Strings: `pattern` and `format` (JSON Schema Validation 6.3.3 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linter_app.formats import asserted
from linter_app.patterns import included, says_nothing
from linter_app.rules.catalogue import Rule, mirrored, rule
from linter_app.views import View

if TYPE_CHECKING:
    from linter_app.walk import Place

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
# Formats whose strings all are of another format too (RFC 1123, 3339, 3986, 3987, 4122, 5890, 6531, 6570).
_WIDER: dict[str, set[str]] = {
    "email": {"idn-email"},
    "uri": {"iri", "uri-reference", "iri-reference"},
    "iri": {"iri-reference"},
    "uri-reference": {"iri-reference"},
    **{name: {"uri-template", "regex"} for name in ("ipv6", "time", "date-time")},
    "hostname": {"idn-hostname", "uri-reference", "iri-reference", "uri-template", "regex"},
}
_WIDER |= {key: {"hostname", *_WIDER["hostname"]} for key in ("date", "duration", "uuid", "ipv4")}


def compare(place: Place) -> None:
    """Report patterns and formats that came, went or changed."""
    if "string" in place.shared_types:
        _compare(place, "pattern", *PATTERN)
        _compare(place, "format", *FORMAT)


def _words(view: View, keyword: str) -> set[str]:
    if keyword == "format":
        return {word for word, part in view.found("format") if asserted(word, part.source.document.draft)}
    return {word for word, _ in view.found("pattern") if not says_nothing(word)}


def _unknown(view: View) -> list[str]:
    return sorted({str(word) for word, part in view.found("format") if not asserted(word, part.source.document.draft)})


def _implied(keyword: str, word: str, by: View) -> bool:
    """Whether every string that a place accepts is proven to obey the pattern or format."""
    if keyword == "format":
        return any(word in _WIDER.get(other, ()) for other in _words(by, keyword))
    return included(by.texts, word, *by.lengths)


def _compare(place: Place, keyword: str, added: Rule, removed: Rule, changed: Rule) -> None:
    old, new = _words(place.old, keyword), _words(place.new, keyword)
    at = place.where(keyword)
    came = {word for word in new - old if not _implied(keyword, word, place.old)}
    went = {word for word in old - new if not _implied(keyword, word, place.new)}
    if not came and not went:
        if keyword == "format" and (names := _unknown(place.old)) != _unknown(place.new):
            message = "a format that validators do not know changed"
            place.report(changed, message, *at, names, _unknown(place.new), direction="none")
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
