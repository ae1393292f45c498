"""The command line of the linter. `contracts-lint` runs it by itself, `manage.py lint_contracts` within Django."""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from linter_app.bounded import BoundedLinter, Texts
from linter_app.changes import Report
from linter_app.cli_arguments import EXIT_CODES, add_arguments
from linter_app.cli_inputs import Failure, read_json, read_resources, read_schema, read_version, read_wit
from linter_app.config import Config, InvalidConfig, find, load
from linter_app.contract_files import RepeatedVersion, VersionFile, histories
from linter_app.printable import printable
from linter_app.report import changelog, rule_reference
from linter_app.report.formats import FORMATS, text
from linter_app.report.step import Step
from linter_app.report.verdict import report_of
from linter_app.rules import all_rules
from linter_app.schema.dialects import configure_dialects
from linter_app.work_pool import MIB, WorkAborted, WorkPool

BREAKING = 1
DESCRIPTION = (
    "Find breaking changes between versions of JSON Schemas and WIT packages, show an instance that proves each, and "
    f"say which version they need. {EXIT_CODES}"
)


@dataclass(frozen=True)
class Console:
    """Where the command writes."""

    write: Callable[[str], Any]
    warn: Callable[[str], Any]
    paint: text.Paint = lambda words, meaning: words


def run(options: argparse.Namespace, console: Console) -> None:
    """Run the action that the options name. Raises Failure."""
    if "timeout" not in options:
        _ACTIONS[options.action](options, console)
        return
    if options.timeout <= 0 or options.memory < 64:
        raise Failure("--timeout must be more than 0 seconds, and --memory 64 MiB or more")
    # Schemas can be made to take any time and memory: another process reads them.
    pool = WorkPool(1, memory_bytes=options.memory * MIB)
    options.linter, options.pool = BoundedLinter(pool.call, seconds=options.timeout), pool
    try:
        _ACTIONS[options.action](options, console)
    finally:
        pool.stop()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `contracts-lint` with the arguments of this process, and exit with its status."""
    parser = argparse.ArgumentParser("contracts-lint", description=DESCRIPTION)
    add_arguments(parser)
    try:
        run(parser.parse_args(arguments), Console(print, _warn, _paint if _has_colours() else Console.paint))
    except Failure as failure:
        _warn(str(failure))
        sys.exit(failure.status)
    sys.exit(0)


def _warn(message: str) -> None:
    print(message, file=sys.stderr)


def _has_colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _paint(words: str, meaning: str) -> str:
    codes = {"breaking": 31, "undecided": 33, "compatible": 32, "dim": 2}
    return f"\x1b[{codes[meaning]}m{words}\x1b[0m"


# Actions


def _compare(options: argparse.Namespace, console: Console) -> None:
    _finish([_pair(options, _config(options, console))], options, console)


def _check(options: argparse.Namespace, console: Console) -> None:
    steps = list(_steps(options, _config(options, console), console))
    try:
        _finish(steps, options, console)
    finally:
        if options.format == "text":
            refused = sum(not step.report.acceptable for step in steps)
            console.warn(f"{len(steps)} steps checked, {refused} refused")


def _changelog(options: argparse.Namespace, console: Console) -> None:
    config = _config(options, console)
    if options.current or options.proposed:
        if not (options.current and options.proposed):
            raise Failure("Give both --current and --proposed, or a folder")
        steps = [_pair(options, config)]
    else:
        found = _steps(options, config, console)
        steps = [step for step in found if options.contract in (None, step.contract)][::-1]
        if options.contract and not steps:
            raise Failure(f"No two versions of {options.contract} were found")
    if options.format == "json":
        data = [changelog.changelog_to_json(step.report, step.title) for step in steps]
        console.write(json.dumps(data, indent=2, ensure_ascii=False))
        return
    titles = [
        f"{step.contract} {step.new_version}" if step.contract else step.new_version or step.title for step in steps
    ]
    chapters = [changelog.markdown(step.report, title) for step, title in zip(steps, titles, strict=True)]
    console.write("\n".join(chapters).rstrip())


def _bundle(options: argparse.Namespace, console: Console) -> None:
    schema, wit = Path(options.json_schema), Path(options.wit)
    try:
        changes = options.linter.coherence(read_schema(schema, options.linter), read_wit(wit, options.linter))
    except WorkAborted as aborted:
        raise Failure(f"{schema} and {wit} cannot be compared: {aborted.reason}") from None
    report = report_of(changes, _config(options, console), equal=True)
    _finish([Step(None, None, None, wit, schema, report)], options, console)


def _rules(options: argparse.Namespace, console: Console) -> None:
    if options.format == "markdown":
        console.write(rule_reference.markdown().rstrip("\n"))
    elif options.format == "json":
        rules = [{"id": r.id, "breaks": r.direction, "purpose": r.purpose} for r in all_rules().values()]
        console.write(json.dumps(rules, indent=2, ensure_ascii=False))
    else:
        for rule in all_rules().values():
            console.write(f"{rule.id:32} {rule.direction:9} {rule.purpose}")


def _explain(options: argparse.Namespace, console: Console) -> None:
    if options.rule is None:
        _rules(options, console)
        return
    rule = all_rules().get(options.rule)
    if rule is None:
        near = difflib.get_close_matches(options.rule, all_rules(), 3, 0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Failure(f"There is no rule {options.rule!r}{hint} `lint_contracts explain` lists them")
    console.write(rule_reference.explain(rule))


_ACTIONS: dict[str, Callable[[argparse.Namespace, Console], None]] = {
    "compare": _compare,
    "check": _check,
    "changelog": _changelog,
    "bundle": _bundle,
    "rules": _rules,
    "explain": _explain,
}


# Input and output


def _config(options: argparse.Namespace, console: Console) -> Config:
    try:
        path = Path(options.config) if options.config else find(Path.cwd())
        config = load(path) if path else Config()
    except InvalidConfig as error:
        raise Failure(str(error)) from None
    options.pool.prepare = partial(configure_dialects, config.dialects)
    for expired in config.expired():
        console.warn(f"The accepted break {expired.rule} expired on {expired.expires}; it counts again")
    given = {key: getattr(options, key) for key in ("mode", "budget_ms") if getattr(options, key) is not None}
    if options.strict_open_objects:
        given["strict_open_objects"] = True
    return config.replaced(**given)


def _pair(options: argparse.Namespace, config: Config) -> Step:
    current, proposed = read_version(options.current_version), read_version(options.proposed_version)
    if bool(current) != bool(proposed):
        raise Failure("Give both --current-version and --proposed-version, or neither")
    old, new = Path(options.current), Path(options.proposed)
    resources = read_resources(options.resource, options.linter)
    report = _report(old, new, current, proposed, config, resources, options.linter)
    return Step(None, current, proposed, old, new, report)


def _steps(options: argparse.Namespace, config: Config, console: Console) -> Iterator[Step]:
    folders = [Path(folder) for folder in options.folders or config.paths]
    if not folders:
        raise Failure("Name a folder, or set paths in the configuration")
    for folder in folders:
        if not folder.is_dir():
            raise Failure(f"{folder} is not a folder")
    try:
        tree = histories(folders)
    except RepeatedVersion as error:
        raise Failure(str(error)) from None
    for path in tree.unnamed:
        console.warn(printable(f"Skipped {path}: its name has no version"))
    for path in tree.outside:
        console.warn(printable(f"Skipped {path}: it leads out of the folder"))
    if not tree.contracts:
        listed = ", ".join(map(str, folders))
        raise Failure(f"No contracts in {listed}: files are named NAME/VERSION.json or NAME.VERSION.json")
    resources = read_resources(options.resource, options.linter)
    pairs: list[tuple[VersionFile, VersionFile | None]] = []
    for files in tree.contracts.values():
        # The only version of a contract is compared with nothing, but it must be valid.
        pairs += [(files[0], None)] if len(files) == 1 else list(itertools.pairwise(files))
    for old, new in tqdm(pairs, desc="Checking", unit="step", disable=None, leave=False):
        if new is None:
            _report(old.path, old.path, None, None, config, resources, options.linter)
            continue
        versions = old.version.text, new.version.text
        own_config = config.replaced(contract=new.contract)
        report = _report(old.path, new.path, *versions, own_config, resources, options.linter)
        yield Step(new.contract, *versions, old.path, new.path, report)


def _finish(steps: list[Step], options: argparse.Namespace, console: Console) -> None:
    """Write the report. Raises Failure where a step is not acceptable."""
    if options.format == "text" and not options.output:
        written = text.render(steps, console.paint)
    else:
        written = FORMATS[options.format](steps)
    if options.output:
        try:
            Path(options.output).write_text(written + "\n", encoding="utf-8")
        except OSError as error:
            raise Failure(f"{options.output} cannot be written: {error.strerror}") from None
    elif written:
        console.write(written)
    refused = [step for step in steps if not step.report.acceptable]
    if refused:
        reasons = (
            (f"{printable(step.contract)}: " if step.contract else "") + "; ".join(map(printable, step.report.problems))
            for step in refused
        )
        raise Failure("\n".join(reasons), BREAKING)


def _report(
    old: Path,
    new: Path,
    current: str | None,
    proposed: str | None,
    config: Config,
    resources: Texts,
    linter: BoundedLinter,
) -> Report:
    if (old.suffix == ".wit") != (new.suffix == ".wit"):
        raise Failure(f"{old} and {new} are not of one kind")
    if old.suffix != ".wit":
        former = read_json(old) if config.invalid_old_passes else read_schema(old, linter)
        found = linter.compare(former, read_schema(new, linter), config, resources)
    else:
        found = linter.compare_wit(read_wit(old, linter), read_wit(new, linter), config.mode)
    versions = {"current_version": current, "proposed_version": proposed}
    return report_of(found.changes, config, equal=found.equal, warnings=found.warnings, **versions)
