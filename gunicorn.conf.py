"""How gunicorn serves the registry. Read by `gunicorn registry_project.asgi` in this folder."""

import os
import shutil
import tempfile
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn.glogging import Logger

# A folder for this run: the workers' figures are added up at a scrape (contracts_app/serving/metrics.py).
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="registry-metrics-"))
# A worker that is woken takes one connection at a time (libuv), so that the others get their share of many at once.
os.environ.setdefault("UV_TCP_SINGLE_ACCEPT", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
try:
    from registry_project import settings
except ImproperlyConfigured as error:
    raise SystemExit(f"Configuration error: {error}") from None

bind = settings.BIND_ADDR
workers = settings.env.int("WEB_CONCURRENCY", 2)
worker_class = "contracts_app.serving.worker.RegistryWorker"
timeout = 120
graceful_timeout = 30
keepalive = 75
# The checks of formats take a second to import: once, and not again when a worker is replaced.
preload_app = True
PRELOAD_SECONDS = 20
max_requests = 0
control_socket_disable = True


class RegistryLogger(Logger):
    """The registry writes an access line itself; gunicorn need not gather what it would say in another."""

    access_log_enabled = False


logger_class = RegistryLogger
_through_root = {"handlers": [], "propagate": True, "level": "INFO"}
logconfig_dict = settings.LOGGING | {
    "loggers": settings.LOGGING["loggers"] | {"gunicorn.error": _through_root, "gunicorn.access": {"level": "CRITICAL"}}
}


def _drop_figures(pid: int) -> None:
    # Imported only now: the library looks for its folder when it is imported.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)


def when_ready(server: Any) -> None:
    """Load the copy once, for the workers to share; who connects meanwhile waits. Without the store, they try."""
    from contracts_app.storage import contract_store

    contract_store().preload_replica(seconds=PRELOAD_SECONDS)
    # The master answers nothing: figures of its own would look like those of a worker that never gets ready.
    _drop_figures(server.pid)


def post_worker_init(worker: Any) -> None:
    """Under WSGI too the copy is loaded before the first request asks for it; under ASGI the application sees to it."""
    from contracts_app.serving.worker import RegistryWorker
    from contracts_app.storage import contract_store

    if not isinstance(worker, RegistryWorker):
        _ = contract_store().replica


def child_exit(server: object, worker: Any) -> None:
    _drop_figures(worker.pid)


def on_exit(server: object) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
