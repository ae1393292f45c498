"""Pages of the bindings of subjects to contracts, and the form that changes them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from contracts_app.bindings import LOCATIONS, MODES, Binding, binding_for, binding_named, check_binding, overlapping
from contracts_app.console.forms import ConsoleForm
from contracts_app.console.groups import CHANGE_POLICY, VIEW
from contracts_app.console.pages import actor_of, forbidden, form_status, missing, page, render_page
from contracts_app.console.prefix_groups import may, may_everywhere
from contracts_app.exceptions import ContractConflict, ContractError, PreconditionFailed
from contracts_app.services.bindings import all_bindings, binding_etag, set_binding
from contracts_app.services.search import resolve
from contracts_app.storage import contract_store

_LIST = "admin:contracts_app_binding_changelist"


class BindingForm(ConsoleForm):
    """The members of a binding."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=255,
        help_text=gettext_lazy("A NATS subject; * stands for one token, a last > for the rest"),
    )
    contract = forms.CharField(label=gettext_lazy("Contract"), max_length=200)
    range = forms.CharField(
        label=gettext_lazy("Versions"),
        max_length=200,
        initial="latest",
        help_text=gettext_lazy("A range such as ^1, an exact version, or latest"),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Mode"),
        choices=[(each, each) for each in MODES],
        initial="report",
        help_text=gettext_lazy("Whether messages that are not valid pass, are reported, or are refused"),
    )
    location = forms.ChoiceField(
        label=gettext_lazy("Where the value is"),
        choices=[(each, each) for each in LOCATIONS],
        help_text=gettext_lazy("The whole body, data of a CloudEvent, or at a JSON Pointer"),
    )
    pointer = forms.CharField(label=gettext_lazy("JSON Pointer"), required=False, max_length=255)
    owner = forms.CharField(label=gettext_lazy("Owner"), required=False, max_length=200)
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=200)
    reason = forms.CharField(
        label=gettext_lazy("Reason of this change"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Recorded in the audit"),
    )

    def binding(self) -> Binding:
        """Return the binding that the form describes. Raises MalformedContract."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in ("name", "reason") and value}
        return check_binding(self.cleaned_data["name"], given)


@page(VIEW)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    every = [each for each in all_bindings() if may(request, VIEW, each.contract)]
    subject = request.GET.get("subject", "").strip()[:255]
    return render_page(
        request,
        "bindings.html",
        title=_("Bindings"),
        rows=[(each, _version(each), overlapping(each, every)) for each in every],
        subject=subject,
        found=binding_for(every, subject) if subject else None,
    )


def _version(binding: Binding) -> str:
    """Return the version that a binding means now; empty if there is none."""
    try:
        return resolve(contract_store().index(binding.contract), binding.contract, binding.range).version
    except ContractError:
        return ""


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        initial = {"contract": request.GET.get("contract", ""), "range": "latest", "mode": "report"}
        return _page(request, BindingForm(initial=initial), _("New binding"))
    return _save(request, BindingForm(request.POST), _("New binding"), "")


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, binding: str) -> HttpResponse:
    present = binding_named(all_bindings(), binding)
    if present is None:
        return missing(request)
    if not may(request, CHANGE_POLICY, present.contract):
        return forbidden(request)
    title = _("Binding %s") % binding
    if request.method != "POST":
        initial = {"name": binding, **present.to_json()}
        etag = binding_etag(contract_store().index("binding"), binding) or ""
        return _page(request, BindingForm(initial=initial), title, etag=etag)
    etag = request.POST.get("etag", "")
    if "delete" in request.POST:
        if "confirm" not in request.POST:
            form = BindingForm(initial={"name": binding, **present.to_json()})
            return _page(request, form, title, etag=etag, asks=True)
        reason = request.POST.get("reason", "")[:2000]
        try:
            set_binding(name=binding, binding=None, actor=actor_of(request), reason=reason, expected_etag=etag or None)
        except PreconditionFailed as error:
            return _conflict(request, BindingForm(request.POST), title, error)
        messages.success(request, _("The binding %s was deleted.") % binding)
        return redirect(_LIST)
    return _save(request, BindingForm({**request.POST.dict(), "name": binding}), title, etag)


def _save(request: HttpRequest, form: BindingForm, title: str, etag: str) -> HttpResponse:
    if not form.is_valid():
        return _page(request, form, title, etag=etag)
    name = form.cleaned_data["name"]
    try:
        binding = form.binding()
        if not may(request, CHANGE_POLICY, binding.contract):
            form.add_error("contract", _("Your account cannot bind subjects to %s.") % binding.contract)
            return _page(request, form, title, etag=etag, status=403)
        set_binding(
            name=name,
            binding=binding,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            expected_etag=etag or None,
            permit=lambda present: _permit(request, present, is_new=not etag),
        )
    except PreconditionFailed as error:
        return _conflict(request, form, title, error)
    except ContractError as error:
        form.refuse(error)
        return _page(request, form, title, etag=etag, status=form_status(error))
    messages.success(request, _("Saved: the binding %s.") % name)
    return redirect(_LIST)


def _permit(request: HttpRequest, present: Binding | None, *, is_new: bool) -> None:
    """Raise unless a binding may be replaced, at the moment of the write."""
    if present is None:
        return
    if is_new:
        raise ContractConflict(_("A binding with this name exists already. Change that one."), field="name")
    if not may(request, CHANGE_POLICY, present.contract):
        raise PermissionDenied


def _conflict(request: HttpRequest, form: BindingForm, title: str, error: PreconditionFailed) -> HttpResponse:
    form.is_valid()
    form.add_error(
        None, _("Another user changed this binding after you opened the page. Save again to overwrite that change.")
    )
    return _page(request, form, title, etag=str(error.extras["etag"] or ""), status=409)


def _page(
    request: HttpRequest, form: BindingForm, title: str, *, etag: str = "", asks: bool = False, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "etag": etag, "asks": asks}
    context["may_check"] = may_everywhere(request.user, CHANGE_POLICY)
    return render_page(
        request, "binding.html", title=title, trail=[(_("Bindings"), reverse(_LIST))], status=status, **context
    )
