"""ContractBundle, one immutable published version of a contract, and the grammar of names and keys."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import msgspec

from contracts_app.exceptions import UnreadableRecord
from linter_app.json_text import InvalidJSON, loads
from linter_app.semver import InvalidVersion, Version

MAX_NAME_LENGTH = 200
_SEGMENT = r"(?!v[0-9]+(?:\.|\Z))[A-Za-z_-][A-Za-z0-9_-]*"
_NAME = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
NAME_RULE = (
    f"a name is dot-separated segments of A-Z a-z 0-9 _ -, at most {MAX_NAME_LENGTH} characters; "
    "no segment starts with a digit or is v followed by digits"
)


def valid_name(name: object) -> bool:
    """Whether `name` obeys NAME_RULE, which keeps `meta.<name>.<version>` unambiguous."""
    return isinstance(name, str) and len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class ContractBundle:
    """One version of a contract. `json_schema` and `wit` are texts kept verbatim; `descriptor` is JSON."""

    name: str
    version: str
    description: str | None = None
    json_schema: str | None = None
    wit_path: str | None = None
    descriptor_path: str | None = None
    wit: str | None = None
    descriptor: Any = None
    created_at: str = ""
    digest: str = ""

    @property
    def key(self) -> str:
        return key_of(self.name, self.version)

    @property
    def etag(self) -> str:
        """The strong entity tag of its JSON (RFC 9110 section 8.8.3)."""
        return f'"{self.digest}"'

    def content(self) -> dict[str, Any]:
        """The members that the digest covers, in their order."""
        members: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "jsonSchema": self.json_schema,
            "witPath": self.wit_path,
            "descriptorPath": self.descriptor_path,
        }
        if self.wit is not None:
            members["wit"] = self.wit
        if self.descriptor is not None:
            members["descriptor"] = self.descriptor
        return members

    def to_json(self) -> dict[str, Any]:
        """The bundle as the API answers it and the store keeps it."""
        members = self.content()
        answer = {key: members[key] for key in ("name", "version", "description")}
        answer["createdAt"] = self.created_at
        answer |= {key: value for key, value in members.items() if key not in answer}
        answer["digest"] = self.digest
        return answer

    def to_record(self) -> bytes:
        if self.descriptor is not None:
            return compact(self.to_json())  # numbers have more than one spelling: json's is the digest's
        return _ENCODER.encode(self._canonical())

    def _canonical(self) -> CanonicalRecord:
        return CanonicalRecord(
            name=self.name,
            version=self.version,
            description=self.description,
            createdAt=self.created_at,
            jsonSchema=self.json_schema,
            witPath=self.wit_path,
            descriptorPath=self.descriptor_path,
            wit=msgspec.UNSET if self.wit is None else self.wit,
            digest=self.digest,
        )


def key_of(name: str, version: str) -> str:
    return f"meta.{name}.{version}"


def compact(value: Any) -> bytes:
    """Compact UTF-8 JSON: no spaces, no ASCII escaping."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def content_digest(bundle: ContractBundle) -> str:
    """SHA-256, lower-case hex, over the compact JSON of `bundle.content()`."""
    return hashlib.sha256(compact(bundle.content())).hexdigest()


def utc_now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def normal_timestamp(text: str) -> str:
    """RFC 3339 in UTC with `Z`, whatever offset it was written in; the fraction is kept. Raises ValueError."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an RFC 3339 date and time")
    if match[3] == "Z":
        datetime.fromisoformat(match[1])  # a date that exists
        return text
    moment = datetime.fromisoformat(match[1] + match[3])
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + (match[2] or "") + "Z"


class CanonicalRecord(msgspec.Struct, kw_only=True):
    """A record in the very form that `ContractBundle.to_record` writes."""

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
    """The record, if it is one that this service wrote and its digest is right; None says to use `read_record`.

    Many times quicker than `read_record`. That it encodes to the same bytes again proves that it has nothing
    that a strict reader would refuse, such as a repeated member; and the digest's text is those bytes without
    the date and the digest, so that it needs no encoding of its own.
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


def read_record(key: str, data: bytes | None) -> ContractBundle:
    """The bundle stored under `key`. Raises UnreadableRecord, saying what is wrong with it.

    Records of the original service have no digest, which is then computed, and dates in nanoseconds.
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
    )
    if bundle.key != key:
        raise fault(f"it holds {bundle.name}/{bundle.version}")
    digest = content_digest(bundle)
    if record.get("digest") not in (None, digest):
        raise fault("its digest does not match its content")
    return ContractBundle(**{**bundle.__dict__, "digest": digest})
