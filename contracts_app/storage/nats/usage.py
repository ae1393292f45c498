"""Who uses which contracts: one record for each client, in a bucket of its own whose records expire.

It is no history: a heartbeat replaces the record, and what is no longer sent vanishes.
"""

from __future__ import annotations

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NotFoundError

from contracts_app.storage.nats.connection import BucketConnection

MAX_AGE_DAYS = 30
"""Days after the last heartbeat during which a client counts as a user."""


async def put(connection: BucketConnection, js: JetStreamContext, client: str, record: bytes) -> None:
    """Write the record of a client, and make the bucket where it is missing."""
    name = _bucket(connection)
    try:
        kv = await js.key_value(name)
    except NotFoundError:
        config = api.KeyValueConfig(
            bucket=name,
            history=1,
            ttl=MAX_AGE_DAYS * 24 * 3600,
            replicas=connection.wanted_replicas,
            description="Who uses which contracts; records expire",
        )
        try:
            kv = await js.create_key_value(config)
        except BadRequestError:  # another process was first
            kv = await js.key_value(name)
    await kv.put(client, record)


async def delete(connection: BucketConnection, js: JetStreamContext, client: str) -> None:
    """Delete the record of a client."""
    try:
        await (await js.key_value(_bucket(connection))).delete(client)
    except NotFoundError:
        return


async def read_all(connection: BucketConnection, js: JetStreamContext) -> list[bytes]:
    """Return every record, by one ordered consumer of the last message of each key."""
    stream = f"KV_{_bucket(connection)}"
    try:
        subscription = await js.subscribe(
            f"$KV.{_bucket(connection)}.>",
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


def _bucket(connection: BucketConnection) -> str:
    return f"{connection.bucket}-usage"
