"""Signatures as OCI artifacts that refer to the manifest of a version, in the form of `cosign`.

Each is a manifest with one layer, a Sigstore bundle (https://docs.sigstore.dev/about/bundle/) with a DSSE envelope.
What `cosign sign` pushes is kept as it is; a signature that came another way is written in the same form.
"""

from __future__ import annotations

from typing import Any

import msgspec

from contracts_app.bundles import ContractBundle, compact
from contracts_app.exceptions import ContractError, MalformedContract
from contracts_app.signatures import Signature, check_envelope
from linter_app.schema.json_text import InvalidJSON, loads
from oci_app.errors import OCIError
from oci_app.manifests import EMPTY, EMPTY_CONFIG, MANIFEST, Blob, manifest_text

SIGSTORE_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class SignatureRecord(msgspec.Struct, frozen=True):
    """A pushed signature: its manifest, configuration and layer, as they are sent."""

    manifest: str
    config: str
    bundle: str

    @property
    def manifest_blob(self) -> Blob:
        return Blob(self.manifest.encode(), MANIFEST)

    def blobs(self) -> list[Blob]:
        config_type = loads(self.manifest)["config"].get("mediaType", EMPTY_CONFIG)
        return [Blob(self.bundle.encode(), SIGSTORE_BUNDLE), Blob(self.config.encode(), config_type)]


def signature_records(
    version: ContractBundle, subject: Blob, pushed: tuple[SignatureRecord, ...]
) -> list[SignatureRecord]:
    """Return the signatures of a version: those that were pushed, and the others in the same form."""
    known = [_envelope_in(each.bundle) for each in pushed]
    written = [_written(each, subject) for each in version.signatures if each.envelope not in known]
    return [*pushed, *written]


def is_signature(manifest: dict[str, Any]) -> bool:
    """Return whether a manifest that is pushed is that of a signature."""
    return bool(manifest.get("artifactType", manifest["config"].get("mediaType")) == SIGSTORE_BUNDLE)


def read_bundle(data: bytes) -> Signature:
    """Return the signature in a Sigstore bundle. Raises OCIError."""
    try:
        text = data.decode()
        return Signature(_envelope_in(text))
    except (UnicodeDecodeError, InvalidJSON, MalformedContract) as error:
        reason = error.message if isinstance(error, ContractError) else str(error)
        raise OCIError(
            "MANIFEST_INVALID", f"The layer is not a Sigstore bundle with a DSSE envelope: {reason}"
        ) from None


def _envelope_in(bundle: str) -> dict[str, Any]:
    """Return the envelope in a Sigstore bundle, in the form that versions have it. Raises MalformedContract."""
    members = loads(bundle)
    return check_envelope(members.get("dsseEnvelope") if isinstance(members, dict) else None)


def _written(signature: Signature, subject: Blob) -> SignatureRecord:
    hint = signature.envelope["signatures"][0]["keyid"]
    bundle = {
        "mediaType": SIGSTORE_BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": signature.envelope,
    }
    layer, config = Blob(compact(bundle), SIGSTORE_BUNDLE), Blob(EMPTY, EMPTY_CONFIG)
    manifest = manifest_text(
        config,
        [layer.descriptor()],
        artifactType=SIGSTORE_BUNDLE,
        subject=subject.descriptor(),
        annotations={
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": signature.predicate_type,
            "org.opencontainers.image.created": signature.added_at,
        },
    )
    return SignatureRecord(manifest, EMPTY.decode(), layer.data.decode())
