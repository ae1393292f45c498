"""The admin site of the registry: its name, the order of its sections, and its start page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _


class ConsoleSite(AdminSite):
    site_title = _("Contract registry")
    site_header = _("Contract registry")
    index_title = _("Overview")
    site_url = None

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the admin's sections, the registry first and its contracts on top."""
        order = ["Contract", "Proposal", "Binding", "Webhook", "Policy", "Signer", "AuditEntry"]
        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "contracts_app":
                app["models"].sort(key=lambda model: order.index(model["object_name"]))
            if app["app_label"] == "axes":
                # Only login attempts are kept: deleting one lets the user log in again.
                app["name"] = _("Login throttling")
                app["models"] = [model for model in app["models"] if model["object_name"] == "AccessAttempt"]
        apps.sort(key=lambda app: app["app_label"] != "contracts_app")
        return apps

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from contracts_app.console.dashboard import dashboard

        return super().index(request, {**(extra_context or {}), **dashboard(request)})

    def catch_all_view(self, request: HttpRequest, url: str) -> HttpResponse:
        """Respond 404; if only the trailing slash is missing, redirect to the URL with it."""
        from contracts_app.console.pages import missing

        if not request.path.endswith("/") and request.method in ("GET", "HEAD"):
            try:
                match = resolve(f"{request.path_info}/")
            except Resolver404:
                return missing(request)
            if getattr(match.func, "should_append_slash", True):
                return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
        return missing(request)
