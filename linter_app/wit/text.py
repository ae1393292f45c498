"""The text of WIT packages: what a package declares and uses, found without resolving it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"//[^\n]*|/\*")
_BLOCK = re.compile(r"/\*|\*/")
_ID = r"%?[a-zA-Z][a-zA-Z0-9-]*"
_VERSION = r"[0-9][0-9A-Za-z.+-]*[0-9A-Za-z]"
_DECLARED = re.compile(rf"(?<![%\w-])package\s+({_ID}:{_ID})(?:@({_VERSION}))?\s*([;{{])")
_USED = re.compile(
    rf"(?<![%\w-])(?:use|import|export|include)\s+(?:{_ID}\s*:\s+)?({_ID}:{_ID})/{_ID}(?:@({_VERSION}))?"
)


@dataclass(frozen=True)
class Used:
    """A package of another text; `line` counts from 1."""

    name: str
    version: str | None
    line: int

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name


def declared_in(text: str) -> list[str]:
    """Return the packages that a text declares, such as `shop:cart@1.0.0`: its own first, then nested ones."""
    return _names(_declarations(_without_comments(text)))


def used_in(text: str) -> Iterator[Used]:
    """Yield each package that a text uses and does not declare, once."""
    bare = _without_comments(text)
    declared = _names(_declarations(bare))
    own, seen = [name.partition("@")[0] for name in declared[:1]], set(declared)
    line, counted = 1, 0
    for match in _USED.finditer(bare):
        line += bare.count("\n", counted, match.start())
        counted = match.start()
        used = Used(match[1].replace("%", ""), match[2], line)
        if used.name not in own and used.reference not in seen:
            seen.add(used.reference)
            yield used


def with_version(text: str, version: str) -> str:
    """Return the text with another version of its package, or none where it is empty; all else is unchanged."""
    for match in _declarations(_without_comments(text)):
        if match[3] == ";":
            return text[: match.end(1)] + (f"@{version}" if version else "") + text[match.end(2 if match[2] else 1) :]
    return text


def _declarations(bare: str) -> list[re.Match[str]]:
    """Return the declarations of packages in a text without comments: its own first, then nested ones."""
    return sorted(_DECLARED.finditer(bare), key=lambda match: match[3] == "{")


def _names(declarations: list[re.Match[str]]) -> list[str]:
    return [match[1].replace("%", "") + (f"@{match[2]}" if match[2] else "") for match in declarations]


def _without_comments(text: str) -> str:
    """Return the text with comments replaced by spaces, so that positions stay; comments may nest."""
    kept: list[str] = []
    at = depth = begun = 0
    while mark := (_BLOCK if depth else _LINE).search(text, at):
        at = mark.end()
        if not depth:
            kept.append(text[begun : mark.start()])
            begun = mark.start()
        depth += {"/*": 1, "*/": -1}.get(mark[0], 0)
        if not depth:
            kept.append(re.sub(r"[^\n]", " ", text[begun:at]))
            begun = at
    rest = text[begun:]
    return "".join(kept) + (re.sub(r"[^\n]", " ", rest) if depth else rest)
