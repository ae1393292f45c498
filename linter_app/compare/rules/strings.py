"""Strings: `pattern` and `format` (JSON Schema Validation 6.3.3 and 7)."""

from __future__ import annotations

from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.normalized import NormalizedSchema
from linter_app.patterns import included, says_nothing
from linter_app.rule_catalogue import Rule, mirrored, rule
from linter_app.schema.formats import FORMATS, is_asserted

KEYWORDS = frozenset({"pattern", "format"})

PATTERN = (
    *mirrored(
        ("pattern-added", "pattern-removed"),
        (
            "A pattern was added.",
            "A pattern was removed.",
        ),
        {"type": "string"},
        {"type": "string", "pattern": "^[a-z]+$"},
    ),
    rule(
        "pattern-changed",
        "both",
        "The pattern changed.",
        {"pattern": "^[a-z]+$"},
        {"pattern": "^[0-9]+$"},
    ),
)
FORMAT = (
    *mirrored(
        ("format-added", "format-removed"),
        ("A format was added.", "A format was removed."),
        {"type": "string"},
        {"type": "string", "format": "email"},
    ),
    rule(
        "format-changed",
        "both",
        "The format changed.",
        {"type": "string", "format": "email"},
        {"type": "string", "format": "uri"},
    ),
)


def compare(pair: SchemaPair) -> None:
    """Report patterns and formats that were added, removed or changed."""
    if "string" in pair.shared_types:
        _compare(pair, "pattern", *PATTERN)
        _compare(pair, "format", *FORMAT)


def _words(normalized: NormalizedSchema, keyword: str) -> set[str]:
    if keyword == "format":
        return {word for word, node in normalized.found("format") if is_asserted(word, node.subschema.document.draft)}
    return {word for word, _ in normalized.found("pattern") if not says_nothing(word)}


def _unknown(normalized: NormalizedSchema) -> list[str]:
    return sorted(
        {str(word) for word, node in normalized.found("format") if not is_asserted(word, node.subschema.document.draft)}
    )


def _implied(keyword: str, word: str, by: NormalizedSchema) -> bool:
    """Return whether every string that a schema accepts is proven to match the pattern or format."""
    if keyword == "format":
        return any(word in FORMATS[other].implies for other in _words(by, keyword))
    return included(by.texts, word, *by.lengths)


def _compare(pair: SchemaPair, keyword: str, added: Rule, removed: Rule, changed: Rule) -> None:
    old, new = _words(pair.old, keyword), _words(pair.new, keyword)
    at = pair.where(keyword)
    came = {word for word in new - old if not _implied(keyword, word, pair.old)}
    went = {word for word in old - new if not _implied(keyword, word, pair.new)}
    if not came and not went:
        if keyword == "format" and (names := _unknown(pair.old)) != _unknown(pair.new):
            message = "a format that validators do not know changed"
            pair.report(changed, message, *at, names, _unknown(pair.new), direction="none")
        return
    before, after = (" and ".join(map(repr, sorted(words))) for words in (old, new))
    if not old:
        pair.report(added, f"{keyword} {after} was added", None, keyword, None, after)
    elif not new:
        pair.report(removed, f"{keyword} {before} was removed", keyword, None, before)
    else:
        direction = changed.direction if came and went else "backward" if came else "forward"
        message = f"{keyword} {before} became {after}"
        pair.report(changed, message, keyword, keyword, before, after, direction=direction)
