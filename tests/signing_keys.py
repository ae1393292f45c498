"""Keys, and what they sign, for tests of signatures."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts_app.signatures import signed_envelope

MAKERS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


class Key:
    """A pair of keys in PEM form."""

    def __init__(self, kind: str = "P-256", password: bytes | None = None) -> None:
        made = MAKERS[kind]()
        protection = BestAvailableEncryption(password) if password else NoEncryption()
        self.private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        self.public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.password = password

    def sign(self, digest: str) -> dict[str, Any]:
        return signed_envelope("a name", digest, self.private, self.password)


def flipped(envelope: dict[str, Any], member: str) -> dict[str, Any]:
    """Return an envelope with one bit of the signature, or of the digest in the payload, changed."""
    if member == "sig":
        data = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
        data[-1] ^= 1
        return {**envelope, "signatures": [{**envelope["signatures"][0], "sig": base64.b64encode(data).decode()}]}
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicateType"] += "x"
    return {**envelope, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}
