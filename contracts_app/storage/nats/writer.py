"""Writing one record: a compare-and-set of one message, whose outcome is known or said to be in doubt."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from contracts_app.exceptions import ContractTooLarge, StorageFull, StorageUnavailable, VersionSetChanged
from contracts_app.storage.nats.audit_headers import audit_headers
from contracts_app.storage.nats.connection import OUTAGE_ERRORS, BucketConnection
from contracts_app.storage.nats.reads import last
from contracts_app.storage.nats.replica import StreamReplica
from contracts_app.storage.writes import AuditEntry
from contracts_app.tracing import trace_headers

MAX_ACKNOWLEDGE_SECONDS = 2
"""Seconds after which an unacknowledged write is in doubt, and its record is read back."""
_WRONG_LAST_SEQUENCE = (10071, 10164)
_MESSAGE_TOO_LARGE = 10054
_FULL = (10002, 10023, 10028, 10047, 10077)
"""Limits of the account, of the cluster, of memory, of the server's storage, and of the stream itself."""
_PUBLISH_ID = "Registry-Publish-Id"


class RecordWriter:
    """Writes for one process. Its coroutines run on the connection's event loop."""

    def __init__(self, bucket: BucketConnection, replica: Callable[[], StreamReplica | None]) -> None:
        self._bucket = bucket
        self._replica = replica
        """Returns the replica of the process, which learns of each write."""

    async def write(self, key: str, value: bytes | None, guarded: str, after: int, audit: AuditEntry) -> int:
        """Write one message if the last sequence of the guarded keys is still `after`; return its sequence."""
        connection = self._bucket
        headers = {
            "Nats-Expected-Last-Subject-Sequence": str(after),
            "Nats-Expected-Last-Subject-Sequence-Subject": connection.prefix + guarded,
            "Nats-Expected-Stream": connection.stream,
            _PUBLISH_ID: uuid.uuid4().hex,
            **audit_headers(audit),
            **trace_headers(),
        }
        if value is None:
            headers["KV-Operation"] = "DEL"
        return await self._publish(key, value or b"", headers)

    async def _publish(self, key: str, record: bytes, headers: dict[str, str]) -> int:
        connection = self._bucket
        deadline = time.monotonic() + connection.timeout * 2
        in_doubt = False
        """Whether an earlier attempt of this very call may have been stored."""
        refusal: Exception | None = None
        while True:
            try:
                js = await connection.ready(deadline)
                if in_doubt and (sequence := await self._own_sequence(js, key, headers[_PUBLISH_ID])):
                    return sequence
                if refusal is not None:
                    raise refusal
                acknowledged = await js.publish(
                    connection.prefix + key, record, timeout=MAX_ACKNOWLEDGE_SECONDS, headers=dict(headers)
                )
                if (replica := self._replica()) is not None:
                    await replica.applied(acknowledged.seq)
                return acknowledged.seq
            except nats.errors.MaxPayloadError:
                raise self._too_large(record) from None
            except nats.js.errors.NoStreamResponseError as error:
                await connection.wait_to_retry(error, deadline)  # no stream listened: nothing was written
            except nats.js.errors.APIError as error:
                if refused := self._refusal(error, record):
                    if not in_doubt:
                        raise refused from None
                    refusal = refused  # an earlier attempt may be what moved the sequence: it is read back first
                else:
                    in_doubt = True
                    await connection.wait_to_retry(error, deadline)
            except OUTAGE_ERRORS as error:
                in_doubt = True
                try:
                    await connection.wait_to_retry(error, deadline)
                except StorageUnavailable as unavailable:
                    raise StorageUnavailable(
                        f"{unavailable.message}; whether {key.removeprefix('meta.')} was stored is not known: "
                        "try again, and compare the digest if it then exists"
                    ) from None

    def _refusal(self, error: nats.js.errors.APIError, record: bytes) -> Exception | None:
        """Return what to raise if the server did not store the record for good, and None if it may be tried again."""
        if error.err_code == _MESSAGE_TOO_LARGE:
            return self._too_large(record)
        if error.err_code in _FULL:
            return self._store_is_full(error)
        return VersionSetChanged() if error.err_code in _WRONG_LAST_SEQUENCE else None

    async def _own_sequence(self, js: JetStreamContext, key: str, publish_id: str) -> int | None:
        """Return the sequence of the stored record if this call wrote it."""
        found = await last(self._bucket, js, key)
        return found.sequence if found and found.headers.get(_PUBLISH_ID) == publish_id else None

    def _store_is_full(self, error: nats.js.errors.APIError) -> StorageFull:
        reason = error.description or str(error)
        if (replica := self._replica()) is not None:
            replica.refused(reason)
        return StorageFull(
            f"The contract store has no room: {reason}. Raise the limit of the bucket, the account or the server, or "
            "free its disk; nothing was written"
        )

    def _too_large(self, record: bytes) -> ContractTooLarge:
        return ContractTooLarge(
            f"The record is {len(record)} bytes, more than the NATS server accepts; raise its max_payload"
        )
