from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate

from linter_app.schema.dialects import configure_dialects


class ContractsConfig(AppConfig):
    name = "contracts_app"
    verbose_name = "Registry"

    def ready(self) -> None:
        from contracts_app import checks  # noqa: F401  registers the system checks
        from contracts_app.console.groups import make_groups

        configure_dialects(settings.SCHEMA_DIALECTS)
        post_migrate.connect(make_groups, sender=self)
