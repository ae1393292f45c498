"""The claims of a verified token, read strictly: each has the type that RFC 7519 requires, and a bounded size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

MAX_SUBJECT_CHARACTERS = 255
MAX_SCOPES = 1000
MAX_SCOPE_CHARACTERS = 300
_MAX_DATE = 253_402_300_800
"""The end of the year 9999, in seconds since 1970."""
_DATES = ("exp", "nbf", "iat")


class InvalidClaim(ValueError):
    """A claim has another form than it must have; the message names it."""


def check_dates(claims: Mapping[str, Any]) -> None:
    """Raise InvalidClaim unless each date is a JSON number of seconds that a clock can show (RFC 7519, section 2)."""
    for name in _DATES:
        value = claims.get(name)
        if name not in claims or (name != "exp" and value is None):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InvalidClaim(f"the claim {name} must be a number of seconds")
        if not 0 <= value < _MAX_DATE:
            raise InvalidClaim(f"the claim {name} is out of range")


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return `sub`. Raises InvalidClaim."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise InvalidClaim("Token has no sub claim")
    if len(subject) > MAX_SUBJECT_CHARACTERS:
        raise InvalidClaim(f"the claim sub has more than {MAX_SUBJECT_CHARACTERS} characters")
    if not _is_printable(subject):
        raise InvalidClaim("the claim sub has characters that cannot be printed or encoded")
    return subject


def scopes_of(claims: Mapping[str, Any], names: Sequence[str], mapping: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the scopes from the first of these claims that is present, with those that `mapping` gives to others.

    A name may be a path such as `realm_access.roles`. A claim is a list of texts, or one text with blanks between the
    scopes; null counts as absent. Raises InvalidClaim.
    """
    for name in names:
        value = claims.get(name)
        if value is None and "." in name:
            value = _at(claims, name.split("."))
        if value is None:
            continue
        listed = value.split() if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise InvalidClaim(f"the claim {name} must be a text or a list of texts")
        if len(listed) > MAX_SCOPES or any(len(each) > MAX_SCOPE_CHARACTERS for each in listed):
            raise InvalidClaim(f"the claim {name} has more than {MAX_SCOPES} scopes, or a very long one")
        return frozenset(scope for each in listed for scope in (each, *mapping.get(each, ())))
    return frozenset()


def _at(claims: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(claims, Mapping):
            return None
        claims = claims.get(step)
    return claims


def _is_printable(text: str) -> bool:
    # Surrogates, controls, line separators and unassigned characters are not printable; blanks are.
    return all(letter.isprintable() for letter in text)
