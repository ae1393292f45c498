"""The actions of the command line, and their options."""

from __future__ import annotations

import argparse

from linter_app.changes import MODES
from linter_app.config import BUDGET_MS
from linter_app.report.formats import FORMATS

TIMEOUT_SECONDS, MEMORY_MIB = 60, 2048
EXIT_CODES = "Exit codes: 0 compatible, 1 breaking without the version bump, 2 unusable input."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    compare = actions.add_parser("compare", help="compare two files", description=EXIT_CODES)
    _add_pair(compare, required=True)
    _add_policy(compare)
    _add_output(compare)
    check = actions.add_parser(
        "check",
        help="check every contract's history in a tree of files",
        description="Compare each version with the one before it, in a tree of NAME/VERSION.json or "
        f"NAME.VERSION.json files (and .wit). {EXIT_CODES}",
    )
    check.add_argument("folders", nargs="*", metavar="DIR", help="default: paths of the configuration")
    _add_policy(check)
    _add_output(check)
    log = actions.add_parser(
        "changelog",
        help="write a changelog from the differences",
        description="Of two files (--current, --proposed), or of all contracts in a tree, the newest first.",
    )
    log.add_argument("folders", nargs="*", metavar="DIR")
    log.add_argument("--contract", metavar="NAME", help="only this contract of the tree")
    _add_pair(log, required=False)
    _add_policy(log)
    log.add_argument("--format", choices=("markdown", "json"), default="markdown")
    bundle = actions.add_parser(
        "bundle",
        help="whether the schema and the WIT text of one bundle agree",
        description="Findings are warnings; levels of the configuration can make them errors (exit code 1).",
    )
    bundle.add_argument("--json-schema", required=True, metavar="FILE")
    bundle.add_argument("--wit", required=True, metavar="FILE")
    _add_policy(bundle)
    _add_output(bundle)
    rules = actions.add_parser("rules", help="list the rules")
    rules.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    explain = actions.add_parser("explain", help="what a rule means, what it breaks, and an example")
    explain.add_argument("rule", metavar="RULE", nargs="?", help="without one, all rules are listed")
    explain.set_defaults(format="text")


def _add_pair(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--current", required=required, metavar="FILE", help="the current version")
    parser.add_argument("--proposed", required=required, metavar="FILE", help="the proposed version")
    parser.add_argument("--current-version", metavar="VERSION", help="such as 1.0.0 or v1")
    parser.add_argument("--proposed-version", metavar="VERSION", help="such as 1.1.0 or v2")


def _add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mode", choices=MODES, help="what must not break (default: backward)")
    parser.add_argument(
        "--strict-open-objects", action="store_true", help="count new optional properties of open objects as breaks"
    )
    parser.add_argument(
        "--budget-ms", type=float, metavar="MS", help=f"time to search for witnesses (default: {BUDGET_MS})"
    )
    parser.add_argument(
        "--resource", action="append", default=[], metavar="URI=FILE", help="the schema that a reference to URI means"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help=f"time for one comparison, which is undecided after it (default: {TIMEOUT_SECONDS})",
    )
    parser.add_argument(
        "--memory",
        type=int,
        default=MEMORY_MIB,
        metavar="MIB",
        help=f"memory for one comparison (default: {MEMORY_MIB})",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="default: .contracts-lint.toml or pyproject.toml, here or in a folder above"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--output", metavar="FILE", help="write the report there (default: standard output)")
