"""The publish page: an editor that shows the verdict. What is written is exactly what was checked."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contracts_app.bundles import ContractBundle, compact, key_of, valid_name
from contracts_app.console.checking import CheckResult, check, refused
from contracts_app.console.forms import PublishForm
from contracts_app.console.groups import OVERRIDE, PUBLISH, VIEW
from contracts_app.console.pages import actor_of, form_status, page, render_page, trail_to
from contracts_app.console.prefix_groups import may
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractError,
    ContractNotFound,
    PreconditionFailed,
    ReviewRequired,
    StorageUnavailable,
)
from contracts_app.lifecycle import COMPARABLE, DRAFT
from contracts_app.policies import Policy, policy_of
from contracts_app.services.dependencies import referred_names
from contracts_app.services.proposals import propose
from contracts_app.services.publish_requests import PublishRequest, read_publish
from contracts_app.services.publishing import publish as publish_version
from contracts_app.services.schema_words import schema_words
from contracts_app.storage import Entry, contract_store
from linter_app.semver import Version, smallest_minor

FRAGMENT = "X-Fragment"
"""A request with this header gets the outcome alone, which the page's script puts next to the editor."""
_ACTIONS = {"publish": "checked", "publish_as": "checked_as", "save_draft": ""}
"""What the page's buttons do, each with the field that holds the token of what was checked."""


@page(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest) -> HttpResponse:
    """Check a contract and publish it. Every viewer may check."""
    if request.method != "POST":
        initial = _prefilled(request)
        return _page(request, PublishForm(initial=initial), base=initial.get("base", ""))
    form = PublishForm(request.POST, request.FILES)
    wanted = next((action for action in _ACTIONS if action in request.POST), "")
    order: PublishRequest | None = None
    if not form.is_valid():
        return _page(request, form)
    try:
        body = form.order(draft=wanted == "save_draft", version=request.POST.get("publish_as", ""))
        order, checked = read_publish(body), _token(body)
        if fault := _forbidden(request, order, wanted):
            form.add_error(None, fault)
            return _page(request, form)
        if wanted == "save_draft" or (wanted and request.POST.get(_ACTIONS[wanted]) == checked):
            try:
                return _publish(request, order)
            except ReviewRequired as required:
                return _propose(request, order, required)
        if wanted:
            messages.warning(request, _("The content changed after it was checked. This is the new verdict."))
        found = check(order, actor_of(request), partial(may, request, VIEW))
        return _page(request, form, outcome=found, checked=checked)
    except PreconditionFailed as error:
        form.add_error(None, _draft_changed(order, error))
        return _page(request, form, etag=str(error.extras["etag"]), status=409)
    except ContractError as error:
        found = refused(error, form, order)
        if isinstance(error, ContractAlreadyExists) and found.exists:
            form.errors.clear()
            form.add_error(None, _exists(found))
        as_required = ""
        if order is not None and found.required_version and may(request, PUBLISH, order.bundle.name):
            as_required = _token(form.order(version=found.required_version))
        return _page(request, form, outcome=found, checked_as=as_required, status=form_status(error))


def _forbidden(request: HttpRequest, order: PublishRequest, wanted: str) -> str:
    """Return why the user may not do this, or an empty string."""
    name = order.bundle.name
    shown = sorted({name} | referred_names(order.bundle.json_schema, order.bundle.wit))
    if hidden := [each for each in shown if not may(request, VIEW, each)]:
        return _("Your account cannot view %s.") % hidden[0]
    if wanted and not may(request, PUBLISH, name):
        return _("Your account can check contracts but not publish them.")
    if order.override is not None and not may(request, OVERRIDE, name):
        return _("Your account cannot override a policy.")
    return ""


def _publish(request: HttpRequest, order: PublishRequest) -> HttpResponse:
    done = publish_version(
        bundle=order.bundle,
        actor=actor_of(request),
        draft=order.draft,
        override=order.override,
        replaces=request.POST.get("draft_etag", ""),
    )
    published = done.bundle
    words = _("Saved: %(name)s %(version)s is a draft.") if order.draft else _("Published: %(name)s %(version)s.")
    messages.success(request, words % {"name": published.name, "version": published.version})
    for warning in done.warnings:
        messages.warning(request, f"{warning.pointer}: {warning.message}")
    return redirect("admin:contracts_app_contract_version", published.name, published.version)


def _propose(request: HttpRequest, order: PublishRequest, required: ReviewRequired) -> HttpResponse:
    proposal = propose(order.bundle, required, actor_of(request), override=order.override)
    words = _("Proposed: %(name)s %(version)s. It is published once another person has approved it.")
    messages.success(request, words % {"name": proposal.name, "version": proposal.version})
    return redirect("admin:contracts_app_proposal_change", proposal.name, proposal.version)


def _exists(found: CheckResult) -> Any:
    url = reverse("admin:contracts_app_contract_version", args=[found.name, found.exists])
    same = _("with the same texts") if found.unchanged else _("with other texts, which are compared with yours here")
    return format_html(
        _('<a href="{}">{} {}</a> exists already, {}. A version never changes: choose another number.'),
        *(url, found.name, found.exists, same),
    )


def _draft_changed(order: PublishRequest | None, error: PreconditionFailed) -> Any:
    assert order is not None
    url = draft_url(order.bundle.name, str(error.extras["version"]))
    return format_html(
        _(
            'There is a draft <a href="{}">{} {}</a> that you have not opened here. Nothing was saved. '
            "Open it, choose another version, or save again to replace it."
        ),
        *(url, order.bundle.name, error.extras["version"]),
    )


def draft_url(name: str, version: str) -> str:
    """Return the address of the publish page with a draft."""
    return f"{reverse('admin:contracts_app_contract_add')}?name={name}&draft={version}"


def _page(
    request: HttpRequest,
    form: PublishForm,
    *,
    outcome: CheckResult | None = None,
    checked: str = "",
    checked_as: str = "",
    etag: str | None = None,
    base: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "outcome": outcome, "checked": checked, "checked_as": checked_as}
    context["may_publish"] = may(request, PUBLISH, outcome.name if outcome and outcome.name else None)
    if request.headers.get(FRAGMENT) == "outcome":
        response = render(request, "console/_outcome.html", context, status=200)
        response[FRAGMENT] = "outcome"
        return response
    given = form.initial.get("draft_etag", "") if not form.is_bound else form.data.get("draft_etag", "")
    name = str(form["name"].value() or "")
    policy = None
    with suppress(StorageUnavailable):  # the input is shown again, whatever is known of the contract
        policy = _policy_of(name)
    return render_page(
        request,
        "publish.html",
        title=_("Check and publish"),
        trail=trail_to(name) if policy is not None else trail_to(),
        draft_etag=given if etag is None else etag,
        draft=request.GET.get("draft", ""),
        base=base,
        overridable=policy is not None and policy.allow_override and may(request, OVERRIDE, name),
        words=compact(schema_words()).decode(),
        status=status,
        **context,
    )


def _policy_of(name: str) -> Policy | None:
    """Return the policy of a contract; None where there is none with this name. Raises StorageUnavailable."""
    if not valid_name(name):
        return None
    index = contract_store().index(name)
    return policy_of(index.documents, name) if index.versions(name) else None


def base_of(entries: tuple[Entry, ...]) -> Entry | None:
    """Return the version that a new one is compared with and starts from: the greatest that counts."""
    return next((each for each in reversed(entries) if each.state in COMPARABLE), None)


def next_version(entries: tuple[Entry, ...], base: Entry | None) -> str:
    """Return the smallest number that is free and may add to the base."""
    if base is None:
        return "1.0.0" if not entries else smallest_minor(Version.parse(entries[-1].version))
    taken = {each.precedence for each in entries}
    found = Version.parse(smallest_minor(Version.parse(base.version)))
    while found.precedence in taken:
        found = Version.parse(smallest_minor(found))
    return found.text


def _prefilled(request: HttpRequest) -> dict[str, str]:
    """Return the initial values: those of a draft, or for a new version those of the version it is compared with."""
    name, draft = request.GET.get("name", ""), request.GET.get("draft", "")
    if not valid_name(name) or not may(request, VIEW, name):
        return {}
    store = contract_store()
    index = store.index(name)
    entries = index.versions(name)
    if not entries:
        return {"name": name}
    opened = index.get(key_of(name, draft)) if draft else None
    base = opened if opened is not None and opened.state == DRAFT else base_of(entries)
    try:
        bundle: ContractBundle | None = store.content(base or entries[-1], index)
    except ContractNotFound:
        bundle = None
    if bundle is None:
        return {"name": name}
    is_draft = base is not None and base is opened
    return {
        "name": name,
        "version": bundle.version if is_draft else next_version(entries, base),
        "draft_etag": base.etag if is_draft and base is not None else "",
        "base": "" if is_draft else bundle.version,
        "description": bundle.description or "",
        "labels": ", ".join(bundle.labels),
        "schema": bundle.json_schema or "",
        "wit": bundle.wit or "",
        "descriptor": bundle.descriptor_text or "",
    }


def _token(order: dict[str, Any]) -> str:
    """Return a token that identifies exactly what was checked."""
    return hashlib.sha256(compact(order)).hexdigest()
