"""Configuration of gunicorn, read by `gunicorn registry_project.asgi` in this folder."""

import os
import resource
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn.glogging import Logger

# A scrape adds up the workers' metrics of this run (contracts_app/serving/metrics.py).
_OWN_FOLDER = "registry-metrics-"
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_OWN_FOLDER)
_metrics = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
_metrics.mkdir(parents=True, exist_ok=True)
# A worker that wakes accepts one connection at a time (libuv), so that the others get their share.
os.environ.setdefault("UV_TCP_SINGLE_ACCEPT", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
try:
    from registry_project import settings
except ImproperlyConfigured as error:
    raise SystemExit(f"Configuration error: {error}") from None
if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
    raise SystemExit(f"Configuration error: {settings.ALLOWED_HOSTS_REMEDY}")

# Each connection is a file descriptor, and so is each file of the metrics.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))
bind = [address for address in (settings.BIND_ADDR, settings.CONFLUENT_BIND_ADDR) if address]
workers = settings.env.int("WEB_CONCURRENCY", 2)
worker_class = "contracts_app.serving.worker.RegistryWorker"
timeout = 120
graceful_timeout = 30
keepalive = 75
# Imported before the fork: the format checkers take a second, and not again when a worker is replaced.
preload_app = True
PRELOAD_SECONDS = 20
max_requests = 0
control_socket_disable = True


class RegistryLogger(Logger):
    """The registry writes its own access line; gunicorn need not collect one."""

    access_log_enabled = False


logger_class = RegistryLogger
_through_root = {"handlers": [], "propagate": True, "level": "INFO"}
logconfig_dict = settings.LOGGING | {
    "loggers": settings.LOGGING["loggers"] | {"gunicorn.error": _through_root, "gunicorn.access": {"level": "CRITICAL"}}
}


def _drop_figures(pid: int) -> None:
    # Imported late: the library looks for its folder at import.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)


def when_ready(server: Any) -> None:
    """Load the replica once, for the workers to share; connecting clients wait. If the store is away, workers try."""
    from contracts_app.storage import contract_store

    contract_store().preload_replica(seconds=PRELOAD_SECONDS)
    # The master answers no requests: its own metrics would look like those of a worker that never gets ready.
    _drop_figures(server.pid)


def post_fork(server: Any, worker: Any) -> None:
    """Have the kernel end a worker whose master is killed: it would keep the port, and no new master could start."""
    from linter_app.work_pool import die_with_parent

    die_with_parent(signal.SIGTERM)
    if os.getppid() != server.pid:  # it was killed before
        os.kill(os.getpid(), signal.SIGTERM)


def post_worker_init(worker: Any) -> None:
    """Under WSGI, too, load the replica before the first request; under ASGI the application does so."""
    from contracts_app.serving import telemetry
    from contracts_app.serving.worker import RegistryWorker
    from contracts_app.storage import contract_store

    if not isinstance(worker, RegistryWorker):
        _ = contract_store().replica
        telemetry.start_exporting()


def worker_exit(server: Any, worker: Any) -> None:
    """End the child processes of a worker that is not the event loop's, which ends them itself."""
    from contracts_app.services.work import workers

    workers().stop()


def child_exit(server: object, worker: Any) -> None:
    _drop_figures(worker.pid)


def on_exit(server: object) -> None:
    if _metrics.name.startswith(_OWN_FOLDER):
        shutil.rmtree(_metrics, ignore_errors=True)
    for figures in _metrics.glob("*.db"):
        figures.unlink(missing_ok=True)
