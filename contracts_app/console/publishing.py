"""Check and publish: show the verdict first, then write only if the content is unchanged since the check."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contracts_app.bundles import compact, valid_name
from contracts_app.console.forms import PublishForm
from contracts_app.console.groups import OVERRIDE, PUBLISH, VIEW
from contracts_app.console.pages import actor_of, form_status, page, render_page, trail_to
from contracts_app.console.prefix_groups import may
from contracts_app.exceptions import ContractError, ContractNotFound, StorageUnavailable
from contracts_app.policies import policy_of
from contracts_app.services.comparison import changes_to_json, compare, compared_version
from contracts_app.services.dependencies import referred_names
from contracts_app.services.publish_requests import PublishRequest, read_publish
from contracts_app.services.publishing import find_neighbours
from contracts_app.services.publishing import publish as publish_version
from contracts_app.services.search import latest
from contracts_app.storage import contract_store
from linter_app.schema.json_pointers import line_numbers, line_of_repeated_member
from linter_app.semver import Version, smallest_minor

EXCERPT_LINES = 3
"""Number of lines shown before and after a faulty one."""
MAX_LINE_CHARACTERS = 300


@dataclass
class CheckResult:
    """The result of a check."""

    passes: bool = False
    compared_with: str = ""
    compatibility: str = ""
    verdict: str = ""
    required_version: str = ""
    required_bump: str = ""
    warnings: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    excerpt: list[tuple[int, str, bool]] = field(default_factory=list)
    """The lines around an error: number, text, and whether it is the faulty line."""
    excerpt_of: str = ""


@page(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest) -> HttpResponse:
    """Check a contract and publish it. Every viewer may check."""
    if request.method != "POST":
        return _page(request, PublishForm(initial=_prefilled(request)))
    form = PublishForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form)
    try:
        body = form.order()
        order, checked = read_publish(body), _token(body)
        wanted = "publish" in request.POST
        name = order.bundle.name
        shown = sorted({name} | referred_names(order.bundle.json_schema, order.bundle.wit))
        if hidden := [each for each in shown if not may(request, VIEW, each)]:
            form.add_error(None, _("Your account cannot view %s.") % hidden[0])
        elif wanted and not may(request, PUBLISH, name):
            form.add_error(None, _("Your account can check contracts but not publish them."))
        elif order.override is not None and not may(request, OVERRIDE, name):
            form.add_error(None, _("Your account cannot override a policy."))
        elif wanted and request.POST.get("checked") == checked:
            return _publish(request, order)
        else:
            if wanted:
                messages.warning(request, _("The content changed after it was checked. This is the new verdict."))
            return _page(request, form, outcome=_checked(request, order), checked=checked)
        return _page(request, form)
    except ContractError as error:
        return _page(request, form, outcome=_refused(error, form), status=form_status(error))


def _publish(request: HttpRequest, order: PublishRequest) -> HttpResponse:
    done = publish_version(bundle=order.bundle, actor=actor_of(request), draft=order.draft, override=order.override)
    published = done.bundle
    words = _("%(name)s %(version)s is now a draft.") if order.draft else _("%(name)s %(version)s is published.")
    messages.success(request, words % {"name": published.name, "version": published.version})
    for warning in done.warnings:
        messages.warning(request, f"{warning.pointer}: {warning.message}")
    return redirect("admin:contracts_app_contract_version", published.name, published.version)


def _checked(request: HttpRequest, order: PublishRequest) -> CheckResult:
    """Run all checks of publishing, and return the verdict on the step. Raises the errors of publish_contract."""
    store = contract_store()
    checked = publish_version(
        bundle=order.bundle, actor=actor_of(request), draft=order.draft, override=order.override, dry_run=True
    )
    bundle = checked.bundle
    warnings = [f"{each.pointer}: {each.message}" for each in checked.warnings]
    index = store.index(bundle.name)
    policy = policy_of(index.documents, bundle.name)
    below = find_neighbours(bundle, index, policy).below
    if not below:
        return CheckResult(passes=True, compatibility=policy.compatibility, warnings=warnings)
    report = compare(compared_version(store.content(below[0], index), store), compared_version(bundle, store), policy)
    return CheckResult(
        passes=True,
        compared_with=below[0].version,
        compatibility=policy.compatibility,
        verdict=report.verdict,
        required_bump=report.required_bump or "",
        warnings=[*warnings, *report.warnings],
        changes=changes_to_json(report),
    )


def _refused(error: ContractError, form: PublishForm) -> CheckResult:
    extras = error.extras
    texts = dict(form.cleaned_data)  # the form already shows the error of the field
    # A table shows each of the changes with its witness.
    message = error.message.partition("\n")[0].rstrip(":") if extras.get("changes") else error.message
    field_name = form.refuse(error, message)
    outcome = CheckResult(
        compared_with=extras.get("comparedWith", ""),
        compatibility=extras.get("compatibility", ""),
        verdict=extras.get("verdict", ""),
        required_version=extras.get("requiredVersion") or "",
        changes=extras.get("changes", []),
    )
    if isinstance(error, StorageUnavailable):
        form.add_error(None, _("Your input is kept below. Try again in a moment."))
    text = texts.get(field_name)
    line = extras.get("line")
    if isinstance(text, str) and line is None:
        error_pointer = extras.get("pointer")
        line = (
            line_of_repeated_member(text)
            if error_pointer is None
            else line_numbers(text, {error_pointer}).get(error_pointer)
        )
    if isinstance(text, str) and isinstance(line, int):
        outcome.excerpt_of = str(form.fields[field_name].label)
        outcome.excerpt = [
            (number, each[:MAX_LINE_CHARACTERS], number == line)
            for number, each in enumerate(text.split("\n"), 1)
            if abs(number - line) <= EXCERPT_LINES
        ]
    return outcome


def _page(
    request: HttpRequest,
    form: PublishForm,
    *,
    outcome: CheckResult | None = None,
    checked: str = "",
    status: int = 200,
) -> HttpResponse:
    return render_page(
        request,
        "publish.html",
        title=_("Check and publish"),
        trail=trail_to(),
        form=form,
        outcome=outcome,
        checked=checked,
        status=status,
    )


def _prefilled(request: HttpRequest) -> dict[str, str]:
    """Return initial values for a new version of a contract, from its latest version."""
    name = request.GET.get("name", "")
    if not valid_name(name) or not may(request, VIEW, name):
        return {}
    store = contract_store()
    index = store.index(name)
    entries = index.versions(name)
    if not entries:
        return {"name": name}
    base = latest(entries) or entries[-1]
    try:
        bundle = store.content(base, index)
    except ContractNotFound:
        return {"name": name}
    return {
        "name": name,
        "version": smallest_minor(Version.parse(base.version)),
        "description": bundle.description or "",
        "labels": ", ".join(bundle.labels),
        "schema": bundle.json_schema or "",
        "wit": bundle.wit or "",
        "descriptor": bundle.descriptor_text or "",
    }


def _token(order: dict[str, Any]) -> str:
    """Return a token that identifies exactly what was checked."""
    return hashlib.sha256(compact(order)).hexdigest()
