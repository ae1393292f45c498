"""Signatures of versions: in-toto statements over a digest, in DSSE envelopes, and the keys that verify them.

The statement (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) has the digest of a version as a
subject; the envelope (https://github.com/secure-systems-lab/dsse) has its bytes and one signature. Keys are stored in
the bucket under `signer.<name>`. Pure rules, without any input or output.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey
from securesystemslib.signer import Signature as RawSignature

from contracts_app.exceptions import ContractRefused, MalformedContract
from linter_app.schema.json_text import InvalidJSON, loads

PREFIX = "signer."
STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type that says no more than that the subjects are signed."""
MAX_SIGNERS = 200
MAX_SIGNATURES = 10
"""Of one version."""
MAX_PAYLOAD_CHARACTERS = 20_000
MAX_DESCRIPTION_CHARACTERS = 200
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Signer:
    """A key that versions are signed with, under a name that policies can ask for."""

    name: str
    public_key: str
    """In PEM form: ECDSA over P-256 or P-384, or Ed25519."""
    description: str = ""
    revoked: bool = False
    """Whether its signatures, also the earlier ones, no longer count."""

    @property
    def key_id(self) -> str:
        """The SHA-256 digest of the key in DER form, in hexadecimal digits."""
        return _key(self.public_key).keyid

    def to_json(self) -> dict[str, Any]:
        members = {"name": self.name, "publicKey": self.public_key, "keyId": self.key_id}
        return {**members, "description": self.description, "revoked": self.revoked}

    def to_record(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"publicKey": self.public_key, "description": self.description, "revoked": self.revoked}


@dataclass(frozen=True)
class Signature:
    """A signature of a version, as it was verified when it was added."""

    envelope: dict[str, Any]
    """`payload` and `payloadType`, and `signatures` with one object that has `sig`."""
    signer: str = ""
    """The name of the key that verified it; empty in what a client gives."""
    added_at: str = ""
    """RFC 3339 in UTC."""

    @property
    def digests(self) -> frozenset[str]:
        """The SHA-256 digests that the statement is about. Raises MalformedContract."""
        return frozenset(each["digest"]["sha256"] for each in _subjects(self.envelope))

    @property
    def predicate_type(self) -> str:
        """What the statement says of its subjects."""
        return str(loads(_decode(self.envelope["payload"])).get("predicateType", ""))

    def to_json(self) -> dict[str, Any]:
        return {"signer": self.signer, "addedAt": self.added_at, "envelope": self.envelope}


def read_signatures(value: Any) -> tuple[Signature, ...]:
    """Return the signatures of a stored record. Raises ValueError."""
    if value is None:
        return ()
    try:
        return tuple(Signature(check_envelope(each["envelope"]), each["signer"], each["addedAt"]) for each in value)
    except (MalformedContract, TypeError, KeyError) as error:
        raise ValueError(f"signatures is not a list of signatures: {error}") from None


def check_envelopes(value: Any) -> tuple[Signature, ...]:
    """Return the signatures that a client gives, not verified yet. Raises MalformedContract."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_SIGNATURES:
        raise MalformedContract(
            f"The field signatures must be a list of at most {MAX_SIGNATURES} DSSE envelopes", field="signatures"
        )
    return tuple(Signature(check_envelope(each)) for each in value)


def check_envelope(value: Any) -> dict[str, Any]:
    """Return a DSSE envelope with an in-toto statement and one signature. Raises MalformedContract."""
    given = value if isinstance(value, dict) else {}
    signatures = given.get("signatures")
    if (
        given.keys() != {"payload", "payloadType", "signatures"}
        or not isinstance(given["payload"], str)
        or not isinstance(signatures, list)
        or not all(isinstance(each, dict) and isinstance(each.get("sig"), str) for each in signatures)
    ):
        raise MalformedContract(
            "A signature must be a DSSE envelope: an object with payload, payloadType and signatures, "
            "each of those an object with sig",
            field="signatures",
        )
    if given["payloadType"] != PAYLOAD_TYPE:
        raise MalformedContract(f"The payloadType of a signature must be {PAYLOAD_TYPE}", field="signatures")
    if len(signatures) != 1:
        raise MalformedContract("An envelope must have one signature; send others in their own", field="signatures")
    if len(given["payload"]) > MAX_PAYLOAD_CHARACTERS or len(signatures[0]["sig"]) > 500:
        raise MalformedContract(
            f"The payload of a signature must have at most {MAX_PAYLOAD_CHARACTERS} characters", field="signatures"
        )
    _subjects(given)
    _decode(signatures[0]["sig"])
    keyid = signatures[0].get("keyid", "")
    if not isinstance(keyid, str) or len(keyid) > 500:
        raise MalformedContract("keyid must be a text of at most 500 characters", field="signatures")
    return {**given, "signatures": [{"keyid": keyid, "sig": signatures[0]["sig"]}]}


def verify(envelope: Mapping[str, Any], signers: Iterable[Signer], digests: Collection[str]) -> Signer:
    """Return the signer whose key verifies an envelope about one of the digests.

    Raises ContractRefused: it is about something else, or no key that is known verifies it.
    """
    subjects = {each["digest"]["sha256"] for each in _subjects(envelope)}
    if subjects.isdisjoint(digests):
        raise ContractRefused(
            f"The signature is about {', '.join(sorted(subjects)[:3]) or 'nothing'}, not about {', '.join(digests)}",
            field="signatures",
        )
    signature = _decode(envelope["signatures"][0]["sig"]).hex()
    signed = Envelope(_decode(envelope["payload"]), envelope["payloadType"], {}).pae()
    for signer in signers:
        key = _key(signer.public_key)
        try:
            key.verify_signature(RawSignature(key.keyid, signature), signed)
        except (UnverifiedSignatureError, VerificationError):
            continue
        if signer.revoked:
            raise ContractRefused(f"The key of the signer {signer.name} is revoked", field="signatures")
        return signer
    raise ContractRefused(
        "No key of a known signer verifies the signature; an administrator adds one with PUT /registry/signers/NAME",
        field="signatures",
    )


def signed_envelope(name: str, digest: str, key: bytes, password: bytes | None = None) -> dict[str, Any]:
    """Return an envelope with the signature over a digest, by a private key in PEM form. Raises ValueError."""
    subject = {"name": name, "digest": {"sha256": digest}}
    statement = {"_type": STATEMENT, "subject": [subject], "predicateType": SIGNED, "predicate": {}}
    try:
        signer = CryptoSigner(load_pem_private_key(key, password))  # type: ignore[arg-type]
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"it is not a private key in PEM form that can be used: {error}") from None
    envelope = Envelope(json.dumps(statement, separators=(",", ":")).encode(), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    members: dict[str, Any] = envelope.to_dict()
    members["signatures"][0]["keyid"] = ""  # `cosign` computes others, and skips what has another one than its own
    return members


def check_signer_name(name: object) -> str:
    """Return a name of a signer. Raises MalformedContract."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedContract(
            f"{name!r:.80} is not a name for a signer: up to 64 of a-z, 0-9 and -, the first and last no -",
            field="name",
        )
    return name


def check_signer(name: str, value: Any) -> Signer:
    """Return the signer that a client describes. Raises MalformedContract, which names the member."""
    known = ("publicKey", "description", "revoked")
    if not isinstance(value, dict) or not isinstance(value.get("publicKey"), str):
        raise MalformedContract("A signer must be a JSON object with publicKey, a text", field="publicKey")
    if unknown := sorted(value.keys() - set(known)):
        shown = ", ".join(f"{each!r:.60}" for each in unknown[:10])
        raise MalformedContract(f"Unknown members of a signer: {shown}; known are {', '.join(known)}")
    description, revoked = value.get("description", ""), value.get("revoked", False)
    if (
        not isinstance(description, str)
        or len(description) > MAX_DESCRIPTION_CHARACTERS
        or (description and not description.isprintable())
    ):
        raise MalformedContract(
            f"description must be one line of at most {MAX_DESCRIPTION_CHARACTERS} characters", field="description"
        )
    if not isinstance(revoked, bool):
        raise MalformedContract("revoked must be true or false", field="revoked")
    key = value["publicKey"].strip() + "\n"
    _key(key)
    return Signer(check_signer_name(name), key, description, revoked)


def signers_of(documents: Mapping[str, tuple[int, bytes | None]]) -> dict[str, Signer]:
    """Return every stored signer by name; what cannot be read is left out, so that it verifies nothing."""
    found = {}
    for key, (_, value) in sorted(documents.items()):
        if key.startswith(PREFIX) and value is not None:
            name = key.removeprefix(PREFIX)
            try:
                found[name] = check_signer(name, loads(value))
            except (InvalidJSON, MalformedContract):
                continue
    return found


@lru_cache(maxsize=MAX_SIGNERS)
def _key(pem: str) -> SSlibKey:
    """Return a public key from its PEM form. Raises MalformedContract."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedContract(
            "publicKey must be a public key in PEM form, beginning with -----BEGIN PUBLIC KEY-----", field="publicKey"
        ) from None
    if not isinstance(key, ed25519.Ed25519PublicKey) and not (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1))
    ):
        raise MalformedContract(
            "publicKey must be a key for ECDSA over P-256 or P-384, or for Ed25519", field="publicKey"
        )
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(key, keyid=hashlib.sha256(der).hexdigest())


def _subjects(envelope: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the subjects of an envelope's statement, each with a SHA-256 digest. Raises MalformedContract."""
    try:
        statement = loads(_decode(envelope["payload"]))
    except InvalidJSON as error:
        raise MalformedContract(f"The payload of a signature is not JSON: {error}", field="signatures") from None
    subjects = statement.get("subject") if isinstance(statement, dict) else None
    if not isinstance(subjects, list) or statement.get("_type") != STATEMENT:
        raise MalformedContract(
            f"The payload of a signature must be an in-toto statement: _type {STATEMENT}, and a list subject",
            field="signatures",
        )
    for each in subjects:
        digest = each.get("digest") if isinstance(each, dict) else None
        found = digest.get("sha256") if isinstance(digest, dict) else None
        if not isinstance(found, str) or not _DIGEST.fullmatch(found):
            raise MalformedContract("A subject of a signature must have a digest sha256", field="signatures")
    return subjects


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedContract("payload and sig of a signature must be in base64", field="signatures") from None
