"""Domain errors, named for the state they report. api/errors.py maps each to its HTTP status."""

from __future__ import annotations

from typing import Any


class ContractError(Exception):
    """Base of what the registry refuses; `code` is stable, `extras` is structured detail for machines."""

    code = "contract_error"

    def __init__(self, message: str, **extras: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extras = extras


class MalformedContract(ContractError):
    """The request is not of the form a contract has: not JSON, wrong types, a bad name or version."""

    code = "malformed_request"


class ContractRefused(ContractError):
    """Well-formed, but the content is refused: invalid JSON Schema, WIT or descriptor, or a break."""

    code = "content_refused"


class ContractTooLarge(ContractError):
    code = "too_large"


class ContractAlreadyExists(ContractError):
    code = "already_exists"


class ContractNotFound(ContractError):
    code = "not_found"


class UnreadableRecord(ContractError):
    """A stored record cannot be understood; nothing is decided on the strength of a guess."""

    code = "unreadable_record"


class StorageUnavailable(ContractError):
    """The store did not answer in time, or cannot be reached."""

    code = "storage_unavailable"


class VersionSetChanged(Exception):
    """Another version of the name was written since it was read: read and decide again."""


class ContractConflict(ContractError):
    """What is asked for does not go with the present state."""

    code = "conflict"


class ContractGone(ContractError):
    """The version was withdrawn, or its sunset has come."""

    code = "gone"


class PreconditionFailed(ContractError):
    """If-Match names an entity tag that is no more the present one."""

    code = "precondition_failed"
