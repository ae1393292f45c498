"""`/registry/contracts/{name}/{version}`: a version by its exact text, `latest` or a range; whole or a part."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, scopes_of
from contracts_app.api.removal import Removal
from contracts_app.api.requests import check_parameters, flag
from contracts_app.api.responses import location, respond, version_headers
from contracts_app.bundles import ContractBundle, compact
from contracts_app.exceptions import ContractNotFound
from contracts_app.read_counts import read_counts
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.content_checks import check_schema_text
from contracts_app.services.dependencies import dependency_tree
from contracts_app.services.search import find_version
from contracts_app.storage import Representation, contract_store
from linter_app.schema.references import UNRESOLVED

UNRESOLVED_HEADER = "Registry-Unresolved-References"
"""Names the references of a compound schema that lead outside the registry."""
_IN_URI = ":/?#[]@!$&'()*+;=%"


class VersionViewSet(Removal, ViewSet):
    def retrieve(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = _read_version(request, name, version)
        return self._respond(request, bundle, version, Representation(bundle.to_record(), bundle.etag))

    def json_schema(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = _read_version(request, name, version)
        return self._part(request, bundle, version, bundle.json_schema, "schema", "application/schema+json")

    def wit(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = _read_version(request, name, version)
        return self._part(request, bundle, version, bundle.wit, "wit", "text/plain; charset=utf-8")

    def descriptor(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = _read_version(request, name, version)
        return self._part(request, bundle, version, bundle.descriptor_text, "descriptor", "application/json")

    def bundled(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = _read_version(request, name, version)
        text = compound_schema(bundle, contract_store())
        response = self._part(request, bundle, version, text, "schema", "application/schema+json")
        unresolved = [
            each.reference for each in check_schema_text(text or "true", "jsonSchema") if each.rule == UNRESOLVED
        ]
        if unresolved:  # it is not complete
            response[UNRESOLVED_HEADER] = ", ".join(quote(reference, safe=_IN_URI) for reference in unresolved)
        return response

    def dependencies(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = requested_version(request, name, version)
        tree = dependency_tree(bundle, contract_store())
        members = {"name": bundle.name, "version": bundle.version, "dependencies": tree}
        return self._respond(request, bundle, "", Representation.of(compact(members)))

    def dependents(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = requested_version(request, name, version)
        may_read = scopes_of(request).allows
        found = contract_store().index().dependents(bundle.name, bundle.version)
        members = {
            "name": bundle.name,
            "version": bundle.version,
            "dependents": [
                {"name": entry.name, "version": entry.version, "state": entry.state}
                for entry in sorted(found, key=lambda entry: (entry.name, entry.precedence))
                if may_read(READ, entry.name)
            ],
        }
        return self._respond(request, bundle, "", Representation.of(compact(members)))

    def _part(
        self, request: Request, bundle: ContractBundle, requested: str, text: str | None, part: str, media_type: str
    ) -> HttpResponse:
        if text is None:
            raise ContractNotFound(f"Contract {bundle.name}/{bundle.version} has no {part}", part=part)
        return self._respond(request, bundle, requested, Representation.of(text.encode()), media_type)

    def _respond(
        self,
        request: Request,
        bundle: ContractBundle,
        requested: str,
        representation: Representation,
        media_type: str = "application/json",
    ) -> HttpResponse:
        exact = requested == bundle.version
        response = respond(request, representation, version_headers(bundle, exact=exact), media_type)
        if requested and not exact:
            rest = request.path.removeprefix(location(bundle.name, requested, encoded=False))
            response["Content-Location"] = location(bundle.name, bundle.version) + rest
        return response


def _read_version(request: Request, name: str, version: str) -> ContractBundle:
    """Return the version that a path names, and count the read."""
    bundle = requested_version(request, name, version)
    read_counts.add(bundle.name, bundle.version)
    return bundle


def requested_version(request: Request, name: str, version: str, *parameters: str) -> ContractBundle:
    """Return the version that a path names. Raises the errors of `find_version`.

    Raises MalformedContract for a query parameter other than includeWithdrawn and `parameters`.
    """
    check_parameters(request, "includeWithdrawn", *parameters)
    return find_version(contract_store(), name, version, include_withdrawn=flag(request, "includeWithdrawn"))
