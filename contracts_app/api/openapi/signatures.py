"""The routes of signers and signatures in the OpenAPI document."""

from __future__ import annotations

from contracts_app.api.openapi.components import SIGNER_NAME, ref
from contracts_app.api.openapi.examples import ENVELOPE, PUBLIC_KEY
from contracts_app.api.openapi.operations import (
    CACHED,
    EXACT,
    GONE_TOO,
    IF_MATCH,
    JSON,
    KNOWN,
    NAME,
    answer,
    operation,
    reads,
    takes,
)

_TAG, _READ, _ADMIN = "Signatures", "contracts:read", "contracts:admin"
_SIGNER = {
    "name": "signer",
    "in": "path",
    "required": True,
    "description": "The signer: a-z, 0-9 and -",
    "schema": SIGNER_NAME,
    "example": "ci",
}


def signature_paths(version: str) -> JSON:
    """Return the paths of signers, and of the signatures of a version."""
    written = {"ETag": "The new entity tag"}
    return {
        "/registry/signers": {
            "get": reads("The keys that signatures are verified with", "list_signers", ref("Signers"), tag=_TAG)
        },
        "/registry/signers/{signer}": {
            "parameters": [_SIGNER],
            "get": operation(
                *("A signer and its key", "get_signer", _TAG, _READ),
                {200: answer("The signer", ref("Signer"), **CACHED), 304: KNOWN},
                404,
            ),
            "put": operation(
                *("Add a signer, or revoke its key", "put_signer", _TAG, _ADMIN),
                {200: answer("Changed", ref("Signer"), **written), 201: answer("Added", ref("Signer"), **written)},
                *(409, 412, 413, 415),
                parameters=(IF_MATCH,),
                body=takes(ref("SignerRequest"), key={"publicKey": PUBLIC_KEY, "description": "The pipeline"}),
            ),
            "delete": operation(
                *("Delete a signer that signed nothing", "delete_signer", _TAG, _ADMIN),
                {204: answer("Deleted")},
                *(404, 409, 412),
                parameters=(IF_MATCH,),
            ),
        },
        f"{version}/signatures": {
            "parameters": [NAME, EXACT],
            "get": reads(
                "The signatures of a version, each verified now",
                "list_signatures",
                ref("Signatures"),
                *(404, 410),
                parameters=(GONE_TOO,),
                tag=_TAG,
            ),
            "post": operation(
                *("Sign a version", "add_signature", _TAG, "contracts:write"),
                {
                    200: answer("The signer has signed it already", ref("AddedSignature"), **written),
                    201: answer("Added", ref("AddedSignature"), **written),
                },
                *(404, 409, 413, 415, 422),
                body=takes(ref("Envelope"), statement=ENVELOPE),
            ),
        },
    }
