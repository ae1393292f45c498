"""System checks: what `manage.py check` says about the registry's configuration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from contracts_app.api.auth.jwks import KeysUnavailable
from contracts_app.api.auth.tokens import configured_backend
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
def check_token_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    keys = configured_backend(settings.JWT).jwks
    try:
        if keys is not None:
            keys.fetch()
    except KeysUnavailable as error:
        return [Error(error.message, hint="Until they can be fetched, requests get a 503.", id="contracts.E006")]
    return []


@register(deploy=True)
def check_console_database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return [
            Error(
                f"The database of the console cannot be used: {str(error).strip()}",
                hint="The API works without it. See DATABASE_URL.",
                id="contracts.E007",
            )
        ]
    if missing:
        return [
            Error(
                f"The database of the console lacks {len(missing)} migrations.",
                hint="Run `manage.py migrate`.",
                id="contracts.E008",
            )
        ]
    return []


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
