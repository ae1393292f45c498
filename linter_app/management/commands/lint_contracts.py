"""`manage.py lint_contracts`: judge changes of contracts without a registry, a server or a database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from linter_app import changelog
from linter_app.change import MODES, Report
from linter_app.checks import parse_schema
from linter_app.coherence import check_bundle
from linter_app.config import Config, InvalidConfig, find, load
from linter_app.dialects import InvalidSchema
from linter_app.history import RepeatedVersion, VersionFile, histories
from linter_app.json_text import InvalidJSON
from linter_app.lint import lint, lint_wit
from linter_app.reference import all_rules, explained, markdown
from linter_app.reporters import FORMATS, Step, text
from linter_app.semver import InvalidVersion, Version
from linter_app.verdict import report_of
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit

BREAKING, UNUSABLE = 1, 2
EXIT_CODES = "Exit codes: 0 fine, 1 breaking without the version bump, 2 unusable input."


class Command(BaseCommand):
    help = (
        "Find breaking changes between versions of JSON Schemas and WIT packages, show an instance that proves "
        f"each, and say which version they need. {EXIT_CODES}"
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        compare = actions.add_parser("compare", help="compare two files", description=EXIT_CODES)
        _pair_arguments(compare, required=True)
        _policy_arguments(compare)
        _format_arguments(compare)
        check = actions.add_parser(
            "check",
            help="check every contract's history in a tree of files",
            description="Compare each version with the one before it, in a tree of NAME/VERSION.json or "
            f"NAME.VERSION.json files (and .wit). {EXIT_CODES}",
        )
        check.add_argument("folders", nargs="*", metavar="DIR", help="default: paths of the configuration")
        _policy_arguments(check)
        _format_arguments(check)
        log = actions.add_parser(
            "changelog",
            help="write a changelog from the differences",
            description="Of two files (--current, --proposed), or of all contracts in a tree, the newest first.",
        )
        log.add_argument("folders", nargs="*", metavar="DIR")
        log.add_argument("--contract", metavar="NAME", help="only this contract of the tree")
        _pair_arguments(log, required=False)
        _policy_arguments(log)
        log.add_argument("--format", choices=("markdown", "json"), default="markdown")
        bundle = actions.add_parser(
            "bundle",
            help="whether the schema and the WIT text of one bundle agree",
            description="Findings are warnings; levels of the configuration can make them errors (exit code 1).",
        )
        bundle.add_argument("--json-schema", required=True, metavar="FILE")
        bundle.add_argument("--wit", required=True, metavar="FILE")
        _policy_arguments(bundle)
        _format_arguments(bundle)
        rules = actions.add_parser("rules", help="list the rules")
        rules.add_argument("--format", choices=("text", "json", "markdown"), default="text")
        explain = actions.add_parser("explain", help="what a rule means, whom it breaks, and an example")
        explain.add_argument("rule", metavar="RULE")

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "compare": self.compare,
            "check": self.check_folders,
            "changelog": self.changelog,
            "bundle": self.bundle,
            "rules": self.rules,
            "explain": self.explain,
        }
        actions[options["action"]](options)

    def compare(self, options: dict[str, Any]) -> None:
        """Judge one step."""
        self._finish([self._pair(options)], options)

    def check_folders(self, options: dict[str, Any]) -> None:
        """Judge every step of every contract."""
        config = self._config(options)
        steps = list(self._steps(options, config))
        self._finish(steps, options)
        if options["format"] == "text":
            refused = sum(not step.report.acceptable for step in steps)
            self.stderr.write(f"{len(steps)} steps checked, {refused} refused")

    def changelog(self, options: dict[str, Any]) -> None:
        """Write the changelog of one step or of a tree."""
        if options["current"] or options["proposed"]:
            if not (options["current"] and options["proposed"]):
                raise CommandError("Give both --current and --proposed, or a folder", returncode=UNUSABLE)
            steps = [self._pair(options)]
        else:
            found = self._steps(options, self._config(options))
            steps = [step for step in found if options["contract"] in (None, step.contract)][::-1]
            if options["contract"] and not steps:
                raise CommandError(f"No two versions of {options['contract']} were found", returncode=UNUSABLE)
        if options["format"] == "json":
            data = [changelog.as_json(step.report, step.title) for step in steps]
            self.stdout.write(json.dumps(data, indent=2, ensure_ascii=False))
            return
        titles = [f"{s.contract} {s.new_version}" if s.contract else s.new_version or s.title for s in steps]
        chapters = [changelog.markdown(step.report, title) for step, title in zip(steps, titles, strict=True)]
        self.stdout.write("\n".join(chapters).rstrip())

    def bundle(self, options: dict[str, Any]) -> None:
        """Hold the two parts of a bundle against each other."""
        schema, wit = Path(options["json_schema"]), Path(options["wit"])
        changes = check_bundle(_schema(schema), _wit(wit))
        report = report_of(changes, self._config(options), equal=True)
        self._finish([Step(None, None, None, wit, schema, report)], options)

    def rules(self, options: dict[str, Any]) -> None:
        """List the rules."""
        if options["format"] == "markdown":
            self.stdout.write(markdown(), ending="")
        elif options["format"] == "json":
            rules = [{"id": r.id, "breaks": r.direction, "purpose": r.purpose} for r in all_rules().values()]
            self.stdout.write(json.dumps(rules, indent=2, ensure_ascii=False))
        else:
            for rule in all_rules().values():
                self.stdout.write(f"{rule.id:32} {rule.direction:9} {rule.purpose}")

    def explain(self, options: dict[str, Any]) -> None:
        """Explain one rule."""
        rule = all_rules().get(options["rule"])
        if rule is None:
            raise CommandError(
                f"There is no rule {options['rule']!r}; `lint_contracts rules` lists them", returncode=UNUSABLE
            )
        self.stdout.write(explained(rule))

    def _config(self, options: dict[str, Any]) -> Config:
        try:
            path = Path(options["config"]) if options["config"] else find(Path.cwd())
            config = load(path) if path else Config()
        except InvalidConfig as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        for expired in config.expired():
            self.stderr.write(
                self.style.WARNING(f"the accepted break {expired.rule} expired on {expired.expires}; it counts again")
            )
        given = {key: options[key] for key in ("mode", "budget_ms") if options[key] is not None}
        if options["strict_open_objects"]:
            given["strict_open_objects"] = True
        return config.but(**given)

    def _pair(self, options: dict[str, Any]) -> Step:
        current, proposed = (_version(options[f"{which}_version"]) for which in ("current", "proposed"))
        if bool(current) != bool(proposed):
            raise CommandError("Give both --current-version and --proposed-version, or neither", returncode=UNUSABLE)
        old, new = Path(options["current"]), Path(options["proposed"])
        report = _judged(old, new, current, proposed, self._config(options), _resources(options["resource"]))
        return Step(None, current, proposed, old, new, report)

    def _steps(self, options: dict[str, Any], config: Config) -> Iterator[Step]:
        folders = [Path(folder) for folder in options["folders"] or config.paths]
        if not folders:
            raise CommandError("Name a folder, or set paths in the configuration", returncode=UNUSABLE)
        for folder in folders:
            if not folder.is_dir():
                raise CommandError(f"{folder} is not a folder", returncode=UNUSABLE)
        try:
            found, unnamed = histories(folders)
        except RepeatedVersion as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        for path in unnamed:
            self.stderr.write(self.style.WARNING(f"passed over {path}: its name holds no version"))
        if not found:
            listed = ", ".join(map(str, folders))
            raise CommandError(
                f"No contracts in {listed}: files are named NAME/VERSION.json or NAME.VERSION.json", returncode=UNUSABLE
            )
        resources = _resources(options["resource"])
        pairs: list[tuple[VersionFile, VersionFile | None]] = []
        for files in found.values():
            # The only version of a contract is compared with nothing, but it must be valid.
            pairs += [(files[0], None)] if len(files) == 1 else list(itertools.pairwise(files))
        for old, new in tqdm(pairs, desc="Checking", unit="step", disable=None, leave=False):
            if new is None:
                _judged(old.path, old.path, None, None, config, resources)
                continue
            versions = old.version.text, new.version.text
            report = _judged(old.path, new.path, *versions, config.but(contract=new.contract), resources)
            yield Step(new.contract, *versions, old.path, new.path, report)

    def _finish(self, steps: list[Step], options: dict[str, Any]) -> None:
        if options["format"] == "text" and not options["output"]:
            written = text(steps, self._paint)
        else:
            written = FORMATS[options["format"]](steps)
        if options["output"]:
            Path(options["output"]).write_text(written + "\n", encoding="utf-8")
        elif written:
            self.stdout.write(written)
        refused = [step for step in steps if not step.report.acceptable]
        if refused:
            reasons = (
                (f"{step.contract}: " if step.contract else "") + "; ".join(step.report.problems) for step in refused
            )
            raise CommandError("\n".join(reasons), returncode=BREAKING)

    def _paint(self, words: str, what: str) -> str:
        styles = {"breaking": "ERROR", "undecided": "WARNING", "compatible": "SUCCESS", "dim": "HTTP_INFO"}
        painted: str = getattr(self.style, styles[what])(words)
        return painted


def _pair_arguments(parser: CommandParser, *, required: bool) -> None:
    parser.add_argument("--current", required=required, metavar="FILE", help="the contract as it is")
    parser.add_argument("--proposed", required=required, metavar="FILE", help="the contract as it shall be")
    parser.add_argument("--current-version", metavar="VERSION", help="such as 1.0.0 or v1")
    parser.add_argument("--proposed-version", metavar="VERSION", help="such as 1.1.0 or v2")


def _policy_arguments(parser: CommandParser) -> None:
    parser.add_argument("--mode", choices=MODES, help="whom to protect (default: backward)")
    parser.add_argument(
        "--strict-open-objects", action="store_true", help="count new optional properties of open objects as breaks"
    )
    parser.add_argument("--budget-ms", type=float, metavar="MS", help="time to look for witnesses (default: 200)")
    parser.add_argument(
        "--resource", action="append", default=[], metavar="URI=FILE", help="what a reference to this URI leads to"
    )
    parser.add_argument("--config", metavar="FILE", help="default: .contracts-lint.toml or pyproject.toml, upwards")


def _format_arguments(parser: CommandParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--output", metavar="FILE", help="write the report there (default: standard output)")


def _judged(
    old: Path, new: Path, current: str | None, proposed: str | None, config: Config, resources: dict[str, Any]
) -> Report:
    versions: Any = {"current_version": current, "proposed_version": proposed}
    if (old.suffix == ".wit") != (new.suffix == ".wit"):
        raise CommandError(f"{old} and {new} are not of one kind", returncode=UNUSABLE)
    if old.suffix != ".wit":
        return lint(_schema(old), _schema(new), config=config, resources=resources, **versions)
    return lint_wit(_wit(old), _wit(new), config=config, **versions)


def _resources(given: list[str]) -> dict[str, Any]:
    found = {}
    for each in given:
        uri, equals, path = each.partition("=")
        if not equals or not uri or not path:
            raise CommandError(f"--resource {each} is not URI=FILE", returncode=UNUSABLE)
        found[uri] = _schema(Path(path))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", returncode=UNUSABLE) from None


def _wit(path: Path) -> str:
    try:
        text = _read(path).decode("utf-8")
        check_wit(text)
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8", returncode=UNUSABLE) from None
    except InvalidWIT as error:
        raise CommandError(f"{path} is not valid WIT: {error}", returncode=UNUSABLE) from None
    except WITToolFailed as error:
        raise CommandError(str(error), returncode=UNUSABLE) from None
    return text


def _schema(path: Path) -> Any:
    try:
        return parse_schema(_read(path))
    except InvalidJSON as error:
        raise CommandError(f"{path} is not JSON: {error}", returncode=UNUSABLE) from None
    except InvalidSchema as error:
        raise CommandError(f"{path} is not a valid JSON Schema: {error}", returncode=UNUSABLE) from None


def _version(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return Version.parse(given).text
    except InvalidVersion as error:
        raise CommandError(f"Invalid version: {error}", returncode=UNUSABLE) from None
