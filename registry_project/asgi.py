"""The service under gunicorn's asgi worker: what is ready in memory at once, all else by Django in threads."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
django = get_wsgi_application()

from contracts_app.api.hot_path import HotPath  # noqa: E402  Django must be set up first
from contracts_app.api.tokens import configured_backend  # noqa: E402
from contracts_app.metrics import report_copy  # noqa: E402
from contracts_app.storage import contract_storage  # noqa: E402
from registry_project.access import AccessLines, accepted_hosts  # noqa: E402
from registry_project.threads import InThreads  # noqa: E402

# The event loops hand work to threads and take it back: with the default of 5 ms each would wait that long for
# the interpreter while another thread compares schemas.
sys.setswitchinterval(0.0005)
contract_storage().follow(report_copy)
application = HotPath(
    InThreads(django, threads=settings.WEB_THREADS, most_bytes=settings.CONTRACT_MAX_BYTES),
    storage=contract_storage(),
    tokens=configured_backend(settings.JWT).remembered,
    hosts=accepted_hosts,
    log=AccessLines(),
)
