"""The service as an ASGI application: cached reads, then event streams on the event loop, then Django in threads."""

import asyncio
import gc
import os
import sys
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
django = get_wsgi_application()

from contracts_app.api.auth.tokens import configured_backend  # noqa: E402  Django must be set up first
from contracts_app.services.events import EventFeed  # noqa: E402
from contracts_app.serving.cached_reads import CachedReads  # noqa: E402
from contracts_app.serving.event_streams import PATH, EventStreams  # noqa: E402
from contracts_app.serving.metrics import report_replica  # noqa: E402
from contracts_app.serving.wsgi_pool import WSGIPool  # noqa: E402
from contracts_app.storage import contract_store  # noqa: E402

# The event loop hands work to threads and back: with the default of 5 ms, each hand-over could wait that long for the
# interpreter while another thread compares schemas.
sys.setswitchinterval(0.0005)
# A request creates some hundred objects and leaves few: the collector need not run every 700 of them.
gc.set_threshold(50_000, 20, 100)
store, tokens = contract_store(), configured_backend(settings.JWT).cache
store.enable_replica(report_replica)
pool = WSGIPool(django, threads=settings.WEB_THREADS, max_bytes=settings.CONTRACT_MAX_BYTES)
events = EventStreams(pool, EventFeed(store), tokens)


async def route(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        # The store uses the server's own event loop, and its replica is loaded before the first request.
        store.use_event_loop(asyncio.get_running_loop())
        _ = store.replica
    is_events = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == PATH
    await (events if is_events else pool)(scope, receive, send)


application = CachedReads(route, store=store, tokens=tokens)
