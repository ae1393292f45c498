"""The page of one version, with its parts as fields, source, tree and examples, and its relations."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contracts_app.bundles import ContractBundle, compact
from contracts_app.console.graphs import drawing_of
from contracts_app.console.groups import AUDIT, VIEW
from contracts_app.console.pages import entries_of, page, render_page, trail_to
from contracts_app.console.prefix_groups import may, may_everywhere
from contracts_app.console.sources import formatted, needs_format, pretty, source_of, tree_of
from contracts_app.exceptions import ContractRefused, StorageUnavailable
from contracts_app.lifecycle import COMPARABLE, TRANSITIONS
from contracts_app.policies import effective_policy, levels_of, policy_of
from contracts_app.services import validation
from contracts_app.services.audit import overrides_of
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.owners import owner_of
from contracts_app.services.relations import relations
from contracts_app.services.schema_fields import schema_fields
from contracts_app.services.search import is_exact, resolve
from contracts_app.services.signatures import signatures_to_json
from contracts_app.storage import ContractIndex, Entry, contract_store
from linter_app.schema.json_pointers import follow
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import Version

FIELDS_PER_PAGE = 200
NOT_BREAKING = ("minor", "patch", "prerelease")
"""The steps of SemVer that may not break; below 1.0.0 a minor one may."""
MAX_EXAMPLES = 3
MEDIA_TYPES = {
    "schema": ("application/schema+json", "schema.json"),
    "wit": ("text/plain; charset=utf-8", "wit"),
    "descriptor": ("application/json", "descriptor.json"),
    "record": ("application/json", "json"),
}


@page(VIEW)
@require_safe
def version(request: HttpRequest, name: str, version: str) -> HttpResponse:
    index, entries = entries_of(name)
    entry = resolve(index, name, version)
    if not is_exact(version):
        return redirect("admin:contracts_app_contract_version", name, entry.version)
    store = contract_store()
    bundle = store.content(entry, index)
    parts = _parts(bundle)
    view = request.GET.get("view", "overview")
    views = _views(bundle)
    if view not in dict(views):
        view = "overview"
    older = neighbours(entries).get(entry.version)
    return render_page(
        request,
        "version.html",
        title=f"{name} {entry.version}",
        trail=trail_to(name),
        name=name,
        entry=entry,
        bundle=bundle,
        older=older,
        views=views,
        view=view,
        parts=parts,
        override=_override(request, name, index, older, entry),
        actions=[action for action, states in TRANSITIONS.items() if entry.state in states],
        **_shown(request, view, bundle, entry, parts),
    )


def neighbours(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    """Map each version that was ever current, or is a draft, to the current version before it."""
    found: dict[str, Entry] = {}
    before: Entry | None = None
    for entry in entries:
        if before is not None:
            found[entry.version] = before
        if entry.state in COMPARABLE:
            before = entry
    return found


def bump(older: Entry, newer: Entry) -> str:
    """Return which part of SemVer the step between two versions raises."""
    old, new = Version.parse(older.version), Version.parse(newer.version)
    if old.major != new.major:
        return "major"
    if old.minor != new.minor:
        return "minor"
    return "patch" if old.patch != new.patch else "prerelease"


def _parts(bundle: ContractBundle) -> dict[str, str]:
    """Return the texts that a version has."""
    descriptor = bundle.descriptor
    if descriptor is not None and not isinstance(descriptor, str):
        descriptor = pretty(descriptor)
    parts = {"schema": bundle.json_schema, "wit": bundle.wit, "descriptor": descriptor}
    return {part: text for part, text in parts.items() if text is not None}


def _views(bundle: ContractBundle) -> list[tuple[str, str]]:
    views = [("overview", _("Overview")), ("relations", _("Relations"))]
    if bundle.json_schema is not None:
        views += [("fields", _("Fields")), ("schema", _("Schema")), ("tree", _("Tree")), ("examples", _("Examples"))]
    if bundle.wit is not None:
        views.append(("wit", "WIT"))
    if bundle.descriptor is not None:
        views.append(("descriptor", _("Descriptor")))
    return views


def _shown(
    request: HttpRequest, view: str, bundle: ContractBundle, entry: Entry, parts: dict[str, str]
) -> dict[str, Any]:
    """Return the context of one view of a version."""
    if view == "overview":
        index = contract_store().index(entry.name)
        return {
            "owner": owner_of(entry.labels, policy_of(index.documents, entry.name)),
            "used": _used(request, entry),
            "signatures": signatures_to_json(bundle, index)["signatures"],
        }
    if view == "relations":
        return relations_of(request, entry)
    if view in ("schema", "wit", "descriptor"):
        text, language = parts[view], "wit" if view == "wit" else "json"
        as_published = request.GET.get("format") == "published"
        can_format = language == "json" and needs_format(text)
        source = source_of(
            formatted(text) if can_format and not as_published else text, language, _number(request, "p")
        )
        return {"source": source, "can_format": can_format, "as_published": as_published, "part": view}
    try:
        schema = loads(parts["schema"])
    except InvalidJSON as error:
        return {"fault": str(error)}
    if view == "tree":
        at = request.GET.get("at", "")
        target = follow(schema, at)
        if target is None:
            raise Http404
        return {"tree": tree_of(target[0], at), "at": at}
    if view == "fields":
        expanded = "expand" in request.GET
        if expanded:
            schema = loads(compound_schema(bundle, contract_store()) or "true")
        every = schema_fields(schema)
        wanted = request.GET.get("q", "").strip().casefold()
        fields = [each for each in every if wanted in each.path.casefold() or wanted in each.description.casefold()]
        return {
            "fields": Paginator(fields, FIELDS_PER_PAGE).get_page(request.GET.get("p")),
            "fields_count": len(every),
            "expanded": expanded,
            "pins": {pin.reference: pin for pin in bundle.dependencies},
            "can_expand": any(each.reference for each in every),
            "q": request.GET.get("q", ""),
        }
    try:
        compound = compound_schema(bundle, contract_store())
        made = validation.examples(compound, MAX_EXAMPLES)
        invalid = [(pretty(each), _reason(compound, each)) for each in made["invalid"]]
        return {"examples": {"valid": [pretty(each) for each in made["valid"]], "invalid": invalid}}
    except ContractRefused as error:
        return {"fault": error.message}


def _used(request: HttpRequest, entry: Entry) -> int:
    """Return how many versions that the user may see depend on this one."""
    found = contract_store().index().dependents(entry.name, entry.version)
    return sum(may(request, VIEW, each.name) for each in found)


def relations_of(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    """Return the context of the graph around a version, of what the user may see."""
    index = contract_store().index()
    graph = relations(entry, index, partial(may, request, VIEW))
    levels = levels_of(index.documents)
    related = []
    for node in sorted(graph.nodes.values(), key=lambda each: (each.level, each.key)):
        known = index.get(node.key)
        owner = owner_of(known.labels if known else (), effective_policy(levels, node.name))
        related += [(node, owner)] if node.level else []
    return {"drawing": drawing_of(graph), "related": related, "more": graph.more, "center": entry}


def _reason(schema: str | None, instance: Any) -> str:
    """Return the first reason why an instance is refused."""
    errors = validation.instance_errors(schema, compact(instance))
    return f"{errors[0]['instancePointer'] or '/'}: {errors[0]['reason']}" if errors else ""


def overrides(request: HttpRequest, name: str, index: ContractIndex) -> dict[str, dict[str, Any]]:
    """Return who published versions that their policy refused, and why, by version, as far as it is known.

    The history of a contract is read once after each change of it.
    """
    key = f"overrides:{name}:{index.revision(name)}"
    known: dict[str, dict[str, Any]] | None = cache.get(key)
    if known is None:
        try:
            known = overrides_of(contract_store(), name)
        except StorageUnavailable:
            return {}
        cache.set(key, known)
    if may_everywhere(request.user, AUDIT):
        return known
    return {version: {"reason": entry.get("reason")} for version, entry in known.items()}


def _override(
    request: HttpRequest, name: str, index: ContractIndex, older: Entry | None, entry: Entry
) -> dict[str, Any] | None:
    """Return who published a version that its policy refused, and why; None if it was not refused."""
    if older is None or bump(older, entry) not in NOT_BREAKING:
        return None  # its number may break
    return overrides(request, name, index).get(entry.version)


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


@page(VIEW)
@require_safe
def raw(request: HttpRequest, name: str, version: str, part: str) -> HttpResponse:
    """Download a part of a version, byte for byte as it was published."""
    index, _entries = entries_of(name)
    entry = resolve(index, name, version)
    bundle = contract_store().content(entry, index)
    text = bundle.to_record().decode() if part == "record" else _parts(bundle).get(part)
    if part not in MEDIA_TYPES or text is None:
        raise Http404
    media_type, extension = MEDIA_TYPES[part]
    response = HttpResponse(text.encode(), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}-{entry.version}.{extension}"'
    return response
