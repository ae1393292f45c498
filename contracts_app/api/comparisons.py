"""`POST /registry/check`, `.../diff` and `.../changelog`: what changed between two versions, and what breaks."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, require, require_references, scopes_of
from contracts_app.api.errors import prefers
from contracts_app.api.requests import check_parameters, read_members, required
from contracts_app.api.responses import LIST_CACHING, respond, respond_json
from contracts_app.bundles import check_identity, check_name, compact
from contracts_app.exceptions import ContractNotFound, ContractRefused, MalformedContract
from contracts_app.policies import COMPATIBILITIES, Policy, policy_of
from contracts_app.services import comparison
from contracts_app.services.search import resolve
from contracts_app.services.usage import broken_users
from contracts_app.storage import Representation, contract_store
from linter_app.report.changelog import changelog_to_json, markdown

_VERSION_FIELDS = ("name", "version", "jsonSchema", "wit")


class ComparisonViewSet(ViewSet):
    scopes = {"check": READ}
    any_name = ("check",)

    def check(self, request: Request) -> Response:
        check_parameters(request)
        data = read_members(request, "a JSON object with old and new")
        allowed = {"old", "new", "compatibility", "strictOpenObjects", "consumers"}
        if not isinstance(data, dict) or not {"old", "new"} <= data.keys() <= allowed:
            raise MalformedContract(
                "The request body must be a JSON object with old and new, "
                "and possibly compatibility, strictOpenObjects and consumers"
            )
        old, old_name = _read_version(request, data["old"], "old")
        new, new_name = _read_version(request, data["new"], "new")
        name = new_name or old_name
        store = contract_store()
        policy = policy_of(store.index(name).documents, name) if name else Policy()
        policy = _with_given(policy, data)
        if not isinstance(data.get("consumers", False), bool):
            raise MalformedContract("consumers must be true or false", field="consumers")
        members = comparison.report_to_json(comparison.compare(old, new, policy), policy)
        if old.bundle is not None:
            readable = partial(scopes_of(request).allows, READ)
            members["dependents"] = comparison.broken_dependents(old.bundle.name, new.texts, store, readable)
        if data.get("consumers"):
            readable = partial(scopes_of(request).allows, READ)
            members["consumers"] = broken_users(name, members["changes"], store, readable) if name else []
        if new.texts.schema is not None and new.texts.wit is not None and not new.texts.packages:
            members["coherence"] = comparison.coherence_findings(new.texts.schema, new.texts.wit)
        return Response(members)

    def diff(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request, "from", "to")
        check_name(name)
        store = contract_store()
        index = store.index(name)
        versions = []
        for parameter in ("from", "to"):
            entry = resolve(index, name, required(request, parameter))
            versions.append(comparison.compared_version(store.get(entry.name, entry.version), store))
        policy = policy_of(index.documents, name)
        report = comparison.compare(versions[0], versions[1], policy)
        texts = [each.bundle.version for each in versions if each.bundle]
        members = {"name": name, "from": texts[0], "to": texts[1], **comparison.report_to_json(report, policy)}
        return respond_json(request, members)

    def changelog(self, request: Request, name: str) -> HttpResponse:
        check_parameters(request)
        check_name(name)
        steps = comparison.version_history(name, contract_store())
        if not steps:
            raise ContractNotFound(f"Contract {name} not found", name=name)
        steps.reverse()
        if prefers(request, "text/markdown"):
            chapters = [
                markdown(report, title) if report else f"## {title}\n\nThe first version.\n"
                for title, report in ((f"{bundle.version} - {bundle.created_at[:10]}", step) for bundle, step in steps)
            ]
            body = f"# {name}\n\n" + "\n".join(chapters)
            representation = Representation.of(body.encode())
            response = respond(request, representation, LIST_CACHING, "text/markdown; charset=utf-8")
        else:
            versions = [
                {"version": bundle.version, "createdAt": bundle.created_at} | (_without_title(report) if report else {})
                for bundle, report in steps
            ]
            response = respond(request, Representation.of(compact({"name": name, "versions": versions})), LIST_CACHING)
        response["Vary"] = "Accept"
        return response


def _without_title(report: Any) -> dict[str, Any]:
    return {key: value for key, value in changelog_to_json(report, "").items() if key != "title"}


def _read_version(request: Request, value: Any, field: str) -> tuple[comparison.ComparedVersion, str]:
    """Return one of the two versions of a check, registered or not, and the name of its contract."""
    if not isinstance(value, dict) or not value or not value.keys() <= set(_VERSION_FIELDS):
        raise MalformedContract(
            f"{field} must be an object with name and version of a registered contract, or with jsonSchema or wit",
            field=field,
        )
    name, version = value.get("name"), value.get("version")
    schema, wit = value.get("jsonSchema"), value.get("wit")
    if isinstance(schema, (dict, bool)):
        schema = compact(schema).decode()
    for part, text in (("jsonSchema", schema), ("wit", wit)):
        if not isinstance(text, (str, type(None))):
            raise MalformedContract(f"{field}.{part} must be a string or, for a schema, an object", field=field)
    store = contract_store()
    if version is None:
        if name is not None:
            check_name(name)
            require(request, READ, name)
        require_references(request, schema, wit)
        try:
            return comparison.proposed_version(name or "", schema, wit, store), name or ""
        except ContractRefused as refused:
            part = refused.extras.get("field", "jsonSchema")
            raise type(refused)(
                f"{field}.{refused.message}", **{**refused.extras, "field": f"{field}.{part}"}
            ) from None
    if not isinstance(version, str):
        raise MalformedContract(f"{field}.version must be a string", field=field)
    check_name(name)
    require(request, READ, name)
    if schema is not None or wit is not None:
        check_identity(name, version)
        raise MalformedContract(f"{field} names a registered version; leave out its jsonSchema and wit", field=field)
    assert isinstance(name, str)
    entry = resolve(store.index(name), name, version)
    return comparison.compared_version(store.get(entry.name, entry.version), store), name


def _with_given(policy: Policy, data: dict[str, Any]) -> Policy:
    compatibility = data.get("compatibility", policy.compatibility)
    strict = data.get("strictOpenObjects", policy.strict_open_objects)
    if compatibility not in COMPATIBILITIES:
        raise MalformedContract(f"compatibility must be one of {', '.join(COMPATIBILITIES)}", field="compatibility")
    if not isinstance(strict, bool):
        raise MalformedContract("strictOpenObjects must be true or false", field="strictOpenObjects")
    return Policy(compatibility=compatibility, strict_open_objects=strict)
