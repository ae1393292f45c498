"""Changing the state of versions: one with a confirmation page, many with a summary page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from contracts_app.bundles import key_of
from contracts_app.console.forms import BulkDeprecateForm, DeprecateForm, ReasonForm, WithdrawForm
from contracts_app.console.groups import LIFECYCLE, OVERRIDE, VIEW
from contracts_app.console.pages import actor_of, entries_of, form_status, missing, page, render_page, trail_to
from contracts_app.console.prefix_groups import may
from contracts_app.exceptions import ContractError, ContractNotFound, PreconditionFailed, StorageUnavailable
from contracts_app.lifecycle import ACTIVE, DEPRECATED, TRANSITIONS, WITHDRAWN, Lifecycle
from contracts_app.policies import policy_of
from contracts_app.services import change_state
from contracts_app.services.owners import owner_of
from contracts_app.services.search import latest
from contracts_app.services.usage import known_users
from contracts_app.storage import Entry, contract_store
from linter_app.semver import Version

MAX_BULK_VERSIONS = 500
_FORMS = {"activate": ReasonForm, "deprecate": DeprecateForm, "withdraw": WithdrawForm}


def _words(action: str) -> dict[str, str]:
    return {
        "activate": {"title": _("Activate"), "done": _("Activated: %s."), "button": _("Activate")},
        "deprecate": {"title": _("Deprecate"), "done": _("Deprecated: %s."), "button": _("Deprecate")},
        "withdraw": {"title": _("Withdraw"), "done": _("Withdrawn: %s."), "button": _("Withdraw")},
    }[action]


@page(LIFECYCLE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, name: str, version: str, action: str) -> HttpResponse:
    if action not in TRANSITIONS:
        return missing(request)
    successors: list[str] = []
    entry: Entry | None = None
    try:
        index, entries = entries_of(name)
        entry = index.get(key_of(name, version))
        if entry is None:
            raise ContractNotFound(f"Contract {name}/{version} not found")
        successors = [each.version for each in reversed(_newer(entry, entries))]
    except StorageUnavailable:
        if request.method != "POST":
            raise
        # Keep what the user typed: the choices are those that the form was sent with.
        successors = list(filter(None, request.POST.getlist("successor")))
    kind = _FORMS[action]
    more: dict[str, Any] = {} if kind is ReasonForm else {"successors": successors}
    if request.method != "POST":
        form = kind(initial=_present(entry, action, successors), **more)
        return _confirmation(request, name, version, action, entry, form, entry.etag if entry else "")
    form, etag = kind(request.POST, **more), request.POST.get("etag", "")
    if not form.is_valid():
        return _confirmation(request, name, version, action, entry, form, etag)
    cleaned = form.cleaned_data
    override = cleaned.get("override") or None
    if override and not may(request, OVERRIDE, name):
        form.add_error("override", _("Your account cannot override a policy."))
        return _confirmation(request, name, version, action, entry, form, etag)
    sunset = cleaned.get("sunset")
    try:
        change_state(
            name=name,
            version=version,
            action=action,
            actor=actor_of(request),
            reason=cleaned["reason"] or None,
            sunset_at=sunset.isoformat() if sunset else None,
            successor=cleaned.get("successor") or None,
            override=override,
            expected_etag=etag or None,
        )
    except PreconditionFailed as error:
        form.add_error(
            None,
            _(
                "Another user changed this version after you opened the page. Nothing was saved. "
                "The current state is shown here; confirm again to go on."
            ),
        )
        entry = contract_store().index(name).get(key_of(name, version))
        return _confirmation(request, name, version, action, entry, form, str(error.extras["etag"]), status=409)
    except ContractError as error:
        form.refuse(error)
        if isinstance(error, StorageUnavailable):
            form.add_error(None, _("Your input is kept below. Try again in a moment."))
        return _confirmation(request, name, version, action, entry, form, etag, status=form_status(error))
    messages.success(request, _words(action)["done"] % f"{name} {version}")
    return redirect("admin:contracts_app_contract_version", name, version)


def _newer(entry: Entry, entries: tuple[Entry, ...]) -> list[Entry]:
    """Return the active versions above a version, in ascending order: those that may succeed it."""
    return [each for each in entries if each.state == ACTIVE and each.precedence > entry.precedence]


def _present(entry: Entry | None, action: str, successors: list[str]) -> dict[str, Any]:
    """Return the form's initial values: those of a version that is already deprecated, or else the newest successor."""
    life = entry.lifecycle if entry else None
    releases = [each for each in successors if not Version.parse(each).prerelease]
    suggested = next(iter(releases or successors), "")
    if life is None or life.state != DEPRECATED:
        return {"successor": suggested} if action != "activate" else {}
    if action == "withdraw":
        return {"successor": life.successor or suggested}
    return {"reason": life.reason, "sunset": (life.sunset_at or "")[:10] or None, "successor": life.successor}


def _confirmation(
    request: HttpRequest,
    name: str,
    version: str,
    action: str,
    entry: Entry | None,
    form: Any,
    etag: str,
    *,
    status: int = 200,
) -> HttpResponse:
    policy, dependents, blocked, after = None, [], "", ""
    owner, users = None, []
    if entry is not None and status != 503:
        index = contract_store().index()
        policy, dependents = policy_of(index.documents, name), index.dependents(name, version)
        owner = owner_of(entry.labels, policy)
        blocked = _blocked(request, entry, action)
        overridable = blocked and policy.allow_override and may(request, OVERRIDE, name)
        if overridable:
            blocked = ""
        elif not form.errors.get("override"):
            form.fields.pop("override", None)
        after = _latest_after(entry, index.versions(name), action)
        users = [each for each in known_users(name, index) if each[2] == version]
    return render_page(
        request,
        "lifecycle.html",
        title=f"{_words(action)['title']} {name} {version}",
        trail=trail_to(name, version),
        name=name,
        version=version,
        action=action,
        words=_words(action),
        entry=entry,
        form=form,
        etag=etag,
        policy=policy,
        dependents=[each for each in dependents if may(request, VIEW, each.name)][:100],
        dependents_count=len(dependents),
        owner=owner,
        users=users,
        blocked=blocked,
        after=after,
        allowed=entry is None or entry.state in TRANSITIONS[action],
        status=status,
    )


def _blocked(request: HttpRequest, entry: Entry, action: str) -> str:
    """Return why a change cannot be made without an override, or an empty string."""
    if entry.state not in TRANSITIONS[action]:
        return ""  # said by the page already
    try:
        change_state(name=entry.name, version=entry.version, action=action, actor=actor_of(request), dry_run=True)
    except ContractError as error:
        return error.message
    return ""


def _latest_after(entry: Entry, entries: tuple[Entry, ...], action: str) -> str:
    """Return which version `latest` means after a change."""
    state = {"activate": ACTIVE, "deprecate": DEPRECATED, "withdraw": WITHDRAWN}[action]
    changed = Lifecycle(state=state)
    following = tuple(
        msgspec.structs.replace(each, lifecycle=changed) if each.key == entry.key else each for each in entries
    )
    found = latest(following)
    return found.version if found is not None else ""


@dataclass(frozen=True)
class Item:
    """One version of a bulk change, with the planned or the actual result."""

    name: str
    version: str
    etag: str
    state: str = ""
    dependents: int = 0
    successor: str = ""
    refused: str = ""


@page(LIFECYCLE)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Deprecate many versions: show a summary first; when it is confirmed, change each and show the results."""
    chosen = [item for item in _chosen(request) if may(request, LIFECYCLE, item.name)]
    first = "reason" not in request.POST
    form = BulkDeprecateForm(None if first else request.POST)
    if not chosen:
        messages.warning(request, _("No version that can be deprecated was selected."))
        return redirect(_back(request))
    if len(chosen) > MAX_BULK_VERSIONS:
        messages.error(request, _("At most %d versions can be deprecated at once; select fewer.") % MAX_BULK_VERSIONS)
        return redirect(_back(request))
    valid = first or form.is_valid()
    # If one field has an error, the other fields still count.
    values: dict[str, Any] = {"reason": "", "sunset": None, "latest": first} | ({} if first else form.cleaned_data)
    confirmed = valid and "confirm" in request.POST
    chosen = chosen if values["latest"] else [replace(item, successor="") for item in chosen]
    items = [_deprecate(request, item, values["reason"], values["sunset"], dry_run=not confirmed) for item in chosen]
    accepted = [item for item in items if not item.refused]
    if confirmed and len(accepted) == len(items):
        summary = ngettext("%d version is deprecated.", "%d versions are deprecated.", len(items)) % len(items)
        messages.success(request, summary)
        return redirect(_back(request))
    return render_page(
        request,
        "bulk.html",
        title=_("Deprecate versions"),
        trail=trail_to(),
        form=form,
        items=items,
        accepted=len(accepted),
        refused=len(items) - len(accepted),
        done=confirmed,
        back=request.POST.get("back", ""),
        back_url=_back(request),
    )


def _back(request: HttpRequest) -> str:
    """Return the address of the list as the user filtered it."""
    query = QueryDict(request.POST.get("back", "")[:2000]).urlencode()
    return reverse("admin:contracts_app_contract_changelist") + (f"?{query}" if query else "")


def _chosen(request: HttpRequest) -> list[Item]:
    """Return the ticked versions: single ones with the entity tag the user saw, or all versions of ticked contracts."""
    found: dict[str, Item] = {}
    for text in request.POST.getlist("item"):
        name, _at, rest = text.partition("@")
        version, _bar, etag = rest.partition("|")
        found[text] = Item(name, version, etag)
    try:
        index = contract_store().index()
    except StorageUnavailable:
        if found and "reason" in request.POST:
            return list(found.values())  # show the form again with what was typed
        raise
    keep_latest = request.POST.get("action") != "deprecate-all"
    for name in request.POST.getlist("contract"):
        entries = index.versions(name)
        newest = latest(entries)
        for entry in entries:
            if entry.state == ACTIVE and not (keep_latest and entry is newest):
                found[entry.key] = Item(name, entry.version, entry.etag)
    going = {key_of(item.name, item.version) for item in found.values()}
    staying = {name: _staying(index.versions(name), going) for name in {item.name for item in found.values()}}
    present = []
    for item in found.values():
        known = index.get(key_of(item.name, item.version))
        if known is not None:
            newer = (each.version for each in staying[item.name] if each.precedence > known.precedence)
            count = len(index.dependents(item.name, item.version))
            present.append(
                replace(
                    item,
                    etag=item.etag or known.etag,
                    state=known.state,
                    dependents=count,
                    successor=next(newer, ""),
                )
            )
    return present


def _staying(entries: tuple[Entry, ...], going: set[str]) -> list[Entry]:
    """Return possible successors: the latest version that stays active, and the greatest, which may be a prerelease."""
    active = tuple(each for each in entries if each.state == ACTIVE and each.key not in going)
    return [each for each in (latest(active), *active[-1:]) if each is not None]


def _deprecate(request: HttpRequest, item: Item, reason: str, sunset: Any, *, dry_run: bool) -> Item:
    try:
        changed = change_state(
            name=item.name,
            version=item.version,
            action="deprecate",
            actor=actor_of(request),
            reason=reason or None,
            sunset_at=sunset.isoformat() if sunset else None,
            successor=item.successor or None,
            expected_etag=item.etag,
            dry_run=dry_run,
        )
    except ContractError as error:
        return replace(item, refused=error.message)
    return item if dry_run else replace(item, etag=changed.etag, state=DEPRECATED)
