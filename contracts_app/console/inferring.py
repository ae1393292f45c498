"""A first schema for the messages of a stream, drafted from them, which the publish page then checks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from contracts_app.bindings import LOCATIONS, check_pattern
from contracts_app.console.forms import StreamForm
from contracts_app.console.groups import CHANGE_POLICY
from contracts_app.console.pages import forbidden, form_status, page, render_page
from contracts_app.console.prefix_groups import may_everywhere
from contracts_app.exceptions import ContractError, MalformedContract
from contracts_app.services.inference import FieldSeen, Inferred, infer_schema
from contracts_app.services.stream_checks import DEFAULT_MESSAGES, check_messages
from contracts_app.storage import contract_store

MAX_FIELDS = 300
"""Fields that the page shows; the draft has all."""


class InferForm(StreamForm):
    """The stream to read, how much of it, and where in a message the value is."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=255,
        help_text=gettext_lazy("Messages of one kind, such as orders.*.created; > is all of the stream"),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    location = forms.ChoiceField(
        label=gettext_lazy("Where the value is"), choices=[(each, each) for each in LOCATIONS], required=False
    )
    pointer = forms.CharField(
        label=gettext_lazy("JSON Pointer"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("Such as /data, with the location pointer"),
    )


@dataclass(frozen=True)
class InferredDraft:
    """A draft, what it was made of, and how many of these messages are valid by it."""

    inferred: Inferred
    valid: int
    rows: list[tuple[str, FieldSeen]]
    hidden: int
    """Fields that are not in the rows."""


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def infer(request: HttpRequest) -> HttpResponse:
    if not may_everywhere(request.user, CHANGE_POLICY):  # the page shows what messages of any subject have
        return forbidden(request)
    start = {"last": DEFAULT_MESSAGES, "subject": request.GET.get("subject", ">"), "location": "body"}
    form = InferForm(request.POST if request.method == "POST" else None, initial=start)
    draft, status = None, 200
    if form.is_valid():
        try:
            draft = _draft(form.cleaned_data)
        except ContractError as error:
            form.refuse(error)
            status = form_status(error)
    return render_page(
        request,
        "infer.html",
        title=_("Draft a schema from messages"),
        trail=[(_("Bindings"), reverse("admin:contracts_app_binding_changelist"))],
        form=form,
        draft=draft,
        status=status,
    )


def _draft(given: Mapping[str, Any]) -> InferredDraft:
    subject = check_pattern(given["subject"], "subject")
    location, pointer = given["location"] or "body", given["pointer"]
    if bool(pointer) != (location == "pointer"):
        raise MalformedContract("Give a pointer with the location pointer, and not without", field="pointer")
    _, batches = contract_store().stream_messages(given["stream"], subject, last=given["last"])
    # Read once: what the draft is made of is what it is tried on.
    read = list(batches)
    found = infer_schema(read, location=location, pointer=pointer)
    valid = 0
    if found.messages:
        checked = check_messages(iter(read), current=None, proposed=found.text, location=location, pointer=pointer)
        assert checked.proposed is not None
        valid = checked.proposed.valid
    fields = sorted((path, seen) for path, seen in found.fields.items() if path)
    return InferredDraft(found, valid, list(itertools.islice(fields, MAX_FIELDS)), max(0, len(fields) - MAX_FIELDS))
