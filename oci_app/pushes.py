"""Pushes: uploads, and manifests, which publish a version through the same checks as everything else."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contracts_app.bundles import ContractBundle, check_identity, content_digest
from contracts_app.exceptions import ContractAlreadyExists, MalformedContract, ReviewRequired, VersionSetChanged
from contracts_app.services.publishing import publish
from contracts_app.services.signatures import add_signature
from contracts_app.services.work import linter
from contracts_app.storage import Actor, ContractStore
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.wit import InvalidWIT, WITToolFailed, declared_in
from linter_app.work_pool import WorkAborted
from oci_app.artifacts import (
    BUNDLE,
    CONFIG,
    DESCRIPTOR,
    SCHEMA,
    WASM,
    WASM_CONFIG,
    WIT,
    Artifact,
    ArtifactRecord,
    ManifestRecord,
    artifact_of,
    keep_pushed,
    keep_signature,
)
from oci_app.errors import OCIError
from oci_app.manifests import EMPTY, MANIFEST, digest_of
from oci_app.signatures import SIGSTORE_BUNDLE, SignatureRecord, is_signature, read_bundle

MAX_PARTS = 1000
MAX_LAYERS = 3
_SIGNATURE_TAG = re.compile(r"sha256-[0-9a-f]{64}(?:\.[a-z]+)?")
"""How older clients name a signature."""


def begin_upload() -> str:
    """Return the identifier of a new upload."""
    return f"{uuid.uuid4().hex}-0-0"


def append(store: ContractStore, upload: str, data: bytes, limit: int) -> tuple[str, int]:
    """Keep the next part of an upload; return its identifier from now on, and how many bytes there are.

    The identifier says how many parts and bytes there are, so that no process needs to remember it.
    """
    name, parts, size = _read_upload(upload)
    if not data:
        return upload, size
    if size + len(data) > limit or parts == MAX_PARTS:
        raise OCIError("SIZE_INVALID", f"A blob has at most {limit} bytes (CONTRACT_MAX_BYTES)")
    store.put_upload(f"{name}.{parts}", data)
    return f"{name}-{parts + 1}-{size + len(data)}", size + len(data)


def finish(store: ContractStore, upload: str, digest: str) -> None:
    """Make a blob of the parts of an upload. Raises OCIError unless they have the digest."""
    name, parts, size = _read_upload(upload)
    found = [store.get_upload(f"{name}.{number}") for number in range(parts)]
    data = b"".join(part for part in found if part is not None)
    if None in found or len(data) != size:
        raise OCIError("BLOB_UPLOAD_UNKNOWN", "The upload is not known any more; begin again")
    keep_blob(store, data, digest)
    for number in range(parts):
        store.put_upload(f"{name}.{number}", None)


def keep_blob(store: ContractStore, data: bytes, digest: str) -> None:
    """Keep a blob until the manifest that refers to it comes. Raises OCIError unless it has the digest."""
    if digest_of(data) != digest:
        raise OCIError("DIGEST_INVALID", f"The content has the digest {digest_of(data)}, not {digest[:100]}")
    store.put_upload(digest.replace(":", "-"), data)


def uploaded(store: ContractStore, digest: str) -> bytes | None:
    """Return a blob that was uploaded, or None."""
    return store.get_upload(digest.replace(":", "-"))


def _read_upload(upload: str) -> tuple[str, int, int]:
    name, _, rest = upload.partition("-")
    parts, _, size = rest.partition("-")
    if len(name) != 32 or not name.isalnum() or not parts.isdecimal() or not size.isdecimal() or len(rest) > 20:
        raise OCIError("BLOB_UPLOAD_UNKNOWN", "There is no such upload")
    return name, int(parts), int(size)


def push_signature(
    store: ContractStore, artifacts: Iterable[Artifact], reference: str, body: bytes, actor: Actor
) -> tuple[str, str]:
    """Add the signature that a manifest describes to the version whose manifest it refers to.

    Return the digests of both manifests. Raises OCIError, and the errors of signing.
    """
    manifest = _read_manifest(body)
    if not is_signature(manifest):
        raise OCIError(
            "UNSUPPORTED",
            f"What is pushed by its digest is a signature (artifactType {SIGSTORE_BUNDLE}); a version is pushed with "
            "its number as the tag, and bundles refer to WIT packages by themselves",
        )
    if digest_of(body) != reference:
        raise OCIError("DIGEST_INVALID", f"The manifest has the digest {digest_of(body)}, not {reference[:100]}")
    subject = manifest.get("subject")
    digest = subject.get("digest") if isinstance(subject, dict) else None
    artifact = next((each for each in artifacts if digest in [one.digest for one in each.manifests()]), None)
    if artifact is None:
        raise OCIError("MANIFEST_UNKNOWN", f"There is no manifest {digest!r:.100} that could be signed; push it first")
    if len(manifest["layers"]) != 1:
        raise OCIError("MANIFEST_INVALID", "A signature has one layer, a Sigstore bundle")
    layer, config = _blob(store, manifest["layers"][0]), _blob(store, manifest["config"])
    signature = read_bundle(layer)
    add_signature(
        name=artifact.version.name,
        version=artifact.version.version,
        signature=signature,
        actor=actor,
        other_forms=[str(digest).removeprefix("sha256:")],
        store=store,
    )
    record = SignatureRecord(body.decode(), _text(config, "The configuration"), layer.decode())
    keep_signature(store, artifact, record, actor)
    return digest_of(body), str(digest)


def push_manifest(store: ContractStore, contract: str, tag: str, body: bytes, actor: Actor) -> Artifact:
    """Publish what a manifest describes as a version of the contract. Raises OCIError, and the errors of publishing."""
    if _SIGNATURE_TAG.fullmatch(tag):
        raise OCIError(
            "UNSUPPORTED",
            "A signature refers to its manifest and has no tag: sign with cosign 3, or 2.6 with --new-bundle-format",
        )
    manifest = _read_manifest(body)
    kind = manifest["config"].get("mediaType")
    if kind == WASM_CONFIG:
        bundle, wasm = _of_wasm(store, contract, tag, manifest)
    elif manifest.get("artifactType", kind) in (BUNDLE, CONFIG):
        bundle, wasm = _of_bundle(store, contract, tag, manifest), b""
    else:
        raise OCIError(
            "MANIFEST_INVALID",
            f"Neither a WIT package ({WASM_CONFIG}) nor a bundle (artifactType {BUNDLE}): {kind!r:.80}",
        )
    bundle = replace(bundle, digest=content_digest(bundle))
    config = _blob(store, manifest["config"])
    record = ArtifactRecord(
        bundle.digest, ManifestRecord(body.decode(), config.decode()), base64.b64encode(wasm).decode()
    )
    try:
        if review := publish(bundle=bundle, actor=actor, dry_run=True, store=store).review:
            raise ReviewRequired(contract, tag, review)
        # Before the version itself: nobody can pull it with other bytes.
        keep_pushed(store, bundle, record, actor)
        published = publish(bundle=bundle, actor=actor, store=store).bundle
    except (ContractAlreadyExists, VersionSetChanged):
        present = artifact_of(store, store.get(contract, tag))
        if present.manifest.digest == digest_of(body):
            return present
        raise OCIError(
            "DENIED", f"{contract}/{tag} exists already, with other content; push a greater version"
        ) from None
    return Artifact(published, record)


def _read_manifest(body: bytes) -> dict[str, Any]:
    try:
        manifest = loads(body)
    except InvalidJSON as error:
        raise OCIError("MANIFEST_INVALID", f"The manifest is not JSON: {error}") from None
    layers = manifest.get("layers") if isinstance(manifest, dict) else None
    config = manifest.get("config") if isinstance(manifest, dict) else None
    if (
        not isinstance(layers, list)
        or not all(isinstance(each, dict) for each in layers)
        or not isinstance(config, dict)
        or manifest.get("mediaType", MANIFEST) != MANIFEST
    ):
        raise OCIError("MANIFEST_INVALID", f"The manifest must be a {MANIFEST} with config and layers")
    if not 1 <= len(layers) <= MAX_LAYERS:
        raise OCIError("MANIFEST_INVALID", f"The manifest must have 1 to {MAX_LAYERS} layers")
    read: dict[str, Any] = manifest
    return read


def _blob(store: ContractStore, descriptor: dict[str, Any]) -> bytes:
    digest = descriptor.get("digest")
    data = uploaded(store, digest) if isinstance(digest, str) else None
    if data is None and digest == digest_of(EMPTY):
        data = EMPTY
    if data is None:
        raise OCIError("MANIFEST_BLOB_UNKNOWN", f"The blob {digest!r:.100} was not uploaded, or too long ago")
    return data


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OCIError("MANIFEST_INVALID", f"{what} is not UTF-8") from None


def _of_wasm(
    store: ContractStore, contract: str, version: str, manifest: dict[str, Any]
) -> tuple[ContractBundle, bytes]:
    """Return the bundle that a WIT package in binary form is."""
    layer = manifest["layers"][0]
    if len(manifest["layers"]) != 1 or layer.get("mediaType") != WASM:
        raise OCIError("MANIFEST_INVALID", f"A WIT package has one layer, of the type {WASM}")
    wasm = _blob(store, layer)
    try:
        text = linter().decode_wit(wasm)
    except (InvalidWIT, WITToolFailed, WorkAborted) as error:
        raise OCIError("MANIFEST_INVALID", f"The layer is not a WIT package: {error}") from None
    declared = (declared_in(text) or [""])[0]
    name, _, given = declared.partition("@")
    if name.replace(":", ".") != contract or given not in ("", version):
        raise OCIError(
            "MANIFEST_INVALID",
            f"The WIT package is {declared or 'without a name'}, not {contract} in version {version}",
        )
    return _bundle(manifest, contract, version, wit=text), wasm


def _of_bundle(store: ContractStore, contract: str, version: str, manifest: dict[str, Any]) -> ContractBundle:
    """Return the bundle whose parts are layers."""
    members: dict[str, str] = {}
    for layer in manifest["layers"]:
        member = {SCHEMA: "json_schema", WIT: "wit", DESCRIPTOR: "descriptor"}.get(str(layer.get("mediaType")))
        if member is None or member in members:
            raise OCIError(
                "MANIFEST_INVALID", f"A bundle has at most one layer each of {SCHEMA}, {WIT} and {DESCRIPTOR}"
            )
        members[member] = _text(_blob(store, layer), f"The layer {layer['mediaType']}")
    return _bundle(manifest, contract, version, **members)


def _bundle(manifest: dict[str, Any], contract: str, version: str, **members: Any) -> ContractBundle:
    try:
        check_identity(contract, version)
    except MalformedContract as error:
        raise OCIError(
            "TAG_INVALID" if error.extras.get("field") == "version" else "NAME_INVALID", error.message
        ) from None
    annotations = manifest.get("annotations") or {}
    description = annotations.get("org.opencontainers.image.description") if isinstance(annotations, dict) else None
    return ContractBundle(
        name=contract, version=version, description=description if isinstance(description, str) else None, **members
    )
