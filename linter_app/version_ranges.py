"""Ranges of versions, as package managers write them: `^1.2`, `~1.2`, `1.x`, `>=1.2 <3`, `1.2 - 1.4`, `^1 || ^2`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from linter_app.semver import InvalidVersion, Version

MAX_LENGTH = 200
_PARTIAL = re.compile(r"v?(\d{1,18}|[xX*])(?:\.(\d{1,18}|[xX*])(?:\.(\d{1,18}|[xX*])(?:-([0-9A-Za-z.-]+))?)?)?")
_COMPARATOR = re.compile(r"(\^|~|>=|<=|>|<|=)?\s*([0-9vxX*][0-9A-Za-z.*-]*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")


class InvalidRange(ValueError):
    """The text is not a range of versions; the message says what a range is."""


@dataclass(frozen=True)
class _Bound:
    lowest: Version
    """Included."""
    below: Version | None
    """Excluded; None where there is no upper bound."""
    prereleases_of: tuple[int, int, int] | None = None
    """The major, minor and patch of a prerelease that the bound names."""

    def admits(self, version: Version) -> bool:
        return self.lowest <= version and (self.below is None or version < self.below)


@dataclass(frozen=True)
class VersionRange:
    """Alternatives of conjunctions of bounds.

    A range includes a prerelease only where it names one of the same major, minor and patch, as in package managers.
    """

    alternatives: tuple[tuple[_Bound, ...], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Return the range of a text. Raises InvalidRange."""
        if len(text) > MAX_LENGTH:
            raise InvalidRange(f"a range has at most {MAX_LENGTH} characters")
        if not text.isprintable():
            raise InvalidRange("a range has no control characters")
        return cls(tuple(_conjunction(part.strip()) for part in text.split("||")))

    def admits(self, version: Version) -> bool:
        return any(self._admits(bounds, version) for bounds in self.alternatives)

    def _admits(self, bounds: tuple[_Bound, ...], version: Version) -> bool:
        if not all(bound.admits(version) for bound in bounds):
            return False
        return not version.prerelease or _numbers(version) in [bound.prereleases_of for bound in bounds]


def _numbers(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


def _conjunction(text: str) -> tuple[_Bound, ...]:
    if hyphen := _HYPHEN.fullmatch(text):
        return _comparator(">=", hyphen[1]), _comparator("<=", hyphen[2])
    bounds: list[_Bound] = []
    position = 0
    while position < len(text):
        match = _COMPARATOR.match(text, position)
        if not match:
            raise InvalidRange(f"{text!r} is no range of versions; write one like ^1.2, ~1.2, 1.x or >=1.2 <3")
        bounds.append(_comparator(match[1] or "", match[2]))
        position = match.end()
        while position < len(text) and text[position] in " ,":
            position += 1
    if not bounds:
        raise InvalidRange("an empty text is no range of versions; `*` is any")
    return tuple(bounds)


def _comparator(operator: str, text: str) -> _Bound:
    match = _PARTIAL.fullmatch(text)
    if not match:
        raise InvalidRange(f"{text!r} is no version in a range; write one like 1, 1.2, 1.2.3 or 1.x")
    given: list[int] = []
    for part in match.groups()[:3]:
        if part is None or not part.isdigit():
            break
        given.append(int(part))
    suffix = f"-{match[4]}" if match[4] and len(given) == 3 else ""
    lowest = _version(given, suffix)
    following = _next(given, len(given) - 1)
    names = _numbers(lowest) if suffix else None
    if operator == "^":
        significant = next((position for position, number in enumerate(given) if number), len(given) - 1)
        return _Bound(lowest, _next(given, min(significant, len(given) - 1)), names)
    if operator == "~":
        return _Bound(lowest, _next(given, min(1, len(given) - 1)), names)
    if operator == ">=":
        return _Bound(lowest, None, names)
    if operator == "<":
        return _Bound(_ZERO, lowest, names)
    if operator == ">":
        if len(given) == 3:
            return _Bound(_after(lowest), None, names)
        return _Bound(following, None) if following else _Bound(lowest, _ZERO)
    if operator == "<=":
        return _Bound(_ZERO, _after(lowest) if len(given) == 3 else following, names)
    return _Bound(lowest, _after(lowest) if len(given) == 3 else following, names)


def _version(numbers: list[int], suffix: str = "") -> Version:
    try:
        return Version.parse(".".join(map(str, [*numbers, 0, 0, 0][:3])) + suffix)
    except InvalidVersion as error:
        raise InvalidRange(str(error)) from None


_ZERO = Version.parse("0.0.0-0")


def _next(given: list[int], position: int) -> Version | None:
    """Return the lowest version with a greater number at `position`, its prereleases excluded; None for no bound."""
    if position < 0:
        return None
    return _version([*given[:position], given[position] + 1], "-0")


def _after(version: Version) -> Version:
    """Return the lowest version above: nothing is between `1.2.3` and `1.2.4-0`, or `1.2.3-a` and `1.2.3-a.0`."""
    if version.prerelease:
        return Version.parse(f"{version.text}.0")
    return Version.parse(f"{version.major}.{version.minor}.{version.patch + 1}-0")
