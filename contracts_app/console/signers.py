"""Pages of the signers: the keys that signatures of versions are verified with."""

from __future__ import annotations

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
from contracts_app.services.signatures import delete_signer, find_signer, set_signer
from contracts_app.signatures import MAX_DESCRIPTION_CHARACTERS, Signer, check_signer, signers_of
from contracts_app.storage import contract_store

_LIST = "admin:contracts_app_signer_changelist"


class SignerForm(ConsoleForm):
    fields_of_errors = {"publicKey": "key"}

    name = forms.CharField(label=gettext_lazy("Name"), max_length=64, help_text=gettext_lazy("a-z, 0-9 and -"))
    key = forms.CharField(
        label=gettext_lazy("Public key"),
        max_length=5000,
        help_text=gettext_lazy("In PEM form: ECDSA over P-256 or P-384, or Ed25519, such as the cosign.pub of cosign"),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "dir": "ltr", "class": "source"}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=MAX_DESCRIPTION_CHARACTERS
    )
    revoked = forms.BooleanField(
        label=gettext_lazy("Revoked: its signatures, also the earlier ones, no longer count"), required=False
    )

    def signer(self) -> Signer:
        """Return what the form describes. Raises MalformedContract."""
        given = {"publicKey": self.cleaned_data["key"], "description": self.cleaned_data["description"]}
        return check_signer(self.cleaned_data["name"], {**given, "revoked": self.cleaned_data["revoked"]})


@page(CHANGE_POLICY)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):
        return forbidden(request)
    index = contract_store().index()
    signers = signers_of(index.documents)
    signed = dict.fromkeys(signers, 0)
    for entry in index:
        for name in set(entry.signed_by) & signed.keys():
            signed[name] += 1
    rows = [(each, signed[each.name]) for each in signers.values()]
    return render_page(request, "signers.html", title=_("Signers"), rows=rows)


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):
        return forbidden(request)
    if request.method != "POST":
        return _page(request, SignerForm(), _("New signer"))
    return _save(request, SignerForm(request.POST), _("New signer"))


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, signer: str) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):
        return forbidden(request)
    try:
        _sequence, present = find_signer(signer)
    except ContractNotFound:
        return missing(request)
    title = _("Signer %s") % signer
    if request.method != "POST":
        return _page(request, _filled(present), title, present)
    if "delete" not in request.POST:
        return _save(request, SignerForm({**request.POST.dict(), "name": signer}), title, present)
    if "confirm" not in request.POST:
        return _page(request, _filled(present), title, present, asks=True)
    try:
        delete_signer(signer, actor_of(request))
    except ContractError as error:
        messages.error(request, error.message)
        return redirect("admin:contracts_app_signer_change", signer)
    messages.success(request, _("The signer %s was deleted.") % signer)
    return redirect(_LIST)


def _save(request: HttpRequest, form: SignerForm, title: str, present: Signer | None = None) -> HttpResponse:
    if not form.is_valid():
        return _page(request, form, title, present)
    try:
        wanted = form.signer()
        set_signer(wanted, actor_of(request), only_new=present is None)
    except ContractError as error:
        form.refuse(error)
        return _page(request, form, title, present, status=form_status(error))
    messages.success(request, _("Saved: the signer %s.") % wanted.name)
    return redirect(_LIST)


def _filled(signer: Signer) -> SignerForm:
    return SignerForm(initial={**vars(signer), "key": signer.public_key})


def _page(
    request: HttpRequest,
    form: SignerForm,
    title: str,
    signer: Signer | None = None,
    *,
    asks: bool = False,
    status: int = 200,
) -> HttpResponse:
    trail = [(_("Signers"), reverse(_LIST))]
    return render_page(
        request, "signer.html", title=title, trail=trail, form=form, signer=signer, asks=asks, status=status
    )
