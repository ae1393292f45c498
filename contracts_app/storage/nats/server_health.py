"""The state of the NATS server, of the stream and of its replicas."""

from __future__ import annotations

import time
from typing import Any

from nats.js import JetStreamContext

from contracts_app.storage.base import ServerPeer, StoreHealth
from contracts_app.storage.nats.connection import BucketConnection


async def health(connection: BucketConnection, js: JetStreamContext) -> StoreHealth:
    """Ask the server for its current state."""
    client: Any = connection.client
    started = time.perf_counter()
    await client.flush(timeout=2)
    round_trip = time.perf_counter() - started
    version = client.connected_server_version
    info = await js.stream_info(connection.stream)
    cluster = info.cluster
    peers = (cluster.replicas or []) if cluster else []
    return StoreHealth(
        server=(cluster.leader or "") if cluster else "",
        version=f"{version.major}.{version.minor}.{version.patch}",
        url=client.connected_url.netloc.rpartition("@")[2] if client.connected_url else "",
        cluster=(cluster.name or "") if cluster else "",
        leader=(cluster.leader or "") if cluster else "",
        peers=tuple(
            ServerPeer(peer.name or "", bool(peer.current) and not peer.offline, peer.lag or 0) for peer in peers
        ),
        wanted_replicas=info.config.num_replicas or 1,
        stream=connection.stream,
        messages=info.state.messages,
        bytes=info.state.bytes,
        last_sequence=info.state.last_seq,
        max_payload=client.max_payload,
        round_trip=round_trip,
        warnings=connection.warnings,
    )
