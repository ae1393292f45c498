"""Regular expressions that JavaScript accepts only without the flag `u` (ECMA-262, annex B.1.2), written as with it.

Validators read `pattern` as with the flag. People write what their JavaScript accepts: `[\\w-.]`, `{`, `\\a`.
"""

from __future__ import annotations

_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_ESCAPES = frozenset("bBdDsSwWfnrtv0123456789cxukpP")


def with_unicode_flag(pattern: str) -> str:
    """Return an expression that means the same with the flag `u`; unchanged where it needs no change."""
    made: list[str] = []
    at, in_class = 0, False
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            text, length = _escape(pattern, at, in_class)
            made.append(text)
            at += length
        elif in_class:
            in_class = letter != "]"
            made.append(_in_class(pattern, at, made))
            at += 1
        elif letter == "[":
            in_class = True
            made.append(letter)
            at += 1
            if pattern[at : at + 1] == "^":
                made.append("^")
                at += 1
        elif letter == "{" and (length := _quantifier(pattern, at)):
            made.append(pattern[at : at + length])
            at += length
        else:
            made.append("\\" + letter if letter in "{}]" else letter)
            at += 1
    return "".join(made)


def _escape(pattern: str, at: int, in_class: bool) -> tuple[str, int]:
    """Return an escape, and how many characters of the expression it stands for."""
    following, rest = pattern[at + 1 : at + 2], pattern[at + 2 :]
    if not following or following in _SYNTAX or (in_class and following == "-"):
        return "\\" + following, 2
    match following:
        case "c" if not (rest[:1].isascii() and rest[:1].isalpha()):
            return "\\\\c", 2
        case "p" | "P" if rest[:1] == "{" and "}" in rest:
            length = 3 + rest.index("}")
            return pattern[at : at + length], length
        case "u" if rest[:1] == "{" and "}" in rest:
            length = 3 + rest.index("}")
            return pattern[at : at + length], length
        case "x" if not _hex(rest[:2], 2):
            return following, 2
        case "u" if not _hex(rest[:4], 4):
            return following, 2
        case "p" | "P":
            return following, 2
        case "k" if "(?<" not in pattern:
            return following, 2
        case "8" | "9" if pattern.count("(") < int(following):
            return following, 2
    if following in _ESCAPES or not (following.isascii() and following.isalpha()):
        return "\\" + following, 2
    return following, 2  # any other letter means itself


def _hex(text: str, length: int) -> bool:
    return len(text) == length and all(each in "0123456789abcdefABCDEF" for each in text)


def _quantifier(pattern: str, at: int) -> int:
    """Return the length of a quantifier such as `{2,5}` that begins here, or 0."""
    end = pattern.find("}", at)
    least, comma, most = pattern[at + 1 : end].partition(",") if end > 0 else ("", "", "")
    if not (least.isascii() and least.isdecimal()) or (most and not (most.isascii() and most.isdecimal())):
        return 0
    return end - at + 1 if comma or not most else 0


def _in_class(pattern: str, at: int, made: list[str]) -> str:
    """Return one character of a class. A hyphen next to a class such as `\\w` is no range."""
    letter = pattern[at]
    if letter == "[":
        return "\\["
    if letter != "-":
        return letter
    before, after = made[-1], pattern[at + 1 : at + 3]
    is_edge = before in ("[", "^") or after[:1] == "]"
    sets = ("\\w", "\\W", "\\d", "\\D", "\\s", "\\S")
    return "\\-" if not is_edge and (before in sets or after in sets) else "-"
