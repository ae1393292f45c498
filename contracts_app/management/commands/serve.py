"""`manage.py serve`: the service ready to use, with an embedded nats-server when none is configured."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from contracts_app.management.commands.issue_token import make_token
from contracts_app.management.errors import PlainErrors
from contracts_app.serving.embedded_nats import EmbeddedServer, NATSServerMissing, free_port, is_nats_server
from contracts_app.storage.nats.known_stream import KnownStream

TOKEN_SECONDS = 24 * 3600
SCOPES = [f"contracts:{scope}" for scope in ("read", "write", "admin", "override", "audit", "remove")]


class Command(PlainErrors):
    help = (
        "Migrate the console's database, start an embedded nats-server unless NATS_URL is set, and serve with gunicorn "
        "on BIND_ADDR until Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workers", type=int, help="gunicorn workers (default: WEB_CONCURRENCY, or 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        if taken := _taken(settings.BIND_ADDR) or _taken(settings.CONFLUENT_BIND_ADDR):
            raise CommandError(taken, returncode=1)
        call_command("migrate", verbosity=0, interactive=False)
        self._administrator = _first_administrator() if settings.DEVELOPMENT else None
        server = self._embedded()
        environment = dict(os.environ)
        if options["workers"]:
            environment["WEB_CONCURRENCY"] = str(options["workers"])
        gunicorn = None
        try:
            if server is not None:
                server.start()
                environment |= {f"NATS_{key.upper()}": value for key, value in server.login.items()}
                self.stdout.write(f"Embedded nats-server on {server.url}, data in {settings.VAR_DIR / 'nats'}")
            gunicorn = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--chdir", str(settings.BASE_DIR), "registry_project.asgi"],
                cwd=settings.BASE_DIR,
                env=environment,
            )
            self._greet()
            status = gunicorn.wait()
        except KeyboardInterrupt:
            # The terminal has sent Ctrl-C to gunicorn too; a second signal would cut its requests off.
            self.stdout.write("\nStopping ...")
            status = 0
        except (NATSServerMissing, RuntimeError) as error:
            raise CommandError(str(error)) from None
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if gunicorn is not None:
                _stop(gunicorn)
            if server is not None:
                server.stop()
        if status:
            raise CommandError(f"gunicorn ended with status {status}", returncode=1)

    def _embedded(self) -> EmbeddedServer | None:
        if settings.NATS_URL:
            shown = ", ".join(url.rpartition("@")[2] for url in settings.NATS_URL.split(","))
            self.stdout.write(f"Using the nats-server at {shown} (NATS_URL)")
            return None
        if is_nats_server("127.0.0.1", 4222):
            # Any user of this machine may have started it.
            self.stdout.write(
                f"A nats-server answers at {settings.DEFAULT_NATS_URL}. It is not used; to use it, set "
                f"NATS_URL={settings.DEFAULT_NATS_URL}"
            )
        folder = settings.VAR_DIR / "nats"
        server = EmbeddedServer(
            folder,
            port=free_port(4222),
            # A schema that is sent as an object is stored as a string, and escaping may double its length.
            max_record_bytes=2 * settings.CONTRACT_MAX_BYTES + 65536,
            with_login=True,
        )
        if not (folder / "data").exists():  # it is new, or its data was removed on purpose: the bucket is created
            options: Any = settings.CONTRACT_STORAGES["default"]["OPTIONS"]
            KnownStream(options["known_folder"], [server.url], options["bucket"]).forget()
        return server

    def _greet(self) -> None:
        if settings.BIND_ADDR.startswith("unix:"):
            self.stdout.write(f"Listening on {settings.BIND_ADDR}")
            return
        host, _, port = settings.BIND_ADDR.rpartition(":")
        shown = "127.0.0.1" if host in ("0.0.0.0", "[::]") else host
        for _ in range(100):
            if _listens(shown.strip("[]"), int(port)):
                break
            time.sleep(0.1)
        base = f"http://{shown}:{port}"
        lines = [
            "",
            f"  API      {base}/registry/contracts",
            f"  API docs {base}/registry/docs",
            f"  Console  {base}/admin/",
            f"  Kafka    {base}/confluent (the Confluent REST API)",
            "",
        ]
        if self._administrator is None and not get_user_model().objects.exists():
            lines += ["The console has no user yet: manage.py createsuperuser makes one", ""]
        if settings.DEVELOPMENT:
            token = make_token("dev-user", SCOPES, TOKEN_SECONDS)
            lines += [
                "Development mode: tokens are signed with the public development secret. Try:",
                "",
                f'  export JWT_TOKEN="{token}"',
                f'  curl -H "Authorization: Bearer $JWT_TOKEN" {base}/registry/contracts',
                "",
                "Ctrl-C stops everything; the data stays.",
                "",
            ]
        if self._administrator:
            name, password = self._administrator
            lines += [
                f"First administrator of the console: {name}, password {password} (shown this once;",
                f"`.venv/bin/python manage.py changepassword {name}` sets another)",
                "",
            ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _first_administrator() -> tuple[str, str] | None:
    """Create a superuser if there is no user yet; the password is printed once and stored only as a hash."""
    users = get_user_model().objects
    if users.exists():
        return None
    name, password = "admin", secrets.token_urlsafe(12)
    users.create_superuser(name, password=password)
    return name, password


def _taken(address: str) -> str:
    """Return why the service cannot listen on an address, or an empty string."""
    host, _, port = address.rpartition(":")
    if address.startswith("unix:") or not port.isdecimal():
        return ""
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            return f"{address} cannot be used: {error.strerror}. Stop the other program, or set BIND_ADDR=HOST:PORT"
    return ""


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(35)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
