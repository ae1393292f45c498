"""The comparison of two versions, also of different contracts, and the rules that its changes name."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts_app.console.checking import level_of, with_lines
from contracts_app.console.groups import VIEW
from contracts_app.console.pages import entries_of, page, render_page, trail_to
from contracts_app.console.side_by_side import json_side_by_side, lines_side_by_side
from contracts_app.console.versions import neighbours
from contracts_app.policies import policy_of
from contracts_app.services import comparison
from contracts_app.services.comparison import changes_to_json
from contracts_app.services.search import resolve
from contracts_app.storage import contract_store
from linter_app.report.changelog import markdown
from linter_app.rules import all_rules
from linter_app.schema.json_text import InvalidJSON, loads

MAX_CHANGES = 300
LEVELS = ("breaking", "undecided", "error", "warning", "info")


@page(VIEW)
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Explain every rule of the linter."""
    return render_page(request, "rules.html", title=_("Rules"), trail=trail_to(), rules=all_rules().values())


@page(VIEW)
@require_safe
def compare(request: HttpRequest, name: str) -> HttpResponse:
    index, entries = entries_of(name)
    other = request.GET.get("of", "").strip() or name
    others, other_entries = entries_of(other) if other != name else (index, entries)
    newest = other_entries[-1]
    older = neighbours(entries).get(newest.version) if other == name else entries[-1]
    old = resolve(index, name, request.GET.get("from") or (older or entries[0]).version)
    wanted = request.GET.get("to") or newest.version
    if other != name and all(entry.version != wanted for entry in other_entries):
        wanted = newest.version  # it was chosen before the other contract was
    new = resolve(others, other, wanted)
    store = contract_store()
    sides = [comparison.compared_version(store.content(old, index), store)]
    sides.append(comparison.compared_version(store.content(new, others), store))
    if other != name:  # their versions are not comparable
        sides = [comparison.ComparedVersion(side.texts) for side in sides]
    policy = policy_of(others.documents, other)
    report = comparison.compare(sides[0], sides[1], policy)
    every = with_lines(changes_to_json(report), None)
    counts = Counter(level_of(change) for change in every)
    chosen = request.GET.get("level", "")
    changes = [change for change in every if not chosen or level_of(change) == chosen]
    texts = [side.texts for side in sides]
    return render_page(
        request,
        "compare.html",
        title=_("Compare versions of %(name)s") % {"name": name},
        trail=trail_to(name),
        name=name,
        other=other,
        versions=[entry.version for entry in reversed(entries)],
        other_versions=[entry.version for entry in reversed(other_entries)],
        old=old,
        new=new,
        policy=policy,
        report=report,
        same=other == name and old.version == new.version,
        changes=changes[:MAX_CHANGES],
        changes_count=len(changes),
        every_count=len(every),
        counts=[(level, counts[level]) for level in LEVELS if counts[level]],
        chosen=chosen,
        changelog=markdown(report, f"{new.version} - {new.created_at[:10]}"),
        side_by_side=[
            (title, *made)
            for title, made in (
                (_("JSON Schema"), _schemas_side_by_side(texts[0].schema, texts[1].schema)),
                (
                    "WIT",
                    lines_side_by_side(texts[0].wit or "", texts[1].wit or "") if any(t.wit for t in texts) else None,
                ),
            )
            if made is not None
        ],
    )


def _schemas_side_by_side(old: str | None, new: str | None) -> Any:
    if old is None and new is None:
        return None
    try:
        return json_side_by_side(*(loads(text) if text is not None else {} for text in (old, new)))
    except InvalidJSON:
        return lines_side_by_side(old or "", new or "")
