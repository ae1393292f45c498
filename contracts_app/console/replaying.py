"""The messages that a stream has on a binding's subjects, by the binding's contract and by a proposed schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from contracts_app.bindings import Binding, binding_named
from contracts_app.console.forms import StreamForm
from contracts_app.console.groups import CHANGE_POLICY
from contracts_app.console.pages import forbidden, form_status, missing, page, render_page
from contracts_app.console.prefix_groups import may_everywhere
from contracts_app.exceptions import ContractError
from contracts_app.services.bindings import all_bindings
from contracts_app.services.stream_checks import (
    DEFAULT_MESSAGES,
    StreamReport,
    check_messages,
    schemas_of,
)
from contracts_app.storage import contract_store


class ReplayForm(StreamForm):
    """The stream to read, how much of it, and a proposed schema."""

    fields_of_errors = {"jsonSchema": "proposed"}

    proposed = forms.CharField(
        label=gettext_lazy("Proposed JSON Schema"),
        required=False,
        strip=False,
        max_length=4_000_000,
        help_text=gettext_lazy("Empty: only the present contract is tried"),
        widget=forms.Textarea(attrs={"rows": 12, "wrap": "off", "spellcheck": "false", "autocomplete": "off"}),
    )


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, binding: str) -> HttpResponse:
    present = binding_named(all_bindings(), binding)
    if present is None:
        return missing(request)
    if not may_everywhere(request.user, CHANGE_POLICY):  # a binding can have any subject, and the page shows messages
        return forbidden(request)
    form = ReplayForm(request.POST if request.method == "POST" else None, initial={"last": DEFAULT_MESSAGES})
    report, status = None, 200
    if form.is_valid():
        try:
            report = _report(present, form.cleaned_data)
        except ContractError as error:
            form.refuse(error)
            status = form_status(error)
    return render_page(
        request,
        "messages.html",
        title=_("Messages on %s") % present.subject,
        trail=[
            (_("Bindings"), reverse("admin:contracts_app_binding_changelist")),
            (binding, reverse("admin:contracts_app_binding_change", args=[binding])),
        ],
        binding=present,
        form=form,
        report=report,
        status=status,
    )


def _report(binding: Binding, given: Mapping[str, Any]) -> StreamReport:
    store = contract_store()
    proposed = given["proposed"] if given["proposed"].strip() else None
    current, proposed = schemas_of(store, binding.contract, binding.range, proposed)
    _, batches = store.stream_messages(given["stream"], binding.subject, last=given["last"])
    return check_messages(
        batches, current=current, proposed=proposed, location=binding.location, pointer=binding.pointer
    )
