"""Pages of the policies at each level, and the form that changes them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contracts_app.console.groups import CHANGE_POLICY, VIEW_POLICY
from contracts_app.console.pages import actor_of, forbidden, form_status, missing, page, render_page
from contracts_app.console.policy_forms import NewPolicyForm, PolicyForm
from contracts_app.console.prefix_groups import may, may_below, may_everywhere
from contracts_app.exceptions import ContractError, PreconditionFailed
from contracts_app.policies import Policy, check_policy, level_and_name, levels_of, policy_key
from contracts_app.services.policies import etag_of, set_policy
from contracts_app.services.policy_effects import PolicyEffect, policy_effects
from contracts_app.storage import contract_store

LEVELS = ("default", "prefix", "contract")
MAX_EFFECTS = 100
"""Contracts that are listed before a policy is changed."""


@page(VIEW_POLICY)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    levels = levels_of(contract_store().index("policy").documents)
    order = {level: position for position, level in enumerate(LEVELS)}
    rows = [(*level_and_name(key), policy) for key, policy in levels.items()]
    rows = [row for row in rows if row[0] == "default" or _may(request, VIEW_POLICY, row[0], row[1])]
    rows.sort(key=lambda row: (order.get(row[0], 9), row[1]))
    return render_page(
        request,
        "policies.html",
        title=_("Policies"),
        rows=[(level, name, _scope(level, name), policy) for level, name, policy in rows],
        builtin=Policy().to_json(),
    )


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        exists = etag_of(contract_store().index("policy"), policy_key("default")) is not None
        level = request.GET.get("level", "prefix" if exists else "default")
        given = {"level": level, "name": request.GET.get("name", "")}
        return _page(request, NewPolicyForm(initial=given), _("New policy"))
    form = NewPolicyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, _("New policy"))
    level, name = form.cleaned_data["level"], form.cleaned_data["name"]
    if level != "default" and not name:
        form.add_error("name", _("Give the prefix, such as payments, or the name of the contract."))
        return _page(request, form, _("New policy"))
    try:
        key = policy_key(level, name)
        if not _may(request, CHANGE_POLICY, level, name):
            form.add_error(
                "name" if name else None, _("Your account cannot change the policy of %s.") % _scope(level, name)
            )
            return _page(request, form, _("New policy"), status=403)
        if etag_of(contract_store().index("policy"), key) is not None:
            form.add_error("name" if name else None, _("A policy with this scope exists already. Change that one."))
            return _page(request, form, _("New policy"), status=409)
        return _write(request, form, level, name, None, _("New policy"))
    except ContractError as error:
        form.refuse(error)
        return _page(request, form, _("New policy"), status=form_status(error))


@page(CHANGE_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, level: str, name: str = "") -> HttpResponse:
    if level not in LEVELS:
        return missing(request)
    if not _may(request, CHANGE_POLICY, level, name):
        return forbidden(request)
    title = _("Policy for %s") % _scope(level, name)
    if request.method != "POST":
        index = contract_store().index("policy")
        key = policy_key(level, name)
        policy, etag = levels_of(index.documents).get(key), etag_of(index, key)
        if policy is None:
            return redirect(f"{reverse('admin:contracts_app_policy_add')}?level={level}&name={name}")
        return _page(request, PolicyForm(initial=PolicyForm.initial_of(policy)), title, etag=etag or "")
    form, etag = PolicyForm(request.POST), request.POST.get("etag", "")
    if not form.is_valid():
        return _page(request, form, title, etag=etag)
    try:
        return _write(request, form, level, name, etag or None, title)
    except PreconditionFailed as error:
        form.add_error(
            None,
            _("Another user changed this policy after you opened the page. Nothing was saved. ")
            + _("Save again to overwrite that change, or reload the page to see it."),
        )
        return _page(request, form, title, etag=str(error.extras["etag"] or ""), status=409)
    except ContractError as error:
        form.refuse(error)
        return _page(request, form, title, etag=etag, status=form_status(error))


def _may(request: HttpRequest, permission: str, level: str, name: str) -> bool:
    """Return whether the user has a permission for all contracts of a level."""
    if level == "contract":
        return may(request, permission, name)
    if level == "prefix":
        return may_below(request.user, permission, name)
    return may_everywhere(request.user, permission)


def _write(request: HttpRequest, form: PolicyForm, level: str, name: str, etag: str | None, title: str) -> HttpResponse:
    """Save or delete a policy; what changes for contracts that exist, or deletes, is shown and confirmed first."""
    deletes = "delete" in request.POST
    policy = None if deletes else check_policy(form.policy())
    effects = policy_effects(contract_store().index(), policy_key(level, name), policy)
    if (deletes or effects) and "confirm" not in request.POST:
        visible = [each for each in effects if may(request, VIEW_POLICY, each.contract)]
        return _page(request, form, title, etag=etag or "", effects=visible, asks="delete" if deletes else "save")
    reason = form.cleaned_data["reason"]
    set_policy(level=level, name=name, policy=policy, actor=actor_of(request), reason=reason, expected_etag=etag)
    saved, deleted = _("The policy for %s is saved."), _("The policy for %s was deleted; the level above applies.")
    messages.success(request, (deleted if deletes else saved) % _scope(level, name))
    return redirect("admin:contracts_app_policy_changelist")


def _scope(level: str, name: str) -> str:
    return {"default": _("every contract"), "prefix": f"{name}.*", "contract": name}[level]


def _page(
    request: HttpRequest,
    form: PolicyForm,
    title: str,
    *,
    etag: str = "",
    effects: list[PolicyEffect] | None = None,
    asks: str = "",
    status: int = 200,
) -> HttpResponse:
    trail = [(_("Policies"), reverse("admin:contracts_app_policy_changelist"))]
    return render_page(
        request,
        "policy.html",
        title=title,
        trail=trail,
        form=form,
        etag=etag,
        effects=(effects or [])[:MAX_EFFECTS],
        effects_count=len(effects or []),
        asks=asks,
        status=status,
    )
