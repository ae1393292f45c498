"""Records that expire, such as who uses which contracts: each kind has a bucket of its own.

They are no history: a write replaces the record, and what is not written again vanishes.
"""

from __future__ import annotations

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NotFoundError

from contracts_app.storage.nats.connection import BucketConnection

MAX_AGE_DAYS = 30
"""Days after its last write during which a record is kept."""


async def put(connection: BucketConnection, js: JetStreamContext, kind: str, key: str, record: bytes) -> None:
    """Write a record, and make the bucket of its kind where it is missing."""
    name = _bucket(connection, kind)
    try:
        kv = await js.key_value(name)
    except NotFoundError:
        config = api.KeyValueConfig(
            bucket=name,
            history=1,
            ttl=MAX_AGE_DAYS * 24 * 3600,
            replicas=connection.wanted_replicas,
            description="Records of a contract registry that expire",
        )
        try:
            kv = await js.create_key_value(config)
        except BadRequestError:  # another process was first
            kv = await js.key_value(name)
    await kv.put(key, record)


async def delete(connection: BucketConnection, js: JetStreamContext, kind: str, key: str) -> None:
    """Delete a record."""
    try:
        await (await js.key_value(_bucket(connection, kind))).delete(key)
    except NotFoundError:
        return


async def read_all(connection: BucketConnection, js: JetStreamContext, kind: str) -> list[bytes]:
    """Return every record of a kind, by one ordered consumer of the last message of each key."""
    stream = f"KV_{_bucket(connection, kind)}"
    try:
        subscription = await js.subscribe(
            f"$KV.{_bucket(connection, kind)}.>",
            stream=stream,
            ordered_consumer=True,
            config=api.ConsumerConfig(deliver_policy=api.DeliverPolicy.LAST_PER_SUBJECT, inactive_threshold=30),
        )
    except NotFoundError:
        return []
    found: list[bytes] = []
    try:
        info = await subscription.consumer_info()
        left = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
        while left:
            message = await subscription.next_msg(timeout=2)
            if message.data and "KV-Operation" not in (message.headers or {}):
                found.append(message.data)
            left = message.metadata.num_pending
        return found
    finally:
        await subscription.unsubscribe()


def _bucket(connection: BucketConnection, kind: str) -> str:
    return f"{connection.bucket}-{kind}"
