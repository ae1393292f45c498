"""Questions that change nothing: compare, diff, changelog, validate, examples."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.body import read_body, read_json
from contracts_app.api.errors import wants
from contracts_app.api.parameters import known, number, required
from contracts_app.api.permissions import READ
from contracts_app.api.prepared import LIST_CACHING, ready
from contracts_app.api.serializers import check_identity, check_name
from contracts_app.api.views import find_version
from contracts_app.bundles import compact
from contracts_app.exceptions import ContractNotFound, ContractRefused, MalformedContract
from contracts_app.policies import COMPATIBILITIES, Policy, policy_of
from contracts_app.services import comparing, validating
from contracts_app.services.bundling import self_contained
from contracts_app.services.finding import resolve
from contracts_app.storage import Prepared, contract_storage
from linter_app.changelog import as_json, markdown
from linter_app.json_text import InvalidJSON, loads

MOST_LINES = 10_000
_SIDE = ("name", "version", "jsonSchema", "wit")


class VerdictViewSet(ViewSet):
    scopes = {"check": READ, "validate": READ}

    def check(self, request: Request) -> Response:
        known(request._request)
        data = read_json(request._request)
        allowed = {"old", "new", "compatibility", "strictOpenObjects"}
        if not isinstance(data, dict) or not {"old", "new"} <= data.keys() <= allowed:
            raise MalformedContract(
                "The request body must be a JSON object with old and new, "
                "and possibly compatibility and strictOpenObjects"
            )
        (old, old_name), (new, new_name) = _side(data["old"], "old"), _side(data["new"], "new")
        name = new_name or old_name
        storage = contract_storage()
        policy = policy_of(storage.index(name).documents, name) if name else Policy()
        policy = _with_overrides(policy, data)
        answer = comparing.told_report(comparing.compare(old, new, policy), policy)
        if old.bundle is not None:
            answer["dependents"] = comparing.broken_dependents(old.bundle.name, new.texts, storage)
        if new.texts.schema is not None and new.texts.wit is not None and not new.texts.packages:
            answer["coherence"] = comparing.coherence(new.texts.schema, new.texts.wit)
        return Response(answer)

    def diff(self, request: Request, name: str) -> HttpResponse:
        known(request._request, "from", "to")
        check_name(name)
        storage = contract_storage()
        index = storage.index(name)
        sides = []
        for parameter in ("from", "to"):
            entry = resolve(index, name, required(request._request, parameter))
            sides.append(comparing.side_of(storage.get(entry.name, entry.version), storage))
        policy = policy_of(index.documents, name)
        report = comparing.compare(sides[0], sides[1], policy)
        versions = [side.bundle.version for side in sides if side.bundle]
        answer = {"name": name, "from": versions[0], "to": versions[1], **comparing.told_report(report, policy)}
        return ready(request._request, Prepared.of(compact(answer)), LIST_CACHING)

    def changelog(self, request: Request, name: str) -> HttpResponse:
        known(request._request)
        check_name(name)
        steps = comparing.history(name, contract_storage())
        if not steps:
            raise ContractNotFound(f"Contract {name} not found", name=name)
        steps.reverse()
        as_text = wants(request._request, "text/markdown")
        if as_text:
            chapters = [
                markdown(report, title) if report else f"## {title}\n\nThe first version.\n"
                for title, report in ((f"{bundle.version} - {bundle.created_at[:10]}", step) for bundle, step in steps)
            ]
            body = f"# {name}\n\n" + "\n".join(chapters)
            response = ready(request._request, Prepared.of(body.encode()), LIST_CACHING, "text/markdown; charset=utf-8")
        else:
            told = [
                {"version": bundle.version, "createdAt": bundle.created_at}
                | ({key: value for key, value in as_json(report, "").items() if key != "title"} if report else {})
                for bundle, report in steps
            ]
            response = ready(request._request, Prepared.of(compact({"name": name, "versions": told})), LIST_CACHING)
        response["Vary"] = "Accept"
        return response

    def validate(self, request: Request, name: str, version: str) -> Response:
        known(request._request, "includeWithdrawn")
        bundle = find_version(request._request, name, version)
        validator = validating.validator_of(self_contained(bundle, contract_storage()))
        body = read_body(request._request)
        answer: dict[str, Any] = {"name": bundle.name, "version": bundle.version}
        media_type = request._request.content_type
        if media_type not in ("application/x-ndjson", "application/jsonl", "application/json-lines"):
            try:
                errors = validator.errors(loads(body))
            except InvalidJSON as error:
                raise MalformedContract(f"The request body is not JSON: {error}") from None
            return Response(answer | {"valid": not errors, "errors": errors})
        lines = body.split(b"\n")
        if len(lines) > MOST_LINES + 1:
            raise MalformedContract(f"At most {MOST_LINES} lines are validated at once", limit=MOST_LINES)
        results = _validate_lines(validator, lines)
        valid = sum(result["valid"] for result in results)
        return Response(answer | {"valid": valid == len(results), "validLines": valid, "results": results})

    def examples(self, request: Request, name: str, version: str) -> HttpResponse:
        known(request._request, "count", "includeWithdrawn")
        count = number(request._request, "count", 3, 1, 20)
        bundle = find_version(request._request, name, version)
        validator = validating.validator_of(self_contained(bundle, contract_storage()))
        answer = {"name": bundle.name, "version": bundle.version, **validating.examples(validator, count)}
        return ready(request._request, Prepared.of(compact(answer)), LIST_CACHING)


def _validate_lines(validator: validating.Validator, lines: list[bytes]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + validating.SECONDS
    results: list[dict[str, Any]] = []
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if time.monotonic() > deadline:
            raise MalformedContract(
                f"Validation was given up after {validating.SECONDS} seconds at line {line_number}; send fewer lines",
                line=line_number,
            )
        try:
            errors = validator.errors(loads(line))
        except InvalidJSON as error:
            errors = [{"instancePointer": "", "schemaPointer": "", "reason": f"not JSON: {error}"}]
        results.append({"line": line_number, "valid": not errors, "errors": errors})
    return results


def _side(value: Any, field: str) -> tuple[comparing.Side, str]:
    """One side of a check, registered or not, and the contract that it is of."""
    if not isinstance(value, dict) or not value or not value.keys() <= set(_SIDE):
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
    storage = contract_storage()
    if version is None:
        if name is not None:
            check_name(name)
        try:
            return comparing.proposed_side(name or "", schema, wit, storage), name or ""
        except ContractRefused as refused:
            part = refused.extras.get("field", "jsonSchema")
            raise ContractRefused(
                f"{field}.{refused.message}", **{**refused.extras, "field": f"{field}.{part}"}
            ) from None
    if not isinstance(version, str):
        raise MalformedContract(f"{field}.version must be a string", field=field)
    check_name(name)
    if schema is not None or wit is not None:
        check_identity(name, version)
        raise MalformedContract(f"{field} names a registered version; leave out its jsonSchema and wit", field=field)
    assert isinstance(name, str)
    entry = resolve(storage.index(name), name, version)
    return comparing.side_of(storage.get(entry.name, entry.version), storage), name


def _with_overrides(policy: Policy, data: dict[str, Any]) -> Policy:
    compatibility = data.get("compatibility", policy.compatibility)
    strict = data.get("strictOpenObjects", policy.strict_open_objects)
    if compatibility not in COMPATIBILITIES:
        raise MalformedContract(f"compatibility must be one of {', '.join(COMPATIBILITIES)}", field="compatibility")
    if not isinstance(strict, bool):
        raise MalformedContract("strictOpenObjects must be true or false", field="strictOpenObjects")
    return Policy(compatibility=compatibility, strict_open_objects=strict)
