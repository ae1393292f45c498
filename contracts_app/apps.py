from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts_app"
    verbose_name = "Contracts"

    def ready(self) -> None:
        from contracts_app import checks  # noqa: F401  registers the system checks
