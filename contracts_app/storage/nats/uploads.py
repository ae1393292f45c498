"""Parts of a push that has not come to its end yet: in an object store of its own, whose objects expire."""

from __future__ import annotations

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NotFoundError
from nats.js.object_store import ObjectStore

from contracts_app.storage.nats.connection import BucketConnection

MAX_AGE_SECONDS = 3600
"""Seconds after which what was uploaded is gone."""


async def put(connection: BucketConnection, js: JetStreamContext, name: str, data: bytes) -> None:
    """Write an object, and make the store where it is missing."""
    bucket = _bucket(connection)
    try:
        objects: ObjectStore = await js.object_store(bucket)
    except NotFoundError:
        config = api.ObjectStoreConfig(
            description="Uploads that are not published yet; they expire",
            ttl=MAX_AGE_SECONDS,
            replicas=connection.wanted_replicas,
        )
        try:
            objects = await js.create_object_store(bucket, config=config)
        except BadRequestError:  # another process was first
            objects = await js.object_store(bucket)
    await objects.put(name, data)


async def get(connection: BucketConnection, js: JetStreamContext, name: str) -> bytes | None:
    """Return an object, or None if there is none any more."""
    try:
        found = await (await js.object_store(_bucket(connection))).get(name)
    except NotFoundError:
        return None
    return found.data or b""


async def delete(connection: BucketConnection, js: JetStreamContext, name: str) -> None:
    """Delete an object, if there is one."""
    try:
        await (await js.object_store(_bucket(connection))).delete(name)
    except NotFoundError:
        return


def _bucket(connection: BucketConnection) -> str:
    return f"{connection.bucket}-uploads"
