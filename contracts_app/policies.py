"""Policies: which changes a new version may make, at three levels. A nearer level sets only what differs.

They are stored in the bucket under `policy.default`, `policy.prefix.<prefix>` and `policy.contract.<name>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract, ReadOnly, UnreadableRecord
from contracts_app.signatures import check_signer_name
from linter_app import Config
from linter_app.changes import MODES, Mode
from linter_app.schema.json_text import InvalidJSON, loads

TRANSITIVE = "-transitive"
COMPATIBILITIES = (*MODES, *(f"{mode}{TRANSITIVE}" for mode in MODES if mode != "none"))
MAX_NOTICE_DAYS = 3650
NEW, BREAKING, OVERRIDE = REVIEWS = ("new", "breaking", "override")
"""What a policy can ask a review for: a contract's first version, breaking changes, and what overrides the policy."""


@dataclass(frozen=True)
class Policy:
    compatibility: str = "backward"
    """A compatibility mode of the linter; with `-transitive`, against all versions and not only the neighbours."""
    strict_open_objects: bool = False
    readers_ignore_unknown: bool = False
    """Whether readers ignore properties that they do not know, so that closed objects bind writers only."""
    allow_override: bool = False
    """Whether a breaking change may be published with a reason, by a token with the scope for it."""
    minimum_notice_days: int = 0
    """Days that must lie between a deprecation and its sunset."""
    read_only: bool = False
    """Whether versions can neither be published nor change their state: a freeze, or while another registry leads."""
    refuse_unresolved_references: bool = False
    """Whether a schema that refers to what the registry cannot resolve is refused instead of warned about."""
    protect_consumers: bool = False
    """Whether a version that clients declare to use cannot be withdrawn without an override."""
    required_signers: tuple[str, ...] = ()
    """Names of signers, one of which must have signed a version before it becomes active."""
    review: tuple[str, ...] = ()
    """What is published only after another person approved it: some of REVIEWS."""
    owner: str | None = None
    """The team that is responsible for the contracts."""
    contact: str | None = None
    """How to reach the owner: an address, a channel or a URL."""

    @property
    def mode(self) -> Mode:
        return self.compatibility.removesuffix(TRANSITIVE)  # type: ignore[return-value]

    @property
    def transitive(self) -> bool:
        return self.compatibility.endswith(TRANSITIVE)

    @property
    def config(self) -> Config:
        return Config(
            mode=self.mode,
            strict_open_objects=self.strict_open_objects,
            readers_ignore=self.readers_ignore_unknown,
        )

    def to_json(self) -> dict[str, Any]:
        members = {member: getattr(self, attribute) for member, attribute in _MEMBERS.items()}
        return {**members, "requiredSigners": list(self.required_signers), "review": list(self.review)}

    def review_for(self, reasons: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of REVIEWS for which a version with these properties must be reviewed."""
        return tuple(each for each in self.review if each in reasons)


_MEMBERS = {
    "compatibility": "compatibility",
    "strictOpenObjects": "strict_open_objects",
    "readersIgnoreUnknown": "readers_ignore_unknown",
    "allowOverride": "allow_override",
    "minimumNoticeDays": "minimum_notice_days",
    "refuseUnresolvedReferences": "refuse_unresolved_references",
    "readOnly": "read_only",
    "protectConsumers": "protect_consumers",
    "requiredSigners": "required_signers",
    "review": "review",
    "owner": "owner",
    "contact": "contact",
}
MAX_REQUIRED_SIGNERS = 20
MAX_OWNER_CHARACTERS = 200
"""Characters of `owner` and of `contact`."""


_BOOLEANS = (
    *("strictOpenObjects", "readersIgnoreUnknown", "allowOverride", "refuseUnresolvedReferences", "readOnly"),
    "protectConsumers",
)


def check_policy(value: Any) -> dict[str, Any]:
    """Parse the policy of one level. Raises MalformedContract, which names the member."""
    if not isinstance(value, dict):
        raise MalformedContract("A policy must be a JSON object")
    if unknown := sorted(value.keys() - _MEMBERS.keys()):
        raise MalformedContract(
            f"Unknown members of a policy: {', '.join(map(repr, unknown[:10]))}; known are {', '.join(_MEMBERS)}"
        )
    for member, given in value.items():
        if member == "compatibility" and given not in COMPATIBILITIES:
            raise MalformedContract(f"compatibility must be one of {', '.join(COMPATIBILITIES)}", field=member)
        if member in _BOOLEANS and not isinstance(given, bool):
            raise MalformedContract(f"{member} must be true or false", field=member)
        if member == "minimumNoticeDays" and (
            isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_NOTICE_DAYS
        ):
            raise MalformedContract(f"{member} must be a whole number from 0 to {MAX_NOTICE_DAYS}", field=member)
        if member == "requiredSigners":
            check_required_signers(given)
        if member == "review" and (
            not isinstance(given, list) or len(set(map(str, given))) < len(given) or not set(given) <= set(REVIEWS)
        ):
            raise MalformedContract(f"review must be a list of some of {', '.join(REVIEWS)}", field=member)
        if member in ("owner", "contact") and not _is_line(given):
            raise MalformedContract(
                f"{member} must be one line of text with 1 to {MAX_OWNER_CHARACTERS} characters", field=member
            )
    return value


def check_required_signers(value: Any) -> None:
    """Raise MalformedContract unless a value is a list of names of signers."""
    if not isinstance(value, list) or len(value) > MAX_REQUIRED_SIGNERS:
        raise MalformedContract(
            f"requiredSigners must be a list of at most {MAX_REQUIRED_SIGNERS} names of signers",
            field="requiredSigners",
        )
    for name in value:
        try:
            check_signer_name(name)
        except MalformedContract as error:
            raise MalformedContract(f"requiredSigners: {error.message}", field="requiredSigners") from None


def _is_line(value: Any) -> bool:
    return (
        isinstance(value, str)
        and value == value.strip()
        and 0 < len(value) <= MAX_OWNER_CHARACTERS
        and value.isprintable()
    )


def policy_key(level: str, name: str = "") -> str:
    """Return the key of a level's policy. Raises MalformedContract."""
    if level == "default":
        return "policy.default"
    if not valid_name(name):
        raise MalformedContract(f"{name!r:.80} is neither a contract's name nor a prefix of names", field="name")
    return f"policy.{level}.{name}"


def level_and_name(key: str) -> tuple[str, str]:
    """Return the level and name that a policy's key stands for."""
    _, level, *rest = key.split(".", 2)
    return level, rest[0] if rest else ""


def levels_of(documents: Mapping[str, tuple[int, bytes | None]]) -> dict[str, dict[str, Any]]:
    """Return every stored policy by its key, in order."""
    return {
        key: found
        for key, (_, value) in sorted(documents.items())
        if key.startswith("policy.") and value is not None and (found := _read(value)) is not None
    }


def policy_revision(documents: Mapping[str, tuple[int, bytes | None]]) -> int:
    """Return the sequence of the last write of any policy."""
    return max((sequence for key, (sequence, _) in list(documents.items()) if key.startswith("policy.")), default=0)


def levels_for(levels: Mapping[str, dict[str, Any]], name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the stored policies that apply to a contract, the most general first."""
    return [(key, levels[key]) for key in _keys_of(name) if key in levels]


def policy_of(documents: Mapping[str, tuple[int, bytes | None]], name: str) -> Policy:
    """Return the policy of a contract: the default, then prefixes from the shortest, then its own."""
    levels = {
        key: found
        for key in _keys_of(name)
        if (value := documents.get(key, (0, None))[1]) is not None and (found := _read(value)) is not None
    }
    return effective_policy(levels, name)


def effective_policy(levels: Mapping[str, dict[str, Any]], name: str) -> Policy:
    """Return the policy of a contract from the stored policies by key, as `levels_of` returns them."""
    policy = Policy()
    for _, found in levels_for(levels, name):
        members: dict[str, Any] = {
            _MEMBERS[member]: tuple(given) if isinstance(given, list) else given for member, given in found.items()
        }
        policy = replace(policy, **members)
    return policy


def check_readable(documents: Mapping[str, tuple[int, bytes | None]], name: str) -> None:
    """Raise UnreadableRecord if a stored policy that applies to a contract cannot be read: nothing is allowed then."""
    for key in _keys_of(name):
        value = documents.get(key, (0, None))[1]
        if value is not None and _read(value) is None:
            raise UnreadableRecord(f"The stored record {key} is not a policy; set it anew", key=key)


def check_writable(documents: Mapping[str, tuple[int, bytes | None]], name: str) -> None:
    """Raise ReadOnly if a policy forbids changes of a contract, naming that policy."""
    if not policy_of(documents, name).read_only:
        return
    deciding = [key for key, policy in levels_for(levels_of(documents), name) if policy.get("readOnly")]
    level, owner = level_and_name(deciding[-1])
    raise ReadOnly(
        f"{name} is read-only by the policy {f'{level} {owner}'.strip()}; publish when an administrator has lifted it",
        policy=deciding[-1],
    )


def _keys_of(name: str) -> Iterator[str]:
    yield "policy.default"
    segments = name.split(".")
    for length in range(1, len(segments) + 1):
        yield f"policy.prefix.{'.'.join(segments[:length])}"
    yield f"policy.contract.{name}"


def _read(value: bytes) -> dict[str, Any] | None:
    try:
        return check_policy(loads(value))
    except (InvalidJSON, MalformedContract):
        return None  # written by another program; `verify_contracts` reports it
