"""How gunicorn serves the registry. Read by `gunicorn registry_project.wsgi` in this folder."""

import os

from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
try:
    from registry_project import settings
except ImproperlyConfigured as error:
    raise SystemExit(f"Configuration error: {error}") from None

bind = settings.BIND_ADDR
workers = settings.env.int("WEB_CONCURRENCY", 2)
worker_class = "gthread"
threads = settings.env.int("WEB_THREADS", 8)
timeout = 120
graceful_timeout = 30
keepalive = 75
max_requests = 0
control_socket_disable = True
_through_root = {"handlers": [], "propagate": True, "level": "INFO"}
logconfig_dict = settings.LOGGING | {
    "loggers": settings.LOGGING["loggers"] | {"gunicorn.error": _through_root, "gunicorn.access": {"level": "CRITICAL"}}
}
