"""Versions of contracts: SemVer 2.0.0 without build metadata, or `vN`, which orders as N.0.0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache, total_ordering

# https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?")
_V_NUMBER = re.compile(rf"v{_NUMBER}")
MAX_LENGTH = 128


class InvalidVersion(ValueError):
    """The text is not a version; the message says what a version is."""


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version, compared by precedence (SemVer 2.0.0 section 11): `v1` equals `1.0.0`."""

    text: str
    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.2.3`, `1.2.3-rc.1` or `v1`. Raises InvalidVersion."""
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            raise InvalidVersion(f"a version is a string of at most {MAX_LENGTH} characters")
        return _parse(text)

    @classmethod
    def _read(cls, text: str) -> Version:
        if match := _V_NUMBER.fullmatch(text):
            return cls(text, int(match[1]), 0, 0)
        if match := _SEMVER.fullmatch(text):
            prerelease = tuple(match[4].split(".")) if match[4] else ()
            return cls(text, int(match[1]), int(match[2]), int(match[3]), prerelease)
        if "+" in text and _SEMVER.fullmatch(text.split("+", 1)[0]):
            raise InvalidVersion(
                f"{text!r} carries build metadata, which takes no part in precedence; "
                f"publish {text.split('+', 1)[0]!r} without it"
            )
        raise InvalidVersion(f"{text!r} is neither SemVer 2.0.0 (such as 1.2.3 or 1.2.3-rc.1) nor vN (such as v1)")

    @cached_property
    def precedence(self) -> tuple[object, ...]:
        """The key by which versions are ordered."""
        # A release outranks its prereleases; numeric identifiers rank below alphanumeric ones.
        identifiers = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease)
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.precedence == other.precedence

    def __lt__(self, other: Version) -> bool:
        return self.precedence < other.precedence

    def __hash__(self) -> int:
        return hash(self.precedence)

    def __str__(self) -> str:
        return self.text


@lru_cache(4096)
def _parse(text: str) -> Version:
    # A registry reads the same few versions for many names.
    return Version._read(text)  # noqa: SLF001  its own class


def release_of(version: Version) -> Version:
    """Return the release that a prerelease comes before; a release itself."""
    return Version.parse(f"{version.major}.{version.minor}.{version.patch}") if version.prerelease else version


def allows_breaking(current: Version, proposed: Version) -> bool:
    """Return whether the step may break: a major bump, or a minor one while the major is 0 (SemVer section 4)."""
    if proposed.major != current.major:
        return proposed.major > current.major
    return current.major == 0 and proposed.minor > current.minor


def smallest_breaking(current: Version) -> str:
    """Return the lowest version that may break `current`, in the style of `current`."""
    if current.text.startswith("v"):
        return f"v{current.major + 1}"
    return f"0.{current.minor + 1}.0" if current.major == 0 else f"{current.major + 1}.0.0"


def smallest_minor(current: Version) -> str:
    """Return the lowest version that may add to `current`; for `vN`, the next one."""
    if current.text.startswith("v"):
        return f"v{current.major + 1}"
    # A prerelease of 1.1.0 may still become 1.1.0.
    started = current.prerelease and not current.patch
    return f"{current.major}.{current.minor + (not started)}.0"


def smallest_patch(current: Version) -> str:
    """Return the lowest version above `current` that is not an addition; for `vN`, the next one."""
    if current.text.startswith("v"):
        return f"v{current.major + 1}"
    return f"{current.major}.{current.minor}.{current.patch + (not current.prerelease)}"
