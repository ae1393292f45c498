"""What is counted for Prometheus: requests, publishing, verdicts, and the replica of each worker.

Workers share the figures through files in PROMETHEUS_MULTIPROC_DIR (serving/metrics.py).
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

requests = Counter("registry_requests_total", "Requests answered", ["method", "route", "status"])
request_seconds = Histogram(
    "registry_request_duration_seconds",
    "Seconds from a request's arrival to its response, by the hundred of the status",
    ["method", "route", "status_class"],
    buckets=_BUCKETS,
)
cached_reads = Counter(
    "registry_cached_reads_total", "Reads that the event loop answered (hit) or left to Django (miss)", ["outcome"]
)
publishes = Counter(
    "registry_publishes_total",
    "Requests to publish a version, by outcome: published, or the code of a refusal",
    ["outcome"],
)
publish_conflicts = Counter(
    "registry_publish_conflicts_total", "Writes that were decided again because another write came first"
)
verdicts = Counter("registry_verdicts_total", "Comparisons, by verdict", ["verdict"])
findings = Counter("registry_findings_total", "Changes that comparisons reported, by rule and level", ["rule", "level"])
listeners = Gauge("registry_event_listeners", "Event streams and long polls", multiprocess_mode="livesum")
work_waiting = Gauge(
    "registry_work_waiting", "Calls that wait for a child process, or run in one", multiprocess_mode="livesum"
)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    counter, histogram = _children(method, route, status)
    counter.inc()
    histogram.observe(seconds)


@lru_cache(512)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looking them up takes longer than counting.
    return requests.labels(method, route, status), request_seconds.labels(method, route, f"{status // 100}xx")
