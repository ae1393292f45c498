"""Snapshots of the bucket's stream by JetStream itself: with every message, its sequence, headers and time.

https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-9.md describes flow control; the requests are
those of `nats stream backup` and `nats stream restore`, which can read and write the same files.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from contracts_app.exceptions import ContractConflict, StorageUnavailable
from contracts_app.storage.nats.connection import CONNECT_SECONDS, OUTAGE_ERRORS, BucketConnection
from contracts_app.storage.nats.jetstream_api import request
from contracts_app.storage.nats.stream_state import nanoseconds

CHUNK_BYTES = 128 * 1024
_SECONDS = 30
"""Seconds that the server may take for one chunk, or to end a restore."""


async def take(client: Client, stream: str, write: Callable[[bytes], object]) -> dict[str, Any]:
    """Pass a snapshot to `write`, chunk by chunk; return the stream's configuration and state at that moment.

    `write` must not block for long: it runs on the event loop. Raises OUTAGE_ERRORS, StorageUnavailable.
    """
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, pending_bytes_limit=1024**3)
    try:
        wanted = {"deliver_subject": inbox, "no_consumers": True, "chunk_size": CHUNK_BYTES}
        response = await request(client, f"STREAM.SNAPSHOT.{stream}", wanted)
        while True:
            message = await subscription.next_msg(timeout=_SECONDS)
            if not message.data:
                break
            write(message.data)
            if message.reply:  # the server sends more only once this is confirmed
                await client.publish(message.reply)
    finally:
        await subscription.unsubscribe()
    status = (message.headers or {}).get("Status", "204")
    if status != "204":
        raise StorageUnavailable(f"The server ended the snapshot: {status} {message.headers}")
    return {"config": response["config"], "state": response["state"]}


async def restore(
    bucket: BucketConnection, description: dict[str, Any], chunks: Iterable[bytes], *, until: str | None, replicas: int
) -> dict[str, Any]:
    """Make the bucket from a snapshot, up to a time if one is given; return its state. It must not exist.

    `description` is what `take` returned; `until` a time in RFC 3339 form and UTC. A restore that fails leaves no
    bucket. Raises ContractConflict, StorageUnavailable, OUTAGE_ERRORS.
    """
    client = await asyncio.wait_for(bucket.connected(), CONNECT_SECONDS * 5)
    name = description["config"]["name"]
    if name != bucket.stream:
        raise ContractConflict(
            f"The backup is of the bucket {name.removeprefix('KV_')}, and REGISTRY_KV_BUCKET is {bucket.bucket}"
        )
    if (existing := await request(client, f"STREAM.INFO.{name}", missing=True)) is not None:
        raise ContractConflict(
            f"The bucket {bucket.bucket} exists, with {existing['state']['messages']} messages, and is not replaced. "
            f"Back it up and delete it first (`nats stream rm {name}`), or restore to another server"
        )
    config = description["config"] | {"num_replicas": replicas}
    final = config.get("deny_delete", False)
    wanted = {"config": config | {"deny_delete": final and until is None}, "state": description["state"]}
    lost: list[str] = []
    try:
        response = await request(client, f"STREAM.RESTORE.{name}", wanted)
        for chunk in chunks:
            await _send(client, response["deliver_subject"], chunk)
        await _send(client, response["deliver_subject"], b"")
        if until is not None:
            lost = await _drop_after(client, name, nanoseconds(until), config.get("max_msgs_per_subject", -1))
            await request(client, f"STREAM.UPDATE.{name}", config)
    except BaseException:
        with contextlib.suppress(nats.js.errors.APIError, *OUTAGE_ERRORS):
            await request(client, f"STREAM.DELETE.{name}", missing=True)
        raise
    bucket.known.forget()
    state: dict[str, Any] = (await request(client, f"STREAM.INFO.{name}"))["state"]
    return state | {"lost": [subject.removeprefix(bucket.prefix) for subject in lost]}


async def _drop_after(client: Client, stream: str, moment: int, history: int) -> list[str]:
    """Delete the messages that were written after a time, so that each key has its earlier value again.

    Returns the subjects whose earlier value is not known: all that is kept of them, `history` messages, is later.
    """
    deleted: Counter[str] = Counter()
    state = (await request(client, f"STREAM.INFO.{stream}"))["state"]
    low, high = state["first_seq"], state["last_seq"] + 1
    while low < high:  # times grow with the sequence
        middle = (low + high) // 2
        found = await _next(client, stream, middle)
        if found is None or nanoseconds(found["time"]) > moment:
            high = middle
        else:
            low = max(middle, found["seq"]) + 1
    sequence = low
    while (found := await _next(client, stream, sequence)) is not None:
        if nanoseconds(found["time"]) > moment:
            await request(client, f"STREAM.MSG.DELETE.{stream}", {"seq": found["seq"], "no_erase": True})
            deleted[found["subject"]] += 1
        sequence = found["seq"] + 1
    full = [subject for subject, count in deleted.items() if 0 < history <= count]
    info = f"STREAM.MSG.GET.{stream}"
    return sorted([each for each in full if await request(client, info, {"last_by_subj": each}, missing=True) is None])


async def _next(client: Client, stream: str, sequence: int) -> dict[str, Any] | None:
    """Return the first message from a sequence on, or None if there is none."""
    wanted = {"seq": sequence, "next_by_subj": ">"}
    found = await request(client, f"STREAM.MSG.GET.{stream}", wanted, missing=True)
    return found["message"] if found else None


async def _send(client: Client, subject: str, data: bytes) -> dict[str, Any]:
    try:
        answer = await client.request(subject, data, timeout=_SECONDS)
    except nats.errors.NoRespondersError:
        raise StorageUnavailable("The server ended the restore; its log says why") from None
    response: dict[str, Any] = json.loads(answer.data) if answer.data else {}
    if "error" in response:
        raise StorageUnavailable(f"The server refused the snapshot: {response['error'].get('description')}")
    return response
