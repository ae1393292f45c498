"""The audit log, newest first, read-only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts_app.bundles import valid_name
from contracts_app.console.groups import AUDIT
from contracts_app.console.pages import page, render_page
from contracts_app.exceptions import MalformedContract
from contracts_app.services.audit import AuditFilter, newest_page, read_time
from contracts_app.storage import contract_store

PER_PAGE = 50
ACTIONS = (
    *("publish", "publish-override", "activate", "deprecate", "withdraw", "withdraw-override", "remove"),
    *("propose", "approve", "reject", "withdraw-proposal", "close-proposal", "reopen-proposal"),
    *("sign", "set-signer", "delete-signer"),
    *("set-policy", "delete-policy", "set-binding", "delete-binding", "set-webhook", "delete-webhook"),
    *("import", "number-version", "set-confluent-config", "delete-confluent-config", "set-confluent-mode"),
)


@page(AUDIT)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    given = {
        name: request.GET.get(name, "").strip()[:200] for name in ("contract", "actor", "action", "since", "until")
    }
    entries: list[dict[str, Any]] = []
    before, fault = None, ""
    try:
        if given["contract"] and not valid_name(given["contract"]):
            raise MalformedContract(_("%s is not a contract name.") % given["contract"])
        wanted = AuditFilter(
            contract=given["contract"] or None,
            actor=given["actor"] or None,
            action=given["action"] or None,
            since=read_time(given["since"] or None, "since"),
            until=read_time(given["until"] or None, "until"),
        )
        start = request.GET.get("before", "")
        start_at = int(start) if start.isdecimal() and len(start) < 19 else None
        entries, before = newest_page(contract_store(), wanted, before=start_at, limit=PER_PAGE)
    except MalformedContract as error:
        fault = error.message
    kept = {name: value for name, value in given.items() if value}
    return render_page(
        request,
        "audit.html",
        title=_("Audit"),
        given=given,
        filtered=bool(kept),
        actions=ACTIONS,
        entries=entries,
        older=urlencode({**kept, "before": before}) if before else "",
        first=not request.GET.get("before"),
        fault=fault,
        status=400 if fault else 200,
    )
