"""The service as a WSGI application: without cached reads on an event loop, and without event streams."""

import os

from django.core.wsgi import get_wsgi_application

from contracts_app.serving import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
telemetry.instrument()
application = get_wsgi_application()

from contracts_app.serving.metrics import report_replica  # noqa: E402  Django must be set up first
from contracts_app.storage import contract_store  # noqa: E402

contract_store().enable_replica(report_replica)
