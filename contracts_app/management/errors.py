"""Errors of commands on the command line: the message alone, and the exit code."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class PlainErrors(BaseCommand):
    """A command whose errors are printed as they are, without the name of Django's exception before them."""

    def run_from_argv(self, argv: list[str]) -> None:
        self.handle, handle = self._exit_with_message, self.handle  # type: ignore[method-assign]
        self._handle = handle
        super().run_from_argv(argv)

    def _exit_with_message(self, *args: Any, **options: Any) -> Any:
        try:
            return self._handle(*args, **options)
        except CommandError as error:
            self.stdout.flush()
            self.stderr.write(str(error))
            sys.exit(error.returncode)
        except BrokenPipeError:
            # The reader, such as `head`, has what it wanted. Python would complain when it flushes at its end.
            sys.stdout = open("/dev/null", "w")  # noqa: SIM115
            sys.exit(0)
