"""Common parts of the console's pages: permission checks, the page frame, and error pages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from contracts_app.bundles import valid_name
from contracts_app.console.prefix_groups import may
from contracts_app.exceptions import RETRY_AFTER_SECONDS, ContractError, ContractNotFound, StorageUnavailable
from contracts_app.request_context import request_id, stale_reads
from contracts_app.storage import Actor, ContractIndex, Entry, contract_store

View = Callable[..., HttpResponse]
Trail = Iterable[tuple[str, str]]


def page(permission: str) -> Callable[[View], View]:
    """A view for users with a permission, for the contract that the URL names.

    Errors of the registry and an unavailable store become pages. A view without a name in its URL is for users that
    have the permission for some contract, and checks or filters the names itself.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request, permission, None if "level" in kwargs else kwargs.get("name")):
                return forbidden(request)
            try:
                return view(request, *args, **kwargs)
            except ContractError as error:
                return problem(request, error)

        return guarded

    return decorate


def render_page(
    request: HttpRequest, template: str, *, title: str, trail: Trail = (), status: int = 200, **context: Any
) -> HttpResponse:
    """Render a page in the admin's frame. `trail` is the breadcrumbs between the start page and this one."""
    context |= admin.site.each_context(request) | {"title": title, "trail": list(trail)}
    return render(request, f"console/{template}", context, status=status)


def stale_reads_of(request: HttpRequest) -> dict[str, Any]:
    """Return what templates say about how current a page is (a context processor).

    The reads of this request say whether any is out of date; `mirror` is how far a read-only mirror is behind.
    """
    return {"stale_reads": stale_reads.get(), "mirror": contract_store().mirror}


def trail_to(name: str = "", version: str = "") -> list[tuple[str, str]]:
    """Return the breadcrumbs from the list of contracts to a contract, or to one of its versions."""
    trail = [(_("Contracts"), reverse("admin:contracts_app_contract_changelist"))]
    if name:
        trail.append((name, reverse("admin:contracts_app_contract_change", args=[name])))
    if version:
        trail.append((version, reverse("admin:contracts_app_contract_version", args=[name, version])))
    return trail


def actor_of(request: HttpRequest) -> Actor:
    return Actor(request.user.get_username(), request_id.get())


def form_status(error: ContractError) -> int:
    """Return the status of a form shown again: 200 as in Django, except for a conflict or an unavailable store."""
    status = error.status
    return status if status in (409, 503) else 200


def problem(request: HttpRequest, error: ContractError) -> HttpResponse:
    """Render the page for an error; where the store is unavailable the page reloads itself."""
    away = isinstance(error, StorageUnavailable)
    response = render_page(
        request,
        "problem.html",
        title=_("The store is unavailable") if away else _("This page cannot be shown"),
        status=error.status,
        message=error.message,
        away=away,
        # A submitted form is not submitted again automatically.
        comes_back=away and request.method == "GET",
    )
    if away:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def forbidden(request: HttpRequest) -> HttpResponse:
    message = _(
        "Your account does not have the permission for this. An administrator can add you to a group that has it."
    )
    return render_page(request, "problem.html", title=_("Not permitted"), status=403, message=message)


def missing(request: HttpRequest) -> HttpResponse:
    message = _("This page does not exist. The link may be outdated or mistyped.")
    return render_page(request, "problem.html", title=_("Page not found"), status=404, message=message)


def entries_of(name: str) -> tuple[ContractIndex, tuple[Entry, ...]]:
    """Return an index, and the versions of a contract. Raises ContractNotFound, StorageUnavailable."""
    if not valid_name(name):
        raise ContractNotFound(f"There is no contract {name!r:.80}", name=name)
    index = contract_store().index(name)
    entries = index.versions(name)
    if not entries:
        raise ContractNotFound(f"There is no contract {name}", name=name)
    return index, entries
