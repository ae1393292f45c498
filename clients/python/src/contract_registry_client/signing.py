"""Signing of versions, and verifying what others signed, by keys that this project knows.

A signature is an in-toto statement over the digest of a version, in a DSSE envelope. `sign` also names the OCI manifest
of the version, so that `cosign verify --key` accepts it. Needs the extra `sign`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract_registry_client.lockfile import LockError, digest_of
from contract_registry_client.registry import JSON

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
    from securesystemslib.signer import CryptoSigner, Signature, SSlibKey
except ImportError:
    raise LockError("Signatures need `pip install 'contract-registry-client[sign]'`") from None

STATEMENT, SIGNED = "https://in-toto.io/Statement/v1", "https://sigstore.dev/cosign/sign/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sign(version: JSON, key: bytes, password: bytes | None = None, *, manifest: str = "") -> JSON:
    """Return the envelope with the signature of a version, by a private key in PEM form.

    `manifest` is the digest of its OCI manifest, `sha256:...`. Raises LockError for a key that cannot be used.
    """
    name = f"{version['name']}@{version['version']}"
    subjects = [{"name": name, "digest": {"sha256": digest_of(version)}}]
    if manifest:
        subjects.append({"name": name, "digest": {"sha256": manifest.removeprefix("sha256:")}})
    statement = {"_type": STATEMENT, "subject": subjects, "predicateType": SIGNED, "predicate": {}}
    try:
        signer = CryptoSigner(load_pem_private_key(key, password))  # type: ignore[arg-type]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LockError(f"The key cannot be used ({error}); it must be a private key in PEM form") from None
    envelope = Envelope(json.dumps(statement, separators=(",", ":")).encode(), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    members: JSON = envelope.to_dict()
    members["signatures"][0]["keyid"] = ""  # `cosign` computes others, and skips what has another one than its own
    return members


def signers_of(version: JSON, signatures: list[Any], keys: Mapping[str, Path]) -> list[str]:
    """Return the names of the keys that verify a signature over the digest of a version. Raises LockError."""
    found = []
    for name, path in keys.items():
        try:
            key = SSlibKey.from_crypto(load_pem_public_key(path.read_bytes()))
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise LockError(f"{path} of the signer {name} is not a public key in PEM form: {error}") from None
        if any(_holds(each, key, digest_of(version)) for each in signatures):
            found.append(name)
    return found


def _holds(signature: Any, key: SSlibKey, digest: str) -> bool:
    try:
        envelope = signature["envelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        statement = json.loads(payload)
        if envelope["payloadType"] != PAYLOAD_TYPE or statement["_type"] != STATEMENT:
            return False
        if digest not in [each["digest"].get("sha256") for each in statement["subject"]]:
            return False
        signed = Envelope(payload, PAYLOAD_TYPE, {}).pae()
        raw = base64.b64decode(envelope["signatures"][0]["sig"], validate=True).hex()
        key.verify_signature(Signature(key.keyid, raw), signed)
    except (UnverifiedSignatureError, VerificationError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False
    return True
