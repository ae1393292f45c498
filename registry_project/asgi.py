"""The service as an ASGI application: what is ready in memory at once, all else by Django in threads."""

import asyncio
import gc
import os
import sys
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
django = get_wsgi_application()

from contracts_app.api.feed import PATH as FEED  # noqa: E402  Django must be set up first
from contracts_app.api.feed import EventFeed  # noqa: E402
from contracts_app.api.gate import Gate  # noqa: E402
from contracts_app.api.hot_path import HotPath  # noqa: E402
from contracts_app.api.tokens import configured_backend  # noqa: E402
from contracts_app.api.write_path import WritePath  # noqa: E402
from contracts_app.metrics import report_copy  # noqa: E402
from contracts_app.services.feeding import Feed  # noqa: E402
from contracts_app.storage import contract_storage  # noqa: E402
from registry_project.access import AccessLines, accepted_hosts  # noqa: E402
from registry_project.threads import InThreads  # noqa: E402

# The event loops hand work to threads and take it back: with the default of 5 ms each would wait that long for
# the interpreter while another thread compares schemas.
sys.setswitchinterval(0.0005)
# A publish makes some hundred objects, and leaves few: to look for circles after each 700 of them costs a twentieth.
gc.set_threshold(50_000, 20, 100)
storage, tokens = contract_storage(), configured_backend(settings.JWT).remembered
storage.follow(report_copy)
gate, lines = Gate(tokens, accepted_hosts), AccessLines()
writes = WritePath(storage=storage, gate=gate, log=lines)
threads = InThreads(django, threads=settings.WEB_THREADS, most_bytes=settings.CONTRACT_MAX_BYTES, before=writes)
events = EventFeed(threads.judge, Feed(storage), tokens)


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """What is not answered at once."""
    if scope["type"] == "lifespan":
        # The server's own loop carries the storage, and its copy is loaded before the first request asks for it.
        storage.run_on(asyncio.get_running_loop())
        storage.status()
    is_feed = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == FEED
    await (events if is_feed else threads)(scope, receive, send)


application = HotPath(behind, storage=storage, gate=gate, log=lines)
