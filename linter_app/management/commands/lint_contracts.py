"""`manage.py lint_contracts`: compare schemas without a registry, a server or a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from linter_app.change import MODES, Report
from linter_app.dialects import InvalidSchema, parse_schema
from linter_app.json_text import InvalidJSON
from linter_app.lint import lint
from linter_app.semver import InvalidVersion, Version

BREAKING, UNUSABLE = 1, 2


class Command(BaseCommand):
    help = "Find breaking changes between two versions of a JSON Schema, and say which version they need."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True, metavar="compare")
        compare = commands.add_parser(
            "compare",
            help="compare two schema files",
            description="Exit codes: 0 fine, 1 breaking without the version bump, 2 unusable input.",
        )
        compare.add_argument("--current", required=True, metavar="FILE", help="the schema as it is")
        compare.add_argument("--proposed", required=True, metavar="FILE", help="the schema as it shall be")
        compare.add_argument("--current-version", metavar="VERSION", help="such as 1.0.0 or v1")
        compare.add_argument("--proposed-version", metavar="VERSION", help="such as 1.1.0 or v2")
        compare.add_argument("--mode", choices=MODES, default="backward", help="whom to protect (default: backward)")
        compare.add_argument(
            "--strict-open-objects", action="store_true", help="count new optional properties of open objects as breaks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        current, proposed = (_version(options[f"{which}_version"]) for which in ("current", "proposed"))
        if bool(current) != bool(proposed):
            raise CommandError("Give both --current-version and --proposed-version, or neither", returncode=UNUSABLE)
        report = lint(
            _schema(options["current"]),
            _schema(options["proposed"]),
            mode=options["mode"],
            strict_open_objects=options["strict_open_objects"],
            current_version=current,
            proposed_version=proposed,
        )
        self._print(report, current, proposed)
        if not report.acceptable:
            raise CommandError("; ".join(report.problems), returncode=BREAKING)

    def _print(self, report: Report, current: str | None, proposed: str | None) -> None:
        style = {"breaking": self.style.ERROR, "undecided": self.style.WARNING, "compatible": self.style.SUCCESS}
        step = f" from {current} to {proposed}" if current else ""
        self.stdout.write(f"The change{step} is " + style[report.verdict](report.verdict) + ".")
        for change in report.changes:
            mark = "breaking" if change in report.breaking else "unclear" if change in report.undecided else "info"
            place = change.new_pointer if change.new_pointer is not None else change.old_pointer
            self.stdout.write(f"  {mark:9} {change.rule} at {place or '/'}: {change.message}")
        if report.required_bump:
            self.stdout.write(f"Smallest bump: {report.required_version or report.required_bump}")


def _schema(path: str) -> Any:
    try:
        return parse_schema(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", returncode=UNUSABLE) from None
    except InvalidJSON as error:
        raise CommandError(f"{path} is not JSON: {error}", returncode=UNUSABLE) from None
    except InvalidSchema as error:
        raise CommandError(f"{path} is not a valid JSON Schema: {error}", returncode=UNUSABLE) from None


def _version(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return Version.parse(text).text
    except InvalidVersion as error:
        raise CommandError(f"Invalid version: {error}", returncode=UNUSABLE) from None
