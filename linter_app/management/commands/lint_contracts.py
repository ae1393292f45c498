"""`manage.py lint_contracts`: the linter's command line as a command of Django."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from linter_app import cli
from linter_app.cli_arguments import add_arguments
from linter_app.cli_inputs import Failure


class Command(BaseCommand):
    help = cli.DESCRIPTION
    requires_system_checks = []
    _exits = False
    """Whether it runs on the command line: errors are printed there, without the name of Django's exception."""

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        self._exits = True
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        console = cli.Console(self.stdout.write, self._warn, self._paint)
        try:
            cli.run(argparse.Namespace(**options), console)
        except Failure as failure:
            if not self._exits:
                raise CommandError(str(failure), returncode=failure.status) from None
            self.stdout.flush()
            self.stderr.write(str(failure))
            sys.exit(failure.status)

    def _warn(self, message: str) -> None:
        self.stderr.write(message, self.style.WARNING)

    def _paint(self, words: str, meaning: str) -> str:
        styles = {"breaking": "ERROR", "undecided": "WARNING", "compatible": "SUCCESS", "dim": "HTTP_INFO"}
        painted: str = getattr(self.style, styles[meaning])(words)
        return painted
