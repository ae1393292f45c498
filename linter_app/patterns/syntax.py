"""Regular expressions as in JSON Schema (ECMA-262 section 22.2.1, with the `u` flag), parsed into a tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]
"""A set of characters: sorted, disjoint, inclusive ranges of code points."""

LAST = 0x10FFFF
MANY = 1 << 30
MAX_LENGTH = 5_000
MAX_DEPTH = 100


class NotSupported(ValueError):
    """The expression is malformed, or has a feature that is not supported."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set. `written` is the spelling for another engine of a set whose ranges are not known."""

    ranges: Ranges
    written: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    item: Node
    least: int
    most: int
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`: the start or the end of the whole text."""

    start: bool


@dataclass(frozen=True, slots=True)
class Opaque:
    """What the automata do not support: a lookaround, a word boundary, a reference, or the group it refers to."""

    before: str
    item: Node | None = None
    after: str = ""


Node = Characters | Sequence | Choice | Repeat | Edge | Opaque


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the ranges, sorted and disjoint."""
    made: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if made and low <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], high))
        else:
            made.append((low, high))
    return tuple(made)


def complement(ranges: Ranges) -> Ranges:
    """Return every character that is not in the set."""
    made, start = [], 0
    for low, high in ranges:
        if low > start:
            made.append((start, low - 1))
        start = high + 1
    return (*made, (start, LAST)) if start <= LAST else tuple(made)


DIGIT: Ranges = ((48, 57),)
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
SPACE = united((ord(character), ord(character)) for character in _SPACES)
LINE_ENDS = united((ord(character), ord(character)) for character in "\n\r\u2028\u2029")
ANY = complement(LINE_ENDS)
_CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
_CLASSES |= {letter.upper(): complement(ranges) for letter, ranges in list(_CLASSES.items())}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}


def parse(pattern: str) -> Node | None:
    """Return the tree of a regular expression; None where it cannot be read."""
    return _parsed(pattern) if len(pattern) <= MAX_LENGTH else None


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Node | None:
    try:
        return _Reader(pattern).whole()
    except (ValueError, RecursionError, OverflowError):  # NotSupported, or a number with too many digits
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def whole(self) -> Node:
        node = self.choice()
        if self.at < len(self.text):
            raise NotSupported(f"unexpected {self.text[self.at]!r} at {self.at}")
        return node

    def starts_with(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        found = self.starts_with(text)
        self.at += len(text) if found else 0
        return found

    def next(self) -> str:
        if self.at >= len(self.text):
            raise NotSupported("the expression ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def until(self, end: str) -> str:
        found = self.text.find(end, self.at)
        if found < 0:
            raise NotSupported(f"{end!r} is missing")
        text, self.at = self.text[self.at : found], found + len(end)
        return text

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotSupported("nested too deep")
        options = [self.sequence()]
        while self.take("|"):
            options.append(self.sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.text) and not self.starts_with("|") and not self.starts_with(")"):
            items.append(self.repeated(self.atom()))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def repeated(self, item: Node) -> Node:
        if self.take("*"):
            least, most = 0, MANY
        elif self.take("+"):
            least, most = 1, MANY
        elif self.take("?"):
            least, most = 0, 1
        elif (counts := self.counts()) is not None:
            least, most = counts
        else:
            return item
        if isinstance(item, Edge):
            raise NotSupported("a repeated edge")
        return Repeat(item, least, most, self.take("?"))

    def counts(self) -> tuple[int, int] | None:
        if not self.starts_with("{"):
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if not low.isdecimal() or not (high.isdecimal() or not high):
            return None  # a brace that is an ordinary character (ECMA-262 annex B)
        self.at = end + 1
        counts = int(low), (int(high) if high else MANY) if comma else int(low)
        if counts[0] > counts[1]:
            raise NotSupported("the counts are out of order")
        return counts

    def atom(self) -> Node:
        character = self.next()
        match character:
            case "^" | "$":
                return Edge(character == "^")
            case ".":
                return Characters(ANY)
            case "(":
                return self.group()
            case "[":
                return self.set()
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise NotSupported("nothing to repeat")
        return _one(ord(character))

    def group(self) -> Node:
        opening = next((text for text in ("?:", "?=", "?!", "?<=", "?<!") if self.take(text)), None)
        if opening is None and self.take("?"):
            if not self.take("<"):
                raise NotSupported("an unknown sort of group")
            self.until(">")
        inner = self.choice()
        if not self.take(")"):
            raise NotSupported("a parenthesis is not closed")
        return Opaque(f"({opening}", inner, ")") if opening and opening != "?:" else inner

    def set(self) -> Node:
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        written: list[str] = []
        while not self.take("]"):
            low = self.member()
            if self.starts_with("-") and not self.starts_with("-]"):
                self.at += 1
                high = self.member()
                if low.written or high.written or len(low.ranges) * len(high.ranges) != 1:
                    raise NotSupported("a range between sets")
                if low.ranges[0][0] > high.ranges[0][1]:
                    raise NotSupported("a range out of order")
                ranges.append((low.ranges[0][0], high.ranges[0][1]))
            else:
                ranges += low.ranges
                written += [low.written] if low.written else []
        known = united(ranges)
        if written:
            listed = "".join(f"{_spelt(low)}-{_spelt(high)}" for low, high in known)
            return Characters(known, f"[{'^' if negated else ''}{listed}{''.join(written)}]")
        return Characters(complement(known) if negated else known)

    def member(self) -> Characters:
        character = self.next()
        if character != "\\":
            return _one(ord(character))
        if self.take("b"):
            return _one(8)
        found = self.escape()
        if not isinstance(found, Characters):
            raise NotSupported("an escape that is no character, in a set")
        return found

    def escape(self) -> Node:
        letter = self.next()
        if letter in _CLASSES:
            return Characters(_CLASSES[letter])
        if letter in _CONTROLS:
            return _one(_CONTROLS[letter])
        match letter:
            case "b" | "B":
                return Opaque(f"\\{letter}")
            case "k":
                raise NotSupported("a reference to a named group")
            case "c":
                return _one(ord(self.next()) % 32)
            case "x":
                return _one(self.hexadecimal(2))
            case "u":
                return _one(self.unicode())
            case "p" | "P":
                if not self.take("{"):
                    raise NotSupported("a property without a name")
                return Characters((), f"\\{letter}{{{self.until('}')}}}")
        if letter.isdecimal():
            raise NotSupported("a reference to a group")
        if letter.isalpha():
            raise NotSupported(f"the escape \\{letter}")
        return _one(ord(letter))

    def hexadecimal(self, count: int) -> int:
        digits = "".join(self.next() for _ in range(count))
        try:
            return int(digits, 16)
        except ValueError:
            raise NotSupported("hexadecimal digits are missing") from None

    def unicode(self) -> int:
        if self.take("{"):
            try:
                code = int(self.until("}"), 16)
            except ValueError:
                raise NotSupported("hexadecimal digits are missing") from None
        else:
            code = self.hexadecimal(4)
            if 0xD800 <= code < 0xDC00 and self.take("\\u"):
                code = 0x10000 + ((code - 0xD800) << 10) + self.hexadecimal(4) - 0xDC00
        if not 0 <= code <= LAST:
            raise NotSupported("a code point out of range")
        return code


def _one(code: int) -> Characters:
    return Characters(((code, code),))


def _spelt(code: int) -> str:
    return f"\\U{code:08x}"


def python(node: Node) -> str:
    """Return the expression for the module `regex`, with ECMA-262's meaning."""
    match node:
        case Characters(ranges, written):
            if written:
                return written
            members = "".join(f"{_spelt(low)}-{_spelt(high)}" for low, high in ranges)
            return f"[{members}]" if members else "(?!)"
        case Sequence(items):
            return "".join(map(python, items))
        case Choice(options):
            return f"(?:{'|'.join(map(python, options))})"
        case Repeat(item, least, most, lazy):
            return f"(?:{python(item)}){{{least},{most if most < MANY else ''}}}{'?' if lazy else ''}"
        case Edge(start):
            return r"\A" if start else r"\Z"
        case Opaque(before, item, after):
            return before + (python(item) if item is not None else "") + after
