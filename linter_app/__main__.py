"""The linter as a program of its own, `contracts-lint`, without the registry and its settings."""

from __future__ import annotations

import sys

from django.conf import settings


def main() -> None:
    """Run `lint_contracts` with the arguments of this process."""
    settings.configure()
    from linter_app.management.commands.lint_contracts import Command

    Command().run_from_argv(["contracts-lint", "", *sys.argv[1:]])


if __name__ == "__main__":
    main()
