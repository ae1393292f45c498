"""System checks: what `manage.py check` says about the registry's configuration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from contracts_app.storage import contract_stores


@register()
def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for alias in settings.CONTRACT_STORAGES:
        try:
            problems += contract_stores[alias].check()
        except (ImproperlyConfigured, ImportError, ValueError) as error:
            problems.append(Error(str(error), id="contracts.E003"))
    return problems


@register(deploy=True)
def check_servers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [problem for alias in settings.CONTRACT_STORAGES for problem in contract_stores[alias].check_server()]


@register(deploy=True)
def check_mode(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEVELOPMENT:
        return [
            Warning(
                "The service runs with the public development secret.",
                hint="Set JWT_SECRET (`openssl rand -hex 32`), or a public key.",
                id="contracts.W001",
            )
        ]
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        return [Error(settings.ALLOWED_HOSTS_REMEDY, id="contracts.E004")]
    return []
