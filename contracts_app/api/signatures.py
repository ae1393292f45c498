"""`/registry/signers`, the keys of signers; and `.../signatures` of a version."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import ADMIN, WRITE
from contracts_app.api.requests import actor_of, check_parameters, if_match, read_json
from contracts_app.api.responses import LIST_CACHING, respond, respond_json
from contracts_app.api.versions import requested_version
from contracts_app.bundles import check_identity, compact
from contracts_app.services.signatures import add_signature, delete_signer, find_signer, set_signer, signatures_to_json
from contracts_app.signatures import Signature, check_envelope, check_signer, signers_of
from contracts_app.storage import Representation, contract_store


class SignerViewSet(ViewSet):
    scopes = {"put": ADMIN, "delete": ADMIN}
    any_name = ("list", "get")

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request)
        signers = signers_of(contract_store().index("signer").documents)
        return respond_json(request, {"signers": [each.to_json() for each in signers.values()]})

    def get(self, request: Request, signer: str) -> HttpResponse:
        check_parameters(request)
        sequence, found = find_signer(signer)
        return respond(request, Representation(compact(found.to_json()), f'"{sequence}"'), LIST_CACHING)

    def put(self, request: Request, signer: str) -> Response:
        check_parameters(request)
        wanted = check_signer(signer, read_json(request, "a signer, a JSON object with publicKey"))
        sequence, new = set_signer(wanted, actor_of(request), expected_etag=if_match(request))
        response = Response(wanted.to_json(), status=201 if new else 200)
        response["ETag"] = f'"{sequence}"'
        return response

    def delete(self, request: Request, signer: str) -> HttpResponse:
        check_parameters(request)
        delete_signer(signer, actor_of(request), expected_etag=if_match(request))
        return HttpResponse(status=204)


class SignatureViewSet(ViewSet):
    scopes = {"create": WRITE}

    def list(self, request: Request, name: str, version: str) -> HttpResponse:
        bundle = requested_version(request, name, version)
        return respond_json(request, signatures_to_json(bundle, contract_store().index(bundle.name)))

    def create(self, request: Request, name: str, version: str) -> Response:
        check_parameters(request)
        check_identity(name, version)
        signature = Signature(check_envelope(read_json(request, "a signature, a DSSE envelope")))
        bundle, stored, new = add_signature(name=name, version=version, signature=signature, actor=actor_of(request))
        response = Response(
            {"name": name, "version": version, "digest": bundle.digest, **stored.to_json()}, status=201 if new else 200
        )
        response["ETag"] = bundle.etag
        return response
