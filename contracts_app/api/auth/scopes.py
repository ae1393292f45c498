"""Scopes of tokens: for all contracts, such as `contracts:write`, or for some, such as `contracts:write:payments.*`.

A view names the scope of each of its actions; otherwise the HTTP method decides. The name of the contract comes from
the path. An action in `any_name` has no name there: it requires the scope for some contract, and the view checks or
filters the names itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from contracts_app.scope_patterns import EVERY_NAME, covers, covers_prefix
from contracts_app.services.dependencies import referred_names
from contracts_app.tracing import span

if TYPE_CHECKING:
    from rest_framework.views import APIView

READ = "contracts:read"
WRITE = "contracts:write"
ADMIN = "contracts:admin"
OVERRIDE = "contracts:override"
AUDIT = "contracts:audit"
REMOVE = "contracts:remove"
APPROVE = "contracts:approve"
ALL = (READ, WRITE, ADMIN, OVERRIDE, AUDIT, REMOVE, APPROVE)


class Scopes:
    """The scopes of one token. Scopes that are not the registry's are ignored."""

    def __init__(self, held: Iterable[str]) -> None:
        self._patterns: dict[str, frozenset[str]] = {}
        for scope in held:
            base, colon, pattern = scope.partition(":")[2].partition(":")
            whole = f"contracts:{base}"
            if scope.startswith("contracts:") and whole in ALL and (pattern or not colon):
                self._patterns[whole] = self._patterns.get(whole, frozenset()) | {pattern or EVERY_NAME}
        self._everywhere = frozenset(scope for scope, names in self._patterns.items() if EVERY_NAME in names)

    def allows(self, scope: str, name: str | None = None) -> bool:
        """Return whether the token has a scope for a contract; without a name, for all of them."""
        if scope in self._everywhere:
            return True
        return name is not None and any(covers(pattern, name) for pattern in self._patterns.get(scope, ()))

    def allows_prefix(self, scope: str, prefix: str) -> bool:
        """Return whether the token has a scope for all contracts below a prefix."""
        return any(covers_prefix(pattern, prefix) for pattern in self._patterns.get(scope, ()))

    def allows_some(self, scope: str) -> bool:
        """Return whether the token has a scope for at least one contract."""
        return scope in self._patterns


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes: dict[str | None, str] = getattr(view, "scopes", {})
        by_method = READ if request.method in ("GET", "HEAD", "OPTIONS") else WRITE
        action = getattr(view, "action", None)
        scope = scopes.get(action, by_method)
        with span("authorize", scope=scope):
            if action in getattr(view, "any_name", ()) and scopes_of(request).allows_some(scope):
                return True
            require(request, scope, view.kwargs.get("name"))
            return True


def scopes_of(request: Request) -> Scopes:
    """Return the scopes of an authenticated request."""
    token: Any = request.auth
    scopes: Scopes = token.scopes
    return scopes


def require(request: Request, scope: str, name: str | None = None) -> None:
    """Raise PermissionDenied if the token lacks the scope for a contract; without a name, for all of them."""
    if not scopes_of(request).allows(scope, name):
        where = f" for {name[:200]}" if name and scopes_of(request).allows_some(scope) else ""
        raise PermissionDenied(f"Insufficient permissions: {scope} scope required{where}", code="insufficient_scope")


def require_references(request: Request, schema: str | None, wit: str | None) -> None:
    """Raise PermissionDenied unless the token may read every contract that these texts refer to."""
    if not scopes_of(request).allows(READ):
        for name in sorted(referred_names(schema, wit)):
            require(request, READ, name)
