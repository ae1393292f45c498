"""`manage.py nats_env`: the address of the embedded nats-server, with its login, for other programs of this machine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from contracts_app.management.errors import PlainErrors


class Command(PlainErrors):
    help = (
        "Print `export NATS_URL=...` for the nats-server that `make run` embeds, with the login of its present start: "
        'eval "$(manage.py nats_env)". For trying; it gives access to everything on that server.'
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.NATS_URL:
            self.stdout.write(f"export NATS_URL={settings.NATS_URL}")
            return
        login = settings.EMBEDDED
        if not login:
            raise CommandError("There is no embedded nats-server: start the service with `make run`", returncode=1)
        address = login["url"].removeprefix("nats://")
        self.stdout.write(f"export NATS_URL=nats://{login['user']}:{login['password']}@{address}")
