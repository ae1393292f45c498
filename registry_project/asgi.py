"""The service as an ASGI application: health and cached reads on the event loop, then event streams, then Django."""

import asyncio
import gc
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from contracts_app.serving import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
telemetry.instrument()
django = get_wsgi_application()

from confluent_app.port import ConfluentPort  # noqa: E402  Django must be set up first
from contracts_app.api.auth.authentication import is_authentic  # noqa: E402
from contracts_app.api.auth.tokens import configured_backend  # noqa: E402
from contracts_app.services.events import EventFeed  # noqa: E402
from contracts_app.services.reads import ReadReporter  # noqa: E402
from contracts_app.services.search_index import keep_current  # noqa: E402
from contracts_app.services.work import workers  # noqa: E402
from contracts_app.serving.access_log import BatchedAccessLog  # noqa: E402
from contracts_app.serving.cached_reads import CachedReads  # noqa: E402
from contracts_app.serving.compression import Compression  # noqa: E402
from contracts_app.serving.event_streams import PATH, EventStreams  # noqa: E402
from contracts_app.serving.health import HealthChecks  # noqa: E402
from contracts_app.serving.metrics import report_replica  # noqa: E402
from contracts_app.serving.mirrors import MirrorAge  # noqa: E402
from contracts_app.serving.rate_limits import RateLimits  # noqa: E402
from contracts_app.serving.request_bodies import RequestBodies  # noqa: E402
from contracts_app.serving.wsgi_pool import WSGIPool  # noqa: E402
from contracts_app.storage import contract_store  # noqa: E402

# The event loop hands work to threads and back: with the default of 5 ms, each hand-over could wait that long for the
# interpreter while another thread parses JSON.
sys.setswitchinterval(0.0005)
# A request creates some hundred objects and leaves few: the collector need not run every 700 of them.
gc.set_threshold(50_000, 20, 100)
store, tokens, log = contract_store(), configured_backend(settings.JWT).cache, BatchedAccessLog()
store.enable_replica(report_replica)
verifiers = ThreadPoolExecutor(2, thread_name_prefix="verify-token")


async def _is_authentic(header: bytes) -> bool:
    if tokens.get(header) is not None:
        return True
    return await asyncio.get_running_loop().run_in_executor(verifiers, is_authentic, header)


bodies = RequestBodies(_is_authentic, max_bytes=settings.CONTRACT_MAX_BYTES, max_total_bytes=settings.MAX_BODIES_BYTES)
pool = WSGIPool(django, bodies, tokens, threads=settings.WEB_THREADS)
events = EventStreams(pool, EventFeed(store), tokens)


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    # The store uses the server's own event loop, and its replica is loaded before the first request.
    store.use_event_loop(asyncio.get_running_loop())
    _ = store.replica
    workers().start()
    telemetry.start_exporting()
    stopped = threading.Event()
    threading.Thread(target=keep_current, args=(store, stopped), name="search-index", daemon=True).start()
    reporting = threading.Thread(target=ReadReporter(store).run, args=(stopped,), name="read-counts", daemon=True)
    reporting.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    stopped.set()
    await asyncio.to_thread(reporting.join, 5)
    log.flush()
    pool.close()
    await asyncio.to_thread(workers().stop)
    await asyncio.to_thread(telemetry.stop_exporting)
    await send({"type": "lifespan.shutdown.complete"})


async def route(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    is_events = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == PATH
    await (events if is_events else pool)(scope, receive, send)


reads = CachedReads(route, store=store, tokens=tokens, log=log)
limits = {"per_subject": settings.MAX_REQUESTS_PER_MINUTE, "per_address": settings.MAX_ANONYMOUS_REQUESTS_PER_MINUTE}
limited = RateLimits(reads, tokens, _is_authentic, log, **limits) if any(limits.values()) else reads
served: Any = Compression(limited)
if settings.CONFLUENT_BIND_ADDR:
    served = ConfluentPort(served, int(settings.CONFLUENT_BIND_ADDR.rpartition(":")[2]))
application = HealthChecks(served if store.mirror is None else MirrorAge(served, store), log)
