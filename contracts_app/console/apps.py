from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin with the registry's start page."""

    default_site = "contracts_app.console.site.ConsoleSite"
