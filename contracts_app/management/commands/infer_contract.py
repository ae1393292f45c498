"""`manage.py infer_contract`: draft a JSON Schema from the messages of a stream."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contracts_app.bindings import LOCATIONS, check_pattern
from contracts_app.bundles import ContractBundle
from contracts_app.management.local import UNUSABLE, LocalCommand
from contracts_app.services import publish_contract
from contracts_app.services.inference import infer_schema
from contracts_app.services.stream_checks import check_messages
from linter_app.printable import printable


class Command(LocalCommand):
    help = (
        "Draft a JSON Schema from the messages of a stream: structure, required fields, formats, enumerations. The "
        "draft is validated against every message that it was made of. It says what was seen, not what is meant: read "
        "it before it is published. Exit codes: 0 done, 1 no usable message, 2 unusable input, 3 unreachable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stream", required=True, help="the JetStream stream, such as ORDERS")
        parser.add_argument("--subject", default=">", help="of which subjects, such as orders.> (default: all)")
        parser.add_argument(
            "--last", type=int, default=10_000, metavar="N", help="the last N messages (default: 10000)"
        )
        parser.add_argument("--location", choices=LOCATIONS, default="body", help="where the value is (default: body)")
        parser.add_argument("--pointer", default="", help="the JSON Pointer of the value, with --location pointer")
        parser.add_argument("--output", metavar="FILE", help="where to write the schema (default: standard output)")
        parser.add_argument("--draft", metavar="NAME@VERSION", help="also store it as a draft of this contract")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["last"] < 1 or bool(options["pointer"]) != (options["location"] == "pointer"):
            raise CommandError(
                "--last is 1 or more; give --pointer with --location pointer, and not without", returncode=UNUSABLE
            )
        name, _, version = (options["draft"] or "").partition("@")
        if options["draft"] and not version:
            raise CommandError("--draft needs NAME@VERSION, such as order.created@1.0.0", returncode=UNUSABLE)
        where = {"location": options["location"], "pointer": options["pointer"]}
        with self.store() as store:
            check_pattern(options["subject"], "--subject")

            def read(words: str) -> Any:
                total, batches = store.stream_messages(options["stream"], options["subject"], last=options["last"])
                bar = tqdm(total=total, file=sys.stderr, disable=None, unit="message", leave=False, desc=words)
                for batch in batches:
                    bar.update(len(batch))
                    yield batch
                bar.close()

            found = infer_schema(read("reading"), title=name, **where)
            if not found.messages:
                raise CommandError(
                    f"None of {found.skipped} messages of {options['subject']} is JSON where it should be", returncode=1
                )
            checked = check_messages(read("verifying"), current=None, proposed=found.text, **where)
            assert checked.proposed is not None
            self.stderr.write(
                f"{found.messages} messages, {found.skipped} skipped; {checked.proposed.valid} of {checked.messages} "
                "are valid by the draft"
            )
            for path, seen in sorted(found.fields.items()):
                if path:
                    more = (
                        f", enumeration of {len(seen.enum)}" if seen.enum else f", {seen.format}" if seen.format else ""
                    )
                    self.stderr.write(f"  {printable(path)}: {seen.count} values{more}")
            if options["output"]:
                Path(options["output"]).write_text(found.text, encoding="utf-8")
            else:
                self.stdout.write(found.text)
            if options["draft"]:
                bundle = ContractBundle(name=name, version=version, json_schema=found.text)
                publish_contract(bundle=bundle, actor=self.actor(), draft=True, store=store)
                self.stderr.write(f"Saved: {name} {version} is a draft")
