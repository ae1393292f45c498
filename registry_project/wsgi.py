import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
application = get_wsgi_application()

from contracts_app.metrics import report_copy  # noqa: E402
from contracts_app.storage import contract_storage  # noqa: E402  Django must be set up first

contract_storage().follow(report_copy)
