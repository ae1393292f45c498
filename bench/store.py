"""Fills a bucket, and runs the writers and readers of the benchmarks."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import replace
from pathlib import Path

import nats

from contracts_app.bundles import ContractBundle, content_digest
from contracts_app.storage.nats.store import JetStreamContractStore

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            f"field_{number}": {"type": "string", "description": "What it means", "maxLength": 100 + number}
            for number in range(20)
        },
        "required": ["field_1"],
    }
)


def name_of(number: int) -> str:
    return f"team{number % 97}.area{number % 31}.contract_{number // 10}"


def version_of(number: int) -> str:
    return f"1.{number % 10}.0"


def fill(url: str, bucket: str, size: int) -> None:
    """Write `size` bundles of about 2 KB, as the service would, but concurrently."""
    store = JetStreamContractStore(servers=url, bucket=bucket)
    store.index("any")  # creates the bucket
    store.close()
    asyncio.run(_fill(url, bucket, size))


async def _fill(url: str, bucket: str, size: int) -> None:
    client = await nats.connect(url)
    stream = client.jetstream(publish_async_max_pending=1000)
    pending = []
    for number in range(size):
        bundle = ContractBundle(
            name=name_of(number),
            version=version_of(number),
            description="An order was placed",
            json_schema=SCHEMA,
            created_at="2026-01-02T03:04:05Z",
        )
        bundle = replace(bundle, digest=content_digest(bundle))
        headers = {
            "Nats-Expected-Last-Subject-Sequence": "0",
            "Registry-Action": "publish",
            "Registry-Actor": "bench",
            "Registry-Request-Id": uuid.uuid4().hex,
            "Registry-Publish-Id": uuid.uuid4().hex,
        }
        subject = f"$KV.{bucket}.{bundle.key}"
        pending.append(await stream.publish_async(subject, bundle.to_record(), headers=headers))
        if len(pending) == 1000:
            await asyncio.gather(*pending)
            pending.clear()
    await asyncio.gather(*pending)
    await client.close()


def resident_megabytes(port: int) -> float:
    """Return the largest resident set of the workers that listen on `port`, in MiB (Linux)."""
    sizes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"127.0.0.1:%d" % port in command:
                status = (folder / "status").read_text()
                sizes.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        except OSError:
            continue
    return max(sizes, default=0.0)


def raw_creates(url: str, at_once: int, seconds: float) -> dict[str, float]:
    """Run kv.create of nats-py on one connection: the same bytes, without checks and HTTP."""
    return asyncio.run(_raw_creates(url, at_once, seconds))


async def _raw_creates(url: str, at_once: int, seconds: float) -> dict[str, float]:
    client = await nats.connect(url)
    kv = await client.jetstream().create_key_value(bucket="raw")
    record = ContractBundle(name="a.b", version="1.0.0", json_schema=SCHEMA, created_at="x" * 20).to_record()
    run, number, end = uuid.uuid4().hex, 0, time.perf_counter() + seconds

    async def write() -> None:
        nonlocal number
        while time.perf_counter() < end:
            number += 1
            await kv.create(f"meta.r{run}.n{number}.1.0.0", record)

    await asyncio.gather(*(write() for _ in range(at_once)))
    await client.close()
    return {"perSecond": number / seconds}


def raw_gets(url: str, seconds: float) -> dict[str, float]:
    return asyncio.run(_raw_gets(url, seconds))


async def _raw_gets(url: str, seconds: float) -> dict[str, float]:
    client = await nats.connect(url)
    kv = await client.jetstream().create_key_value(bucket="raw")
    await kv.put("meta.one.1.0.0", b"x" * 2500)
    key = "meta.one.1.0.0"
    number, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        await kv.get(key)
        number += 1
    await client.close()
    return {"perSecond": number / seconds}
