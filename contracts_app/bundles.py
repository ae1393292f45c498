"""ContractBundle, one immutable published version of a contract, and the grammar of names and keys."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from contracts_app.exceptions import MalformedContract
from contracts_app.lifecycle import ACTIVE, Lifecycle
from contracts_app.signatures import Signature
from contracts_app.timestamps import utc_now
from linter_app.schema.json_text import InvalidJSON, check_text
from linter_app.semver import InvalidVersion, Version

MAX_NAME_LENGTH = 200
_SEGMENT = r"(?!v[0-9]+(?:\.|\Z))[A-Za-z_-][A-Za-z0-9_-]*"
_NAME = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
NAME_RULE = (
    f"a name is dot-separated segments of A-Z a-z 0-9 _ -, at most {MAX_NAME_LENGTH} characters; "
    "no segment starts with a digit or is v followed by digits"
)


def valid_name(name: object) -> bool:
    """Return whether `name` matches NAME_RULE, which keeps the key `meta.<name>.<version>` unambiguous."""
    return isinstance(name, str) and len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


def check_name(name: object) -> None:
    """Raise MalformedContract unless `name` is a valid contract name."""
    if not valid_name(name):
        raise MalformedContract(f"Invalid name {excerpt(name)}: {NAME_RULE}", field="name")


def check_identity(name: object, version: Any) -> None:
    """Raise MalformedContract unless both the name and the version are valid."""
    check_name(name)
    try:
        Version.parse(version)
    except InvalidVersion as error:
        raise MalformedContract(f"Invalid version: {error}", field="version") from None


def excerpt(value: object) -> str:
    """Return a value as text for a message, at most 80 characters that UTF-8 can encode."""
    text = repr(value)
    try:
        check_text(text)
    except InvalidJSON:
        text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


@dataclass(frozen=True)
class Dependency:
    """A version of another contract that this version refers to, as resolved when it was published."""

    name: str
    version: str
    digest: str
    reference: str
    """The reference as it is written: `contract:NAME@RANGE`, a URL of the registry, or a WIT package."""

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "digest": self.digest, "reference": self.reference}


class VersionProperties:
    """A version without its content: what a list or an index shows of it."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def name(self) -> str: ...
        @property
        def version(self) -> str: ...
        @property
        def digest(self) -> str: ...
        @property
        def labels(self) -> tuple[str, ...]: ...
        @property
        def dependencies(self) -> tuple[Dependency, ...]: ...
        @property
        def lifecycle(self) -> Lifecycle | None: ...
        @property
        def signed_by(self) -> tuple[str, ...]: ...

    @property
    def key(self) -> str:
        return key_of(self.name, self.version)

    @property
    def etag(self) -> str:
        """The strong entity tag of the version's JSON (RFC 9110, section 8.8.3)."""
        revision = f".{self.lifecycle.revision}" if self.lifecycle is not None else ""
        signed = f".s{len(self.signed_by)}" if self.signed_by else ""
        return f'"{self.digest}{revision}{signed}"'

    @property
    def state(self) -> str:
        return self.lifecycle.state_at(utc_now()) if self.lifecycle else ACTIVE

    def extras(self) -> dict[str, Any]:
        """Return the metadata next to the content, not covered by the digest; empty members are left out."""
        extras: dict[str, Any] = {}
        if self.labels:
            extras["labels"] = list(self.labels)
        if self.dependencies:
            extras["dependencies"] = [dependency.to_json() for dependency in self.dependencies]
        if self.lifecycle is not None:
            extras["lifecycle"] = self.lifecycle.to_json()
        if self.signed_by:
            extras["signedBy"] = list(dict.fromkeys(self.signed_by))
        return extras


@dataclass(frozen=True, kw_only=True)
class ContractBundle(VersionProperties):
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
    labels: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    lifecycle: Lifecycle | None = None
    """None if the state has not changed since the version was published as active."""
    signatures: tuple[Signature, ...] = ()

    @property
    def signed_by(self) -> tuple[str, ...]:
        """The signers, one for each signature."""
        return tuple(each.signer for each in self.signatures)

    def content(self) -> dict[str, Any]:
        """Return the members that the digest covers, in their order."""
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

    @property
    def descriptor_text(self) -> str | None:
        """The descriptor as JSON text: the original text, if it was given as a text."""
        given = self.descriptor
        return given if given is None or isinstance(given, str) else compact(given).decode()

    def to_json(self) -> dict[str, Any]:
        """Return the bundle as the API returns it and the store keeps it."""
        members = self.content()
        answer = {key: members[key] for key in ("name", "version", "description")}
        answer["createdAt"] = self.created_at
        answer |= {key: value for key, value in members.items() if key not in answer}
        answer["digest"] = self.digest
        answer |= self.extras()
        if self.signatures:
            answer["signatures"] = [each.to_json() for each in self.signatures]
        return answer

    def to_record(self) -> bytes:
        return self.encoded(self.to_json())

    def encoded(self, members: dict[str, Any]) -> bytes:
        """Return the same bytes as `compact(value)`; several times faster for bundles that hold texts only."""
        # The two encoders write some numbers differently, and only a descriptor can hold numbers.
        return _TEXTS.encode(members) if self.descriptor is None else compact(members)


_TEXTS = msgspec.json.Encoder()


def key_of(name: str, version: str) -> str:
    return f"meta.{name}.{version}"


def compact(value: Any) -> bytes:
    """Return compact UTF-8 JSON: no spaces, no ASCII escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def content_digest(bundle: ContractBundle) -> str:
    """Return the SHA-256 digest, in lower-case hex, of the compact JSON of `bundle.content()`."""
    return hashlib.sha256(bundle.encoded(bundle.content())).hexdigest()
