"""`manage.py mcp`: the registry over the Model Context Protocol."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from contracts_app.management.errors import PlainErrors
from contracts_app.management.remote import HOW_TO_GET_A_TOKEN, UNUSABLE
from contracts_app.mcp_server import make_server, may_write


class Command(PlainErrors):
    help = (
        "Serve the registry over the Model Context Protocol: search, get, versions, check with an example of what "
        "would break, validate, explain_rule, and publish if the token may write. On standard input and output, for a "
        "program that starts this command with JWT_TOKEN in its environment; or over HTTP, where each request brings "
        "its own token. The registry itself must be running: this is a client of its API."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--registry-endpoint",
            default=os.environ.get("REGISTRY_ENDPOINT", "http://localhost:8090"),
            help="default: http://localhost:8090, or REGISTRY_ENDPOINT",
        )
        parser.add_argument("--http", metavar="HOST:PORT", help="serve over HTTP at /mcp, instead of standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["http"]:
            host, _, port = options["http"].rpartition(":")
            if not host or not port.isdecimal() or int(port) > 65535:
                raise CommandError(f"--http {options['http']!r} is not HOST:PORT, such as 127.0.0.1:8095", returncode=2)
            server = make_server(options["registry_endpoint"], writable=True)
            self.stderr.write(f"Serving MCP at http://{options['http']}/mcp; Ctrl-C ends it")
            server.run("streamable-http", host=host, port=int(port), stateless_http=True)
            return
        token = os.environ.get("JWT_TOKEN", "").strip()
        if not token:
            raise CommandError(f"No token: set JWT_TOKEN. {HOW_TO_GET_A_TOKEN}", returncode=UNUSABLE)
        writable = may_write(token, settings.JWT.scope_claims)
        make_server(options["registry_endpoint"], token, writable=writable).run("stdio")
