"""Display of texts: a page of highlighted source, formatted JSON, and the tree of a JSON value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import RegexLexer, words
from pygments.lexers.data import JsonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, Text

from linter_app.schema.json_pointers import pointer
from linter_app.schema.json_text import InvalidJSON, json_equal, loads

LINES_PER_PAGE = 1000
MAX_LINE_CHARACTERS = 4000
"""Characters of one line that are shown."""
MAX_FOLDED_CHARACTERS = 4000
"""Characters of a witness that are shown."""
MAX_FOLDED_STRING = 120
MAX_ONE_LINE_CHARACTERS = 70
MAX_NODES = 1500
"""Nodes of a tree on one page."""
MAX_LEVELS = 12
"""Levels of a tree on one page."""
MAX_BATCH_MEMBERS = 300
"""Members of one object or array that are shown."""


class WITLexer(RegexLexer):
    """Lexer for WebAssembly interface types, as specified by the component model's WIT.md."""

    name = "WIT"
    tokens = {
        "root": [
            (r"\s+", Text),
            (r"//.*?$", Comment.Single),
            (r"/\*", Comment.Multiline, "comment"),
            (r"@[a-z-]+", Name.Decorator),
            (
                words(
                    (
                        *("package", "interface", "world", "use", "import", "export", "include", "with", "as", "from"),
                        *("type", "record", "variant", "enum", "flags", "resource", "constructor", "static", "func"),
                        *("async", "own", "borrow"),
                    ),
                    prefix=r"(?<![\w-])",
                    suffix=r"(?![\w-])",
                ),
                Keyword,
            ),
            (
                words(
                    (
                        *("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "bool", "char", "string"),
                        *("list", "option", "result", "tuple", "future", "stream", "error-context"),
                    ),
                    prefix=r"(?<![\w-])",
                    suffix=r"(?![\w-])",
                ),
                Keyword.Type,
            ),
            (r"\d+(\.\d+)*(-[\w.]+)?", Number),
            (r"%?[A-Za-z][\w-]*", Name),
            (r"->|[:=/]", Operator),
            (r"[{}()<>,;.*_@]", Punctuation),
            (r".", Text),
        ],
        "comment": [
            (r"[^*/]+", Comment.Multiline),
            (r"/\*", Comment.Multiline, "#push"),
            (r"\*/", Comment.Multiline, "#pop"),
            (r"[*/]", Comment.Multiline),
        ],
    }


@dataclass(frozen=True)
class Source:
    """One page of a text: its lines, each with its number and its HTML."""

    lines: list[tuple[int, SafeString]]
    page: int
    pages: int
    total: int


def source_of(text: str, language: str, page: int = 1) -> Source:
    """Return one page of LINES_PER_PAGE highlighted lines; `language` is `json`, `wit` or `text`."""
    every = text.replace("\r\n", "\n").split("\n")
    pages = max(1, -(-len(every) // LINES_PER_PAGE))
    page = min(max(page, 1), pages)
    first = (page - 1) * LINES_PER_PAGE
    lines = [_cut(line) for line in every[first : first + LINES_PER_PAGE]]
    shown = highlighted("\n".join(lines), language).split("\n")
    return Source([(first + n, mark_safe(line)) for n, line in enumerate(shown, 1)], page, pages, len(every))


def highlighted(text: str, language: str) -> str:
    """Return HTML in which no tag spans several lines; its classes are in console.css."""
    lexers = {"json": JsonLexer, "wit": WITLexer}
    if language not in lexers:
        return escape(text)
    # A lexer adds a line break if there is none at the end.
    lexer = lexers[language](stripnl=False, ensurenl=False)
    made: str = highlight(text, lexer, HtmlFormatter(nowrap=True, classprefix="hl-"))
    return made.removesuffix("\n") if not text.endswith("\n") else made


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]} … ({len(line):,} characters)"


def formatted(text: str) -> str:
    """Return JSON with two spaces for each level; a text that is not JSON is returned unchanged."""
    try:
        return pretty(loads(text))
    except InvalidJSON:
        return text


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def pretty_folded(value: Any, most: int = MAX_FOLDED_CHARACTERS) -> str:
    """Return a value as JSON: on one line if it is short, with items that repeat, and long strings, cut."""
    if isinstance(value, str) and ("\n" in value or len(value) > most):
        return value  # a text, such as WIT
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= MAX_ONE_LINE_CHARACTERS:
        return short
    text = pretty(_folded(value))
    return text if len(text) <= most else text[:most] + "\n…"


def _folded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_FOLDED_STRING:
        return f"{value[:MAX_FOLDED_STRING]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {key: _folded(member) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    items: list[Any] = []
    repeated = 0
    for number, item in enumerate(value):
        if number > 1 and json_equal(item, value[number - 1]) and json_equal(item, value[number - 2]):
            repeated += 1
            continue
        items += [f"… {repeated:,} more like this"] if repeated else []
        repeated = 0
        items.append(_folded(item))
    return items + ([f"… {repeated:,} more like this"] if repeated else [])


def needs_format(text: str) -> bool:
    """Return whether a text is hard to read without formatting."""
    return len(text) > 120 and any(len(line) > 1000 or "\n" not in text for line in text.split("\n", 50)[:50])


def tree_of(value: Any, at: str = "", more: str = "?view=tree") -> SafeString:
    """Return a JSON value as nested, collapsible lists. What exceeds one page is a link that starts with `more`."""
    budget = [MAX_NODES]
    parts: list[str] = ['<ul class="tree" role="list">']
    _node(parts, at.rpartition("/")[2] or "(root)", value, at, 0, budget, more)
    parts.append("</ul>")
    return mark_safe("".join(parts))


def _node(parts: list[str], label: str, value: Any, location: str, depth: int, budget: list[int], more: str) -> None:
    budget[0] -= 1
    key = f'<span class="tree-key">{escape(label)}</span>'
    if not isinstance(value, (dict, list)) or not value:
        text = json.dumps(value, ensure_ascii=False)
        text = text if len(text) <= MAX_LINE_CHARACTERS else text[:MAX_LINE_CHARACTERS] + "…"
        kind = type(value).__name__
        parts.append(f'<li>{key} <span class="tree-value tree-{kind}">{escape(text)}</span></li>')
        return
    members = list(value.items() if isinstance(value, dict) else enumerate(value))
    size = f"{{{len(members):,}}}" if isinstance(value, dict) else f"[{len(members):,}]"
    count = f'<span class="tree-count">{size}</span>'
    if budget[0] <= 0 or depth > MAX_LEVELS:
        href = f"{escape(more)}&amp;at={quote(location, safe='')}"
        parts.append(f'<li><a href="{href}">{escape(label)} … {count}</a></li>')
        return
    opened = " open" if depth < 2 else ""
    parts.append(f"<li><details{opened}><summary>{key} {count}</summary><ul>")
    for number, (name, member) in enumerate(members):
        if number == MAX_BATCH_MEMBERS and len(members) > MAX_BATCH_MEMBERS:
            parts.append(f"<li class='tree-rest'>… {len(members) - number:,} more, in the source</li>")
            break
        _node(parts, str(name), member, location + pointer([name]), depth + 1, budget, more)
    parts.append("</ul></details></li>")
