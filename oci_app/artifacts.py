"""Artifacts: the form in which the OCI API has a version. Made at the first pull or by a push, and kept from then on.

What is kept are the bytes of manifests and configurations, and a WIT package in its binary form. Another release of
wasm-tools, or of this service, would write other bytes, and their digests stand in the lockfiles of clients.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts_app.bundles import ContractBundle, compact
from contracts_app.exceptions import ContractRefused, StorageUnavailable, UnreadableRecord, VersionSetChanged
from contracts_app.services.wit_packages import packages_of
from contracts_app.services.work import linter
from contracts_app.signatures import MAX_SIGNATURES
from contracts_app.storage import Actor, AuditEntry, ContractStore
from linter_app.wit import InvalidWIT, WITToolFailed, with_version
from linter_app.work_pool import WorkAborted
from oci_app.manifests import MANIFEST, Blob, manifest_text
from oci_app.signatures import SignatureRecord, signature_records

FAMILY = "oci"
WASM_CONFIG, WASM = "application/vnd.wasm.config.v0+json", "application/wasm"
BUNDLE = "application/vnd.contract-registry.bundle.v1+json"
CONFIG = "application/vnd.contract-registry.config.v1+json"
SCHEMA, WIT, DESCRIPTOR = (
    "application/schema+json",
    "text/vnd.wit",
    "application/vnd.contract-registry.descriptor.v1+json",
)
FILES = {SCHEMA: "schema.json", WIT: "contract.wit", DESCRIPTOR: "descriptor.json"}
"""The file that `oras pull` writes for a layer."""
TITLE = "org.opencontainers.image.title"
MAKER = Actor("oci-api")


class ManifestRecord(msgspec.Struct, frozen=True):
    """A manifest and its configuration, as they are sent."""

    manifest: str
    config: str


class ArtifactRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a version."""

    digest: str
    """The digest of the version's bundle. Of another one, the record is left from a push that was refused."""
    main: ManifestRecord
    """What the tag leads to: the WIT package, or else the bundle."""
    wasm: str = ""
    """The WIT package in binary form, in base64; empty if there is none."""
    bundle: ManifestRecord | None = None
    """The bundle that refers to a WIT package."""
    signatures: tuple[SignatureRecord, ...] = ()
    """The signatures that were pushed."""


@dataclass(frozen=True)
class Artifact:
    """A version, with its record."""

    version: ContractBundle
    record: ArtifactRecord

    @property
    def manifest(self) -> Blob:
        return Blob(self.record.main.manifest.encode(), MANIFEST)

    @property
    def signatures(self) -> list[SignatureRecord]:
        return signature_records(self.version, self.manifest, self.record.signatures)

    def manifests(self) -> list[Blob]:
        """Return the manifest of the tag, and those that refer to it: of the bundle, and of signatures."""
        bundle = self.record.bundle
        signatures = [each.manifest_blob for each in self.signatures]
        return [self.manifest, *([Blob(bundle.manifest.encode(), MANIFEST)] if bundle else []), *signatures]

    def blobs(self) -> list[Blob]:
        """Return configurations and layers."""
        configs = [each.config for each in (self.record.main, self.record.bundle) if each is not None]
        wasm = [Blob(base64.b64decode(self.record.wasm), WASM)] if self.record.wasm else []
        signatures = [blob for each in self.signatures for blob in each.blobs()]
        return [*wasm, *layers_of(self.version), *(Blob(each.encode(), CONFIG) for each in configs), *signatures]


def artifact_of(store: ContractStore, version: ContractBundle) -> Artifact:
    """Return the artifact of a version, made now if it is the first time.

    Raises StorageUnavailable, ContractRefused.
    """
    key = _key(version)
    for _ in range(20):
        sequence, value = store.document(key)
        if value is not None and (kept := _decode(value, key)).digest == version.digest:
            return Artifact(version, kept)
        record = _made(store, version)
        try:
            keep_artifact(store, version, record, after=sequence, actor=MAKER)
        except VersionSetChanged:
            continue  # another worker was first: its bytes are the ones
        return Artifact(version, record)
    raise StorageUnavailable(f"The artifact of {version.name}/{version.version} is being written by others; try again")


def keep_signature(store: ContractStore, artifact: Artifact, signature: SignatureRecord, actor: Actor) -> None:
    """Keep a signature as it was pushed; of a version that has enough of them, only what it says is kept.

    Raises StorageUnavailable.
    """
    key = _key(artifact.version)
    for _ in range(20):
        sequence, value = store.document(key)
        record = _decode(value, key) if value is not None else artifact.record
        if signature in record.signatures or len(record.signatures) >= MAX_SIGNATURES:
            return
        changed = msgspec.structs.replace(record, signatures=(*record.signatures, signature))
        try:
            return keep_artifact(store, artifact.version, changed, after=sequence, actor=actor)
        except VersionSetChanged:
            continue
    raise StorageUnavailable(f"The artifact of {artifact.version.name} is being written by others; try again")


def keep_pushed(store: ContractStore, version: ContractBundle, record: ArtifactRecord, actor: Actor) -> None:
    """Keep the artifact of a version that is about to be published. Raises VersionSetChanged."""
    sequence, value = store.document(_key(version))
    if value is None or _decode(value, _key(version)) != record:
        keep_artifact(store, version, record, after=sequence, actor=actor)


def keep_artifact(
    store: ContractStore, version: ContractBundle, record: ArtifactRecord, *, actor: Actor, after: int
) -> None:
    """Write the artifact of a version. Raises VersionSetChanged if another one was written."""
    audit = AuditEntry(actor, "keep-artifact")
    store.put_document(_key(version), msgspec.json.encode(record), after=after, audit=audit)


def _key(version: ContractBundle) -> str:
    return f"{FAMILY}.{version.name}.{version.version}"


def _decode(value: bytes, key: str) -> ArtifactRecord:
    try:
        return msgspec.json.decode(value, type=ArtifactRecord)
    except msgspec.MsgspecError as error:
        raise UnreadableRecord(f"The stored record {key} is unreadable: {error}", key=key, reason=str(error)) from None


def layers_of(version: ContractBundle) -> list[Blob]:
    """Return the parts of a bundle as layers."""
    parts = ((version.json_schema, SCHEMA), (version.wit, WIT), (version.descriptor_text, DESCRIPTOR))
    return [Blob(text.encode(), media_type) for text, media_type in parts if text is not None]


def _made(store: ContractStore, version: ContractBundle) -> ArtifactRecord:
    if version.wit is None:
        return ArtifactRecord(version.digest, _bundle(version))
    wasm = Blob(_encoded(store, version), WASM)
    config = Blob(compact(_wasm_config(version, wasm)), WASM_CONFIG)
    main = manifest_text(config, [wasm.descriptor()], annotations=_annotations(version))
    subject = Blob(main.encode(), MANIFEST)
    return ArtifactRecord(
        version.digest,
        ManifestRecord(main, config.data.decode()),
        base64.b64encode(wasm.data).decode(),
        _bundle(version, subject=subject.descriptor()),
    )


def _encoded(store: ContractStore, version: ContractBundle) -> bytes:
    """Return the WIT of a version in binary form, with the packages that it uses. Raises ContractRefused."""
    text = version.wit or ""
    if not version.version.startswith("v"):  # WIT has no such versions
        text = with_version(text, version.version)
    try:
        return linter().encode_wit(text, packages_of(version, store))
    except (InvalidWIT, WITToolFailed, WorkAborted) as error:
        raise ContractRefused(f"The WIT of {version.name}/{version.version} cannot be encoded: {error}") from None


def _wasm_config(version: ContractBundle, wasm: Blob) -> dict[str, Any]:
    """Return the configuration (https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/)."""
    return {
        "created": version.created_at,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [wasm.digest],
        "component": {"exports": [], "imports": [], "target": None},
    }


def _bundle(version: ContractBundle, **more: Any) -> ManifestRecord:
    members = {
        "name": version.name,
        "version": version.version,
        "description": version.description,
        "digest": version.digest,
        "createdAt": version.created_at,
        "labels": list(version.labels),
        "dependencies": [each.to_json() for each in version.dependencies],
    }
    config = Blob(compact(members), CONFIG)
    layers = [each.descriptor(annotations={TITLE: FILES[each.media_type]}) for each in layers_of(version)]
    manifest = manifest_text(config, layers, artifactType=BUNDLE, annotations=_annotations(version), **more)
    return ManifestRecord(manifest, config.data.decode())


def _annotations(version: ContractBundle) -> dict[str, str]:
    annotations = {
        "org.opencontainers.image.created": version.created_at,
        "org.opencontainers.image.version": version.version,
    }
    if version.description:
        annotations["org.opencontainers.image.description"] = version.description
    return annotations
