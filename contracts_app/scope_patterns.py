"""Patterns of contract names in scopes and groups: one name, or all below a prefix (`payments.*`)."""

from __future__ import annotations

EVERY_NAME = "*"
_ANY_SUFFIX = ".*"


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern covers a name."""
    if pattern == EVERY_NAME:
        return True
    return name.startswith(pattern[:-1]) if pattern.endswith(_ANY_SUFFIX) else name == pattern


def covers_prefix(pattern: str, prefix: str) -> bool:
    """Return whether a pattern covers every name below a prefix."""
    return pattern == EVERY_NAME or (pattern.endswith(_ANY_SUFFIX) and covers(pattern, f"{prefix}."))
