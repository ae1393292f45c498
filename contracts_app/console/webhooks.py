"""Pages of the webhooks: where events are sent, trying them, and what could not be delivered."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from contracts_app.console.forms import ConsoleForm
from contracts_app.console.groups import CHANGE_POLICY
from contracts_app.console.pages import actor_of, forbidden, form_status, missing, page, render_page
from contracts_app.console.prefix_groups import may_everywhere
from contracts_app.exceptions import ContractError, ContractNotFound
from contracts_app.storage import contract_store
from contracts_app.webhooks.changes import (
    dead_letters,
    delete_webhook,
    find_webhook,
    redeliver,
    rotate_secret,
    send_test,
    set_webhook,
)
from contracts_app.webhooks.delivery import Outcome
from contracts_app.webhooks.hooks import Webhook, WebhookRequest, check_webhook, check_webhook_name, webhooks_of
from contracts_app.webhooks.signing import secret_of

_LIST = "admin:contracts_app_webhook_changelist"
MAX_LETTERS = 50
"""Dead letters that a page shows."""


class WebhookForm(ConsoleForm):
    """What a user wants of a webhook."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=64, help_text=gettext_lazy("a-z, 0-9 and -"))
    url = forms.CharField(
        label=gettext_lazy("URL"),
        max_length=1000,
        help_text=gettext_lazy("https:// and a public host, or a host of a network in WEBHOOK_NETWORKS"),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "inputmode": "url"}),
    )
    types = forms.CharField(
        label=gettext_lazy("Types of events"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Separated by commas, such as contract.published; empty for all"),
    )
    contracts = forms.CharField(
        label=gettext_lazy("Contracts"),
        required=False,
        max_length=10_000,
        help_text=gettext_lazy("Names, or prefixes such as payments.*, separated by commas; empty for all"),
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=200)
    enabled = forms.BooleanField(label=gettext_lazy("Enabled: otherwise its events wait"), required=False)

    def webhook(self) -> WebhookRequest:
        """Return what the form asks for. Raises MalformedContract."""
        given = {name: self.cleaned_data[name] for name in ("url", "description", "enabled")}
        lists = {name: _parts(self.cleaned_data[name]) for name in ("types", "contracts")}
        return check_webhook(given | lists)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@page(CHANGE_POLICY)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):  # a webhook may receive what every contract does
        return forbidden(request)
    hooks = [hook for _, hook in webhooks_of(contract_store().index("webhook").documents).values()]
    return render_page(request, "webhooks.html", title=_("Webhooks"), hooks=hooks)


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):
        return forbidden(request)
    if request.method != "POST":
        return _page(request, WebhookForm(initial={"enabled": True}), _("New webhook"))
    return _save(request, WebhookForm(request.POST), _("New webhook"), new=True)


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, webhook: str) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):
        return forbidden(request)
    try:
        _sequence, hook = find_webhook(webhook)
    except ContractNotFound:
        return missing(request)
    title = _("Webhook %s") % webhook
    if request.method != "POST":
        return _page(request, _filled(hook), title, hook)
    try:
        if "delete" in request.POST:
            if "confirm" not in request.POST:
                return _page(request, _filled(hook), title, hook, asks=True)
            delete_webhook(webhook, actor_of(request))
            messages.success(request, _("The webhook %s was deleted.") % webhook)
            return redirect(_LIST)
        if "rotate" in request.POST:
            hook = rotate_secret(webhook, actor_of(request))
            return _page(request, _filled(hook), title, hook, secret=secret_of(hook.keys[0]))
        if "test" in request.POST:
            _report(request, async_to_sync(send_test)(hook))
            return redirect("admin:contracts_app_webhook_change", webhook)
        if event := request.POST.get("redeliver"):
            _report(request, async_to_sync(redeliver)(hook, event))
            return redirect("admin:contracts_app_webhook_change", webhook)
    except ContractError as error:
        messages.error(request, error.message)
        return redirect("admin:contracts_app_webhook_change", webhook)
    return _save(request, WebhookForm({**request.POST.dict(), "name": webhook}), title, hook)


def _save(
    request: HttpRequest, form: WebhookForm, title: str, hook: Webhook | None = None, *, new: bool = False
) -> HttpResponse:
    if not form.is_valid():
        return _page(request, form, title, hook)
    name = form.cleaned_data["name"]
    try:
        wanted = form.webhook()
        check_webhook_name(name)
        _sequence, made, _is_new = set_webhook(name, wanted, actor_of(request), only_new=new)
    except ContractError as error:
        form.refuse(error)
        return _page(request, form, title, hook, status=form_status(error))
    if new:
        title = _("Webhook %s") % name
        return _page(request, _filled(made), title, made, secret=secret_of(made.keys[0]))
    messages.success(request, _("Saved: the webhook %s.") % name)
    return redirect(_LIST)


def _filled(hook: Webhook) -> WebhookForm:
    lists = {"types": ", ".join(hook.types), "contracts": ", ".join(hook.contracts)}
    return WebhookForm(initial={**vars(hook), **lists})


def _report(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.delivered:
        messages.success(request, _("The event was delivered (%s).") % outcome.status)
    else:
        messages.error(request, _("The event was not delivered: %s") % outcome.reason)


def _page(
    request: HttpRequest,
    form: WebhookForm,
    title: str,
    hook: Webhook | None = None,
    *,
    asks: bool = False,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    letters: list[dict[str, Any]] = dead_letters(hook) if hook is not None else []
    return render_page(
        request,
        "webhook.html",
        title=title,
        trail=[(_("Webhooks"), reverse(_LIST))],
        form=form,
        hook=hook,
        letters=letters[-MAX_LETTERS:],
        letter_count=len(letters),
        asks=asks,
        secret=secret,
        status=status,
    )
