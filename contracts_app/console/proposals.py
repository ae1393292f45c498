"""Pages of the proposals: what waits for a review, how it is judged now, and the decision."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from contracts_app.console.checking import with_lines
from contracts_app.console.forms import ConsoleForm
from contracts_app.console.groups import APPROVE, VIEW
from contracts_app.console.pages import actor_of, forbidden, missing, page, render_page
from contracts_app.console.prefix_groups import may
from contracts_app.console.sources import formatted, source_of
from contracts_app.exceptions import ContractError, ContractNotFound
from contracts_app.proposals import APPROVED, PENDING, Proposal, proposals_of
from contracts_app.services.proposals import approve, find_proposal, proposal_to_json, reject, withdraw
from contracts_app.services.publish_requests import MAX_REASON_CHARACTERS
from contracts_app.storage import contract_store

_LIST = "admin:contracts_app_proposal_changelist"
PER_PAGE = 50
DECISIONS = ("approve", "reject")


class DecisionForm(ConsoleForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("For the author and the audit"),
    )


@page(VIEW)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    found = [
        each for each in proposals_of(contract_store().index("proposal").documents) if may(request, VIEW, each.name)
    ]
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("p"))
    waiting = sum(each.state == PENDING for each in found)
    return render_page(request, "proposals.html", title=_("Proposals"), proposals=shown, waiting=waiting)


@page(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: HttpRequest, name: str, version: str) -> HttpResponse:
    try:
        found = find_proposal(name, version)
    except ContractNotFound:
        return missing(request)
    if request.method != "POST":
        return _page(request, found, DecisionForm())
    try:
        if "withdraw" in request.POST:
            withdraw(name, version, actor_of(request))
            messages.success(request, _("The proposal was taken back."))
            return redirect("admin:contracts_app_proposal_change", name, version)
        form = DecisionForm(request.POST)
        decision = next((each for each in DECISIONS if each in request.POST), "")
        if not form.is_valid() or not decision:
            return _page(request, found, form)
        if not may(request, APPROVE, name):
            return forbidden(request)
        reason = form.cleaned_data["reason"]
        if decision == "reject":
            reject(name, version, actor_of(request), reason)
            messages.success(request, _("Rejected: %(name)s %(version)s.") % {"name": name, "version": version})
            return redirect("admin:contracts_app_proposal_change", name, version)
        seen = request.POST.get("revision", "")
        revision = int(seen) if seen.isdecimal() and len(seen) < 19 else None
        approve(name, version, actor_of(request), reason, expected_revision=revision)
    except ContractError as error:
        messages.error(request, error.message)
        return redirect("admin:contracts_app_proposal_change", name, version)
    messages.success(request, _("Approved and published: %(name)s %(version)s.") % {"name": name, "version": version})
    return redirect("admin:contracts_app_contract_version", name, version)


def _page(request: HttpRequest, found: Proposal, form: DecisionForm) -> HttpResponse:
    fault = ""
    shown = {}
    try:
        shown = proposal_to_json(found, contract_store())
    except ContractError as error:
        fault = error.message
    bundle, own = found.bundle, found.author == actor_of(request).subject
    report = shown.get("report", {})
    schema = formatted(bundle.json_schema) if bundle is not None and bundle.json_schema else ""
    return render_page(
        request,
        "proposal.html",
        title=_("Proposal %(name)s %(version)s") % {"name": found.name, "version": found.version},
        trail=[(_("Proposals"), reverse(_LIST))],
        proposal=found,
        bundle=bundle,
        report=report,
        changes=with_lines(report.get("changes", []), None),
        revision=shown.get("revision", ""),
        schema=source_of(schema, "json", 1) if schema else None,
        wit=source_of(bundle.wit, "wit", 1) if bundle is not None and bundle.wit else None,
        fault=fault,
        form=form,
        own=own,
        waits=found.state in (PENDING, APPROVED) and bundle is not None,
        may_decide=not own and may(request, APPROVE, found.name),
    )
