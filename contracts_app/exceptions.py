"""Domain errors, named after the state that they report, each with its HTTP status."""

from __future__ import annotations

from typing import Any


class ContractError(Exception):
    """Base of all errors by which the registry refuses a request. `code` is stable; `extras` is structured detail."""

    code = "contract_error"
    status = 500

    def __init__(self, message: str, **extras: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extras = extras


class MalformedContract(ContractError):
    """The request is malformed: not JSON, wrong types, an invalid name or version."""

    code = "malformed_request"
    status = 400


class ContractRefused(ContractError):
    """Well-formed, but refused: invalid JSON Schema, WIT or descriptor, or a breaking change."""

    code = "content_refused"
    status = 422


class ContractTooLarge(ContractError):
    code = "too_large"
    status = 413


class UnsupportedMediaType(ContractError):
    code = "unsupported_media_type"
    status = 415


class ContractAlreadyExists(ContractError):
    code = "already_exists"
    status = 409


class ContractNotFound(ContractError):
    code = "not_found"
    status = 404


class UnreadableRecord(ContractError):
    """A stored record cannot be read, so nothing can be decided about its contract."""

    code = "unreadable_record"
    status = 500


class StorageUnavailable(ContractError):
    """The store did not answer in time, or cannot be reached."""

    code = "storage_unavailable"
    status = 503


class StorageFull(ContractError):
    """The store has no room for a write; reads go on."""

    code = "storage_full"
    status = 507


class ServerBusy(ContractError):
    """Too many requests are in work; a later one can succeed."""

    code = "server_busy"
    status = 503


class RequestCancelled(ContractError):
    """The client went away before the response; nobody reads it."""

    code = "request_cancelled"
    status = 503


class ReviewRequired(ContractRefused):
    """A policy asks for the approval of another person; `review` says why."""

    code = "review_required"

    def __init__(self, name: str, version: str, review: tuple[str, ...]) -> None:
        super().__init__(
            f"The policy of {name} asks for a review of {version} ({', '.join(review)}): publish it with POST "
            "/registry/contracts, in the console or with publish_contract, which propose it, and have it approved",
            review=list(review),
        )
        self.review = review


class NotPermitted(ContractError):
    """The caller is not one who may do this, whatever the scopes."""

    code = "not_permitted"
    status = 403


class TooExpensive(ContractRefused):
    """A schema or an instance that cannot be decided within the limits of time and memory; `limit` names the limit."""

    code = "too_expensive"


class VersionSetChanged(Exception):
    """Another version of the name was written since its versions were read: the caller reads and decides again."""


class ContractConflict(ContractError):
    """The current state does not allow the request."""

    code = "conflict"
    status = 409


class ReadOnly(ContractConflict):
    """A policy forbids changes of the contract for the time being."""

    code = "read_only"


class ReadOnlyMirror(ContractConflict):
    """This registry is a mirror of another one, which takes the writes."""

    code = "read_only_mirror"


class ContractGone(ContractError):
    """The version was withdrawn, or its sunset has passed."""

    code = "gone"
    status = 410


class EventsGone(ContractError):
    """The events that would follow are not known: the stream is another one, or lost what was read."""

    code = "events_gone"
    status = 410


class PreconditionFailed(ContractError):
    """If-Match does not name the current entity tag."""

    code = "precondition_failed"
    status = 412


RETRY_AFTER_SECONDS = 2
"""Seconds after which a client should retry after a 503."""
