"""Scopes of tokens: a view names the scope of each of its actions; otherwise the HTTP method decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

READ = "contracts:read"
WRITE = "contracts:write"
ADMIN = "contracts:admin"
OVERRIDE = "contracts:override"
AUDIT = "contracts:audit"
ALL = (READ, WRITE, ADMIN, OVERRIDE, AUDIT)


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes: dict[str | None, str] = getattr(view, "scopes", {})
        by_method = READ if request.method in ("GET", "HEAD", "OPTIONS") else WRITE
        require(request, scopes.get(getattr(view, "action", None), by_method))
        return True


def require(request: Request, scope: str) -> None:
    """Raise PermissionDenied if the token lacks the scope."""
    token: Any = request.auth
    if scope not in token.scopes:
        raise PermissionDenied(f"Insufficient permissions: {scope} scope required", code="insufficient_scope")
