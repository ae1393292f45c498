"""Metrics for Prometheus: the replica of each worker, and what all workers have counted (contracts_app/metrics.py).

Workers share them through files in PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py creates. Without it a scrape shows
the process that responds.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from contracts_app.storage import ReplicaStatus


def _gauge(name: str, text: str) -> Gauge:
    return Gauge(f"registry_copy_{name}", text, multiprocess_mode="liveall")


_current = _gauge("current", "1 while the worker's copy of the bucket is current")
_sequence = _gauge("sequence", "The stream's sequence that the worker's copy has applied")
_behind = _gauge("messages_behind", "Messages that a worker of this machine knows of and this one has not applied")
_silence = _gauge("silence_seconds", "Seconds since the server last proved that the copy misses nothing")
_versions = _gauge("versions", "Contract versions in the worker's copy")
_bytes = _gauge("body_bytes", "Bytes of contents in the worker's copy")
_resyncs = _gauge("resyncs", "Times the worker has compared its copy with the stream anew")
_full = Gauge("registry_store_full", "1 while the store refuses writes for want of room", multiprocess_mode="livemax")


def report_replica(status: ReplicaStatus) -> None:
    _current.set(status.current)
    _sequence.set(status.sequence)
    _behind.set(status.behind)
    _silence.set(status.silence)
    _versions.set(status.versions)
    _bytes.set(status.body_bytes)
    _resyncs.set(status.resyncs)
    _full.set(bool(status.refuses_writes))


def exposition() -> tuple[bytes, str]:
    """Return the metrics as text, and their media type."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
