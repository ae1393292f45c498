"""Reading of stored records: strict, with a fast path for records that this service wrote."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import msgspec

from contracts_app.bundles import ContractBundle, Dependency, content_digest, key_of, valid_name
from contracts_app.exceptions import UnreadableRecord
from contracts_app.lifecycle import read_lifecycle
from contracts_app.signatures import read_signatures
from contracts_app.timestamps import normal_timestamp
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import InvalidVersion, Version


class CanonicalRecord(msgspec.Struct, kw_only=True):
    """A record in exactly the form that `ContractBundle.to_record` writes."""

    name: str
    version: str
    description: str | None
    createdAt: str
    jsonSchema: str | None
    witPath: str | None
    descriptorPath: str | None
    wit: str | msgspec.UnsetType = msgspec.UNSET
    descriptor: Any = msgspec.UNSET
    digest: str


_DECODER = msgspec.json.Decoder(CanonicalRecord)
_ENCODER = msgspec.json.Encoder()


def read_canonical(key: str, data: bytes) -> CanonicalRecord | None:
    """Return the record if this service wrote it and its digest is right; None means: use `read_record`.

    Many times faster than `read_record`. If the record encodes to the same bytes again, it has nothing that a strict
    reader would refuse, such as a repeated member; and the text of its digest is those bytes without the date and the
    digest, so it need not be encoded a second time.
    """
    try:
        record = _DECODER.decode(data)
        if _ENCODER.encode(record) != data:
            return None
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        return None
    date = b',"createdAt":"%s"' % record.createdAt.encode()
    digest = b',"digest":"%s"}' % record.digest.encode()
    before, found, after = data.partition(date)
    if not found or not after.endswith(digest):
        return None
    hashed = hashlib.sha256(before)
    hashed.update(memoryview(after)[: -len(digest)])
    hashed.update(b"}")
    try:
        dated = record.createdAt.endswith("Z") and normal_timestamp(record.createdAt) == record.createdAt
        Version.parse(record.version)
    except (InvalidVersion, ValueError):
        return None
    right = dated and valid_name(record.name) and key_of(record.name, record.version) == key
    return record if right and hashed.hexdigest() == record.digest else None


def read_known(body: bytes, *, plain: bool) -> ContractBundle:
    """Return the bundle of a record that was checked before. `plain`: it has no members except its content."""
    record = _DECODER.decode(body) if plain else None
    if record is None or record.descriptor is not msgspec.UNSET:
        whole = loads(body)
        return read_record(key_of(whole["name"], whole["version"]), body)
    return ContractBundle(
        name=record.name,
        version=record.version,
        description=record.description,
        json_schema=record.jsonSchema,
        wit_path=record.witPath,
        descriptor_path=record.descriptorPath,
        wit=None if isinstance(record.wit, msgspec.UnsetType) else record.wit,
        created_at=record.createdAt,
        digest=record.digest,
    )


def read_record(key: str, data: bytes | None) -> ContractBundle:
    """Return the bundle stored under `key`. Raises UnreadableRecord, which says what is wrong with it.

    Records of the original service have no digest, which is then computed, and have dates in nanoseconds.
    """

    def fault(reason: str) -> UnreadableRecord:
        return UnreadableRecord(f"Stored record {key} is unreadable: {reason}", key=key, reason=reason)

    try:
        record = loads(data or b"")
    except InvalidJSON as error:
        raise fault(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise fault("not a JSON object")
    texts: dict[str, Any] = {}
    for member in ("name", "version", "description", "createdAt", "jsonSchema", "witPath", "descriptorPath", "wit"):
        texts[member] = record.get(member)
        if not isinstance(texts[member], (str, type(None))):
            raise fault(f"{member} is not a string")
    if not valid_name(texts["name"]):
        raise fault(f"name {texts['name']!r} is not a contract name")
    try:
        Version.parse(texts["version"])
        created_at = normal_timestamp(texts["createdAt"] or "")
    except (InvalidVersion, ValueError) as error:
        raise fault(str(error)) from None
    try:
        metadata: dict[str, Any] = {
            "labels": _labels(record.get("labels")),
            "dependencies": _dependencies(record.get("dependencies")),
            "lifecycle": read_lifecycle(record.get("lifecycle")),
            "signatures": read_signatures(record.get("signatures")),
        }
    except ValueError as error:
        raise fault(str(error)) from None
    bundle = ContractBundle(
        name=texts["name"],
        version=texts["version"],
        description=texts["description"],
        json_schema=texts["jsonSchema"],
        wit_path=texts["witPath"],
        descriptor_path=texts["descriptorPath"],
        wit=texts["wit"],
        descriptor=record.get("descriptor"),
        created_at=created_at,
        **metadata,
    )
    if bundle.key != key:
        raise fault(f"it holds {bundle.name}/{bundle.version}")
    digest = content_digest(bundle)
    if record.get("digest") not in (None, digest):
        raise fault("its digest does not match its content")
    return replace(bundle, digest=digest)


def _labels(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise ValueError("labels is not a list of strings")
    return tuple(value)


def _dependencies(value: Any) -> tuple[Dependency, ...]:
    if value is None:
        return ()
    members = {"name", "version", "digest", "reference"}
    if not isinstance(value, list) or not all(
        isinstance(each, dict) and each.keys() == members and all(isinstance(text, str) for text in each.values())
        for each in value
    ):
        raise ValueError("dependencies is not a list of objects with name, version, digest and reference")
    return tuple(Dependency(**each) for each in value)
