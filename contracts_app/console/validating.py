"""Validation of an instance by a version's schema, in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contracts_app.console.groups import VIEW
from contracts_app.console.pages import entries_of, form_status, page, render_page, trail_to
from contracts_app.exceptions import ContractError
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.search import resolve
from contracts_app.services.validation import instance_errors
from contracts_app.storage import contract_store
from linter_app.schema.json_pointers import line_numbers

MAX_INSTANCE_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class InstanceError:
    """One reason why an instance is refused, with the line of its place in the text."""

    pointer: str
    line: int | None
    reason: str
    schema_pointer: str


@page(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def validate(request: HttpRequest, name: str, version: str) -> HttpResponse:
    index, _entries = entries_of(name)
    entry = resolve(index, name, version)
    store = contract_store()
    bundle = store.content(entry, index)
    if bundle.json_schema is None:
        raise Http404
    text = request.POST.get("instance", "").replace("\r\n", "\n")
    errors: list[InstanceError] | None = None
    fault, status = "", 200
    if request.method == "POST":
        try:
            if len(text) > MAX_INSTANCE_CHARACTERS:
                fault = _("The instance has more than %d characters.") % MAX_INSTANCE_CHARACTERS
            else:
                errors = _located(instance_errors(compound_schema(bundle, store), text.encode()), text)
        except ContractError as error:
            fault, status = error.message.replace("The request body", _("The instance")), form_status(error)
    return render_page(
        request,
        "validate.html",
        title=_("Validate an instance"),
        trail=trail_to(name, entry.version),
        name=name,
        entry=entry,
        instance=text,
        errors=errors,
        fault=fault,
        status=status,
    )


def _located(errors: list[dict[str, str]], text: str) -> list[InstanceError]:
    lines = line_numbers(text, {each["instancePointer"] for each in errors})
    return [
        InstanceError(
            each["instancePointer"], lines.get(each["instancePointer"]), each["reason"], each["schemaPointer"]
        )
        for each in errors
    ]
