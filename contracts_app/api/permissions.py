"""What a token may do: each view names the scope of each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

READ = "contracts:read"
WRITE = "contracts:write"


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = READ if request.method in ("GET", "HEAD", "OPTIONS") else WRITE
        token: Any = request.auth
        if scope not in token.scopes:
            raise PermissionDenied(f"Insufficient permissions: {scope} scope required", code="insufficient_scope")
        return True
