"""`manage.py check_stream`: validate the messages of a stream by a contract, and by a proposed change of it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contracts_app.bindings import LOCATIONS, check_pattern
from contracts_app.exceptions import MalformedContract
from contracts_app.management.local import FAULTY, UNUSABLE, LocalCommand
from contracts_app.services.stream_checks import (
    FailureGroup,
    SchemaResult,
    StreamReport,
    check_messages,
    schemas_of,
)
from contracts_app.timestamps import moment_of
from linter_app.printable import printable

MAX_SHOWN_SEQUENCES = 10
MAX_SHOWN_CHARACTERS = 300


class Command(LocalCommand):
    help = (
        "Read the messages of a stream and say how many are valid by a contract, and by a proposed schema: which fail, "
        "where and why, with an example of each, and which fields never occur. The stream and its consumers stay as "
        "they are. Exit codes: 0 all valid, 1 some are not, 2 unusable input, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stream", required=True, help="the JetStream stream, such as ORDERS")
        parser.add_argument("--subject", default=">", help="of which subjects, such as orders.> (default: all)")
        parser.add_argument("--contract", metavar="NAME[@VERSION]", help="the contract (default version: latest)")
        parser.add_argument("--proposed", metavar="FILE", help="a JSON Schema that is proposed")
        parser.add_argument("--last", type=int, metavar="N", help="only the last N messages")
        parser.add_argument("--since", metavar="TIME", help="only messages since an RFC 3339 date or time")
        parser.add_argument(
            "--sample", type=int, default=100, metavar="P", help="percentage to validate (default: 100)"
        )
        parser.add_argument("--location", choices=LOCATIONS, default="body", help="where the value is (default: body)")
        parser.add_argument("--pointer", default="", help="the JSON Pointer of the value, with --location pointer")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["contract"] and not options["proposed"]:
            raise CommandError("Give --contract, --proposed, or both", returncode=UNUSABLE)
        if not 1 <= options["sample"] <= 100 or (options["last"] is not None and options["last"] < 1):
            raise CommandError("--sample is 1 to 100, and --last 1 or more", returncode=UNUSABLE)
        if bool(options["pointer"]) != (options["location"] == "pointer"):
            raise CommandError("Give --pointer with --location pointer, and not without", returncode=UNUSABLE)
        since = _time(options["since"])
        proposed = _text(options["proposed"])
        with self.store() as store:
            check_pattern(options["subject"], "--subject")
            name, _, version = (options["contract"] or "").partition("@")
            current, proposed = schemas_of(store, name, version, proposed)
            total, batches = store.stream_messages(
                options["stream"], options["subject"], since=since, last=options["last"]
            )
            with tqdm(total=total, file=sys.stderr, disable=None, unit="message", leave=False) as bar:
                report = check_messages(
                    batches,
                    current=current,
                    proposed=proposed,
                    location=options["location"],
                    pointer=options["pointer"],
                    sample=options["sample"],
                    progress=bar.update,
                )
        if options["format"] == "json":
            self.stdout.write(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
        else:
            self._show(report, options)
        judged = report.proposed or report.current
        if judged is not None and judged.valid < report.messages:
            sys.exit(FAULTY)

    def _show(self, report: StreamReport, options: dict[str, Any]) -> None:
        self.stdout.write(f"{report.messages} messages of {options['subject']} in {options['stream']}")
        for title, result in ((options["contract"], report.current), (options["proposed"], report.proposed)):
            if result is not None:
                self._show_result(printable(title), result, report.messages)
        if report.current is not None and report.proposed is not None:
            shown = _sequences(report.newly_failing, report.newly_failing_count)
            which = f" (sequences{shown})" if shown else ""
            self.stdout.write(f"{report.newly_failing_count} messages are valid now, and not by the proposal{which}")
        if report.absent_fields:
            self.stdout.write(f"Fields that never occur: {printable(', '.join(report.absent_fields[:50]))}")

    def _show_result(self, title: str, result: SchemaResult, messages: int) -> None:
        style = self.style.SUCCESS if result.valid == messages else self.style.ERROR
        self.stdout.write(style(f"{title}: {result.valid} of {messages} are valid"))
        for group in result.sorted_groups:
            self.stdout.write(f"  {group.count} fail{_where(group)}: {printable(group.reason)}")
            self.stdout.write(f"    sequences{_sequences(group.sequences, group.count)}")
            self.stdout.write(f"    for example {printable(group.example[:MAX_SHOWN_CHARACTERS])}")


def _where(group: FailureGroup) -> str:
    return f" at {printable(group.instance_pointer or '/')} by {printable(group.schema_pointer or '/')}"


def _sequences(sequences: list[int], count: int) -> str:
    if not sequences:
        return ""
    shown = ", ".join(map(str, sequences[:MAX_SHOWN_SEQUENCES]))
    return f" {shown}{' ...' if count > MAX_SHOWN_SEQUENCES else ''}"


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment_of(text)
    except (ValueError, MalformedContract):
        raise CommandError("--since must be an RFC 3339 date or date and time", returncode=UNUSABLE) from None


def _text(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=UNUSABLE) from None
