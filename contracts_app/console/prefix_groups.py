"""Permissions for some contracts: a group named `ROLE:PATTERN`, such as `publisher:payments.*`.

It gives what the group ROLE gives at first (console/groups.py), for the contracts that PATTERN covers: one name, or all
below a prefix. An administrator adds the group in the admin and puts users into it; it needs no permissions of its own.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest

from contracts_app.console.groups import AUDIT, GROUPS
from contracts_app.scope_patterns import covers, covers_prefix

_CACHE = "_registry_patterns"


class PrefixGroups(BaseBackend):
    """An authentication backend that authenticates nobody. `user.has_perm(permission, name)` is about one contract.

    `user.has_perm(permission)` is true where the user has the permission for at least one contract, so that the console
    shows its pages; each page then asks for the name.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not user_obj.is_active:
            return False
        if may_everywhere(user_obj, perm):
            return True
        patterns = _patterns(user_obj).get(perm, ())
        return bool(patterns) if obj is None else any(covers(pattern, str(obj)) for pattern in patterns)


def may_everywhere(user: Any, permission: str) -> bool:
    """Return whether a user has a permission for all contracts."""
    return bool(user.is_active and (user.is_superuser or ModelBackend().has_perm(user, permission)))


def may_below(user: Any, permission: str, prefix: str) -> bool:
    """Return whether a user has a permission for all contracts below a prefix."""
    return may_everywhere(user, permission) or any(
        covers_prefix(pattern, prefix) for pattern in _patterns(user).get(permission, ())
    )


def may(request: HttpRequest, permission: str, name: str | None = None) -> bool:
    """Return whether the user has a permission for a contract; without a name, for at least one."""
    user: Any = request.user
    return bool(user.has_perm(permission, name))


def _patterns(user: Any) -> dict[str, list[str]]:
    """Return the patterns of a user's groups by permission, read once for each request."""
    found: dict[str, list[str]] | None = getattr(user, _CACHE, None)
    if found is None:
        found = {}
        for name in user.groups.filter(name__contains=":").values_list("name", flat=True):
            role, _, pattern = name.partition(":")
            # The audit log is not divided by contracts in the console.
            for permission in GROUPS.get(role, ()):
                if permission != AUDIT:
                    found.setdefault(permission, []).append(pattern)
        setattr(user, _CACHE, found)
    return found
